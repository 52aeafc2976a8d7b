// Archives as Python's tarfile and GNU tar write them (tools/make_golden_tar.py), against what tarfile finds in them.
#include "pipeline/archive/tar.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

TEST(GoldenTar, MembersLieWherePythonFindsThem) {
  const std::filesystem::path folder = test::source_dir() / "tests/golden/tar";
  const auto expected = nlohmann::json::parse(read_text_file(folder / "members.json"));
  ASSERT_EQ(expected.size(), 6U);
  for (const auto& [file, members] : expected.items()) {
    const TarListing listing = list_tar(read_file(folder / file));
    EXPECT_EQ(listing.damage, "") << file;
    ASSERT_EQ(listing.members.size(), members.size()) << file;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const TarMember& member = listing.members[i];
      EXPECT_EQ(member.name, members[i].at("name")) << file;
      EXPECT_EQ(member.refused.empty(), members[i].at("is_file").get<bool>()) << file << ' ' << member.name;
      if (!member.refused.empty()) continue;
      EXPECT_EQ(member.offset, members[i].at("offset")) << file << ' ' << member.name;
      EXPECT_EQ(member.bytes, members[i].at("bytes")) << file << ' ' << member.name;
    }
  }
}

}  // namespace
}  // namespace fovea
