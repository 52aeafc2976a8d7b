#include "base/page_arena.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/aligned_buffer.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMany = std::size_t{40} << 20;  // bytes; two of them fill no region

TEST(TakePages, GivesApartAlignedZeroedMemoryOfAnySize) {
  const std::vector<std::size_t> sizes{1, 15, 16, 64, 65, 4096, 1000000, kMany, kMany, kMany, 0, 7};
  std::vector<std::shared_ptr<std::byte>> parts;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    parts.push_back(take_pages(sizes[i]));
    std::byte* const part = parts.back().get();
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(part) % kCacheLine, 0U) << sizes[i];
    ASSERT_TRUE(std::all_of(part, part + sizes[i], [](std::byte b) { return b == std::byte{0}; })) << sizes[i];
    std::fill_n(part, sizes[i], static_cast<std::byte>(i + 1));
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::byte* const part = parts[i].get();
    EXPECT_TRUE(std::all_of(part, part + sizes[i], [&](std::byte b) { return b == static_cast<std::byte>(i + 1); }))
        << sizes[i];
  }
}

TEST(TakePages, KeepsWhatIsHeldWhenItsNeighboursGo) {
  std::shared_ptr<std::byte> before = take_pages(100);
  const std::shared_ptr<std::byte> held = take_pages(100);
  std::fill_n(held.get(), 100, std::byte{5});
  before.reset();
  for (int i = 0; i < 10; ++i) std::fill_n(take_pages(kMany).get(), kMany, std::byte{9});
  EXPECT_TRUE(std::all_of(held.get(), held.get() + 100, [](std::byte b) { return b == std::byte{5}; }));
}

TEST(TakePages, GivesEachThreadItsOwn) {
  std::vector<std::vector<std::shared_ptr<std::byte>>> parts(4);
  std::vector<std::thread> threads;
  threads.reserve(parts.size());
  for (std::size_t t = 0; t < parts.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        parts[t].push_back(take_pages(300));
        std::fill_n(parts[t].back().get(), 300, static_cast<std::byte>(t + 1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 0; t < parts.size(); ++t) {
    for (const auto& part : parts[t]) {
      EXPECT_TRUE(
          std::all_of(part.get(), part.get() + 300, [&](std::byte b) { return b == static_cast<std::byte>(t + 1); }));
    }
  }
}

}  // namespace
}  // namespace fovea
