// Archives as Python's tarfile and GNU tar write them (tools/make_golden_tar.py), against what tarfile finds in them.
#include "pipeline/archive/tar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "pipeline/archive/archive_inputs.hpp"
#include "pipeline/archive/unpacked.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

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

/// Name below the archive and content of its pictures.
std::vector<std::pair<std::string, std::vector<std::byte>>> pictures_of(const std::filesystem::path& archive) {
  std::vector<std::pair<std::string, std::vector<std::byte>>> pictures;
  for (const Input& input : list_archive(archive, "0.tar", {}, std::make_shared<UnpackedArchives>())) {
    EXPECT_FALSE(input.failure) << input.failure->message;
    if (!input.failure) pictures.emplace_back(input.path.substr(archive.string().size()), read_input_file(input));
  }
  return pictures;
}

TEST(GoldenTar, CompressedArchivesHoldWhatThePlainOneHolds) {
  const std::filesystem::path folder = test::source_dir() / "tests/golden/tar";
  const auto plain = pictures_of(folder / "gnu_gnu.tar");
  ASSERT_EQ(plain.size(), 6U);
  for (const char* name : {"gnu_gnu.tar.gz", "gnu_gnu.tar.bz2", "gnu_gnu.tar.xz", "gnu_gnu.tar.zst", "gnu_gnu.tar.lz4",
                           "pieces.tgz"}) {
    EXPECT_EQ(pictures_of(folder / name), plain) << name;
  }
  const test::TempFolder own;
  std::filesystem::copy(folder / "gnu_gnu.tar", own / "misnamed.tar.gz");
  EXPECT_EQ(pictures_of(own / "misnamed.tar.gz"), plain);  // as GNU tar reads it
}

TEST(GoldenTar, ACompressedArchiveThatIsCutShortEndsWithAFailureWhereverItIsCut) {
  const std::filesystem::path folder = test::source_dir() / "tests/golden/tar";
  const test::TempFolder own;
  for (const char* ending : {"gz", "bz2", "xz", "zst", "lz4"}) {
    const std::vector<std::byte> whole = read_file(folder / (std::string("gnu_gnu.tar.") + ending));
    const std::filesystem::path cut = own / (std::string("cut.tar.") + ending);
    for (std::size_t size = 1; size < whole.size(); size += whole.size() / 9) {
      replace_file(cut, std::span(whole).first(size));
      const auto inputs = list_archive(cut, "0.tar", {}, std::make_shared<UnpackedArchives>());
      ASSERT_FALSE(inputs.empty());
      ASSERT_TRUE(inputs.back().failure) << cut << ' ' << size;
      EXPECT_EQ(inputs.back().failure->code, ErrorCode::kDecode) << inputs.back().failure->message;
      EXPECT_THAT(inputs.back().failure->message, testing::HasSubstr(std::string("cut.tar.") + ending + ": the archive is "));
      for (std::size_t i = 0; i + 1 < inputs.size(); ++i) EXPECT_FALSE(inputs[i].failure);
    }
  }
}

TEST(GoldenTar, ArchivesAreUnpackedAgainWhereManyAreReadInTurn) {
  const std::filesystem::path folder = test::source_dir() / "tests/golden/tar";
  const test::TempFolder own;
  const auto unpacked = std::make_shared<UnpackedArchives>();
  std::vector<Input> all;
  for (int i = 0; i < 6; ++i) {
    const std::filesystem::path copy = own / (std::to_string(i) + ".tar.gz");
    std::filesystem::copy(folder / "gnu_gnu.tar.gz", copy);
    for (Input& input : list_archive(copy, "0.tar", {}, unpacked)) all.push_back(std::move(input));
  }
  ASSERT_EQ(all.size(), 6U * 6U);
  const auto plain = pictures_of(folder / "gnu_gnu.tar");
  for (std::size_t step = 0; step < all.size(); ++step) {
    const std::size_t i = step * 7 % all.size();  // each once, in another archive than the one before
    EXPECT_EQ(read_input_file(all[i]), plain[i % 6].second) << all[i].path;
  }
}

}  // namespace
}  // namespace fovea
