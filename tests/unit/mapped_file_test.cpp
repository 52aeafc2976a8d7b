#include "base/mapped_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>

#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

/// How much of the mapped files is in memory now.
std::size_t shared_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  std::size_t shared = 0;
  file >> size >> resident >> shared;  // pages
  return shared * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(MappedFile, WhatIsForgottenLeavesMemoryAndComesBackWhenTouched) {
  constexpr std::size_t kSize = std::size_t{32} << 20U;
  const TempFolder folder;
  {
    std::ofstream file(folder / "large.bin", std::ios::binary);
    const std::string chunk(1U << 20U, '\x5a');
    for (std::size_t i = 0; i < kSize / chunk.size(); ++i) file << chunk;
  }
  const MappedFile file(folder / "large.bin");
  const auto is_whole = [&] {
    return std::all_of(file.bytes().begin(), file.bytes().end(), [](std::byte b) { return b == std::byte{0x5a}; });
  };
  ASSERT_EQ(file.bytes().size(), kSize);
  const std::size_t before = shared_bytes();
  ASSERT_TRUE(is_whole());
  EXPECT_GE(shared_bytes(), before + kSize / 2);
  file.forget();
  EXPECT_LT(shared_bytes(), before + kSize / 4);
  EXPECT_TRUE(is_whole());
}

}  // namespace
}  // namespace fovea::test
