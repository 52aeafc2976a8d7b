#include "checkpoint/formats/zip_archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fovea/error.hpp"
#include "support/zip_writer.hpp"

namespace fovea {
namespace {

using test::make_zip;
using test::ZipEnd;
using test::ZipEntry;
using testing::HasSubstr;

std::vector<ZipMember> read(const std::string& file) {
  return read_zip_directory(std::as_bytes(std::span(file)), "x.zip");
}

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The sentence of the error that the directory gives, or that inflating a member gives.
std::string zip_archive_refusal(const std::string& file) {
  try {
    for (const ZipMember& member : read(file)) static_cast<void>(read_member(member));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCheckpoint);
    EXPECT_FALSE(error.hint().empty());
    EXPECT_THAT(error.what(), testing::StartsWith("x.zip: "));
    return error.what();
  }
  return "accepted";
}

std::string letters(std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += static_cast<char>('a' + i * i % 23);
  return all;
}

TEST(ZipArchive, GivesStoredAndDeflatedMembersOfEverySizeByName) {
  for (const std::size_t size : {0U, 1U, 2U, 255U, 4096U, 65535U, 65536U, 300000U}) {
    for (const bool zip64 : {false, true}) {
      const std::string content = letters(size);
      const std::string file = make_zip({{.name = "b", .content = content, .zip64 = zip64, .padding = 20},
                                         {.name = "a", .content = content, .deflated = true, .zip64 = zip64},
                                         {.name = "folder/", .content = ""}},
                                        {.zip64 = zip64, .comment = std::string(size % 70, 'c')});
      const auto members = read(file);
      ASSERT_EQ(members.size(), 2U);
      EXPECT_TRUE(find_member(members, "a")->deflated);
      EXPECT_FALSE(find_member(members, "b")->deflated);
      EXPECT_EQ(text(find_member(members, "b")->content), content) << "where it lies";
      EXPECT_EQ(find_member(members, "c"), nullptr);
      for (const ZipMember& member : members) {
        EXPECT_EQ(member.size, size);
        EXPECT_EQ(text(read_member(member)), content);
        EXPECT_EQ(text(read_beginning(member, 100)), content.substr(0, 100));
      }
    }
  }
}

TEST(ZipArchive, RefusesEveryTruncation) {
  for (const bool zip64 : {false, true}) {
    const std::string file = make_zip({{.name = "a", .content = letters(50), .zip64 = zip64},
                                       {.name = "b", .content = letters(200), .deflated = true, .zip64 = zip64}},
                                      {.zip64 = zip64});
    ASSERT_EQ(zip_archive_refusal(file), "accepted");
    for (std::size_t cut = 0; cut < file.size(); ++cut) {
      EXPECT_NE(zip_archive_refusal(file.substr(0, cut)), "accepted") << cut;
    }
  }
}

TEST(ZipArchive, NoticesEachFlippedBitOfADeflatedMember) {
  const std::string content = letters(64);
  const std::string file = make_zip({{.name = "a", .content = content, .deflated = true}});
  const auto packed = read(file).at(0).content;
  const auto begin = static_cast<std::size_t>(packed.data() - std::as_bytes(std::span(file)).data());
  for (std::size_t at = begin; at < begin + packed.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      try {
        // A bit of the padding at the end may change nothing.
        EXPECT_EQ(text(read_member(read(damaged).at(0))), content) << at << " " << bit;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCheckpoint);
      }
    }
  }
}

TEST(ZipArchive, ChecksWhatIsInflatedAgainstItsChecksumAndSize) {
  const ZipEntry honest{.name = "a", .content = letters(100), .deflated = true};
  ZipEntry entry = honest;
  entry.crc32 = 7;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("member 'a' has CRC-32"));
  entry = honest;
  entry.size = 99;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("member 'a' inflates to more bytes, expected 99"));
  entry.size = 101;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("member 'a' inflates to 100 bytes, expected 101"));
  entry = honest;
  entry.compressed_size = 10;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("member 'a' is not a valid DEFLATE stream"));
}

TEST(ZipArchive, RefusesBombs) {
  const ZipEntry bomb{.name = "a", .content = letters(9), .deflated = true, .zip64 = true, .size = 1ULL << 40U};
  EXPECT_THAT(zip_archive_refusal(make_zip({bomb})),
              HasSubstr("member 'a' claims 1099511627776 bytes, expected at most"));
  // Two names for the same bytes.
  const ZipEntry first{.name = "a", .content = letters(100)};
  const ZipEntry again{.name = "b", .content = letters(100), .header_offset = 0, .local_name = "a"};
  EXPECT_NE(zip_archive_refusal(make_zip({first, again})), "accepted");
  // A member that begins within another: the local header of `b` is the content of `a`.
  const std::string inner = make_zip({{.name = "b", .content = letters(20)}}).substr(0, 30 + 1 + 20);
  const ZipEntry outer{.name = "a", .content = inner};
  const ZipEntry within{.name = "b", .content = letters(20), .header_offset = 31};
  EXPECT_THAT(zip_archive_refusal(make_zip({outer, within})), HasSubstr("member 'a' overlaps member 'b'"));
}

TEST(ZipArchive, RefusesWhatItCannotRead) {
  const ZipEntry honest{.name = "a", .content = letters(100)};
  ZipEntry entry = honest;
  entry.flags = 1;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("member 'a' is encrypted"));
  entry = honest;
  entry.method = 12;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})),
              HasSubstr("compressed by method 12, expected 0 (stored) or 8 (deflated)"));
  entry = honest;
  entry.local_name = "b";
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("another name or method in its own header"));
  entry = honest;
  entry.size = 5;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("member 'a' has 100 bytes, expected 5"));
  entry = honest;
  entry.size = entry.compressed_size = 1'000'000;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("member 'a' has 1000000 bytes, expected at most"));
  entry = honest;
  entry.header_offset = 1'000'000;
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("member 'a' has no header at byte 1000000"));
  entry = honest;
  entry.name = "\xFF";
  EXPECT_THAT(zip_archive_refusal(make_zip({entry})), HasSubstr("has no valid name"));
  EXPECT_THAT(zip_archive_refusal(make_zip({honest, honest})), HasSubstr("member 'a' appears twice"));
}

TEST(ZipArchive, RefusesDirectoriesThatLie) {
  const ZipEntry entry{.name = "a", .content = letters(100)};
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  EXPECT_THAT(zip_archive_refusal(make_zip({entry}, {.entries = 60'000})),
              HasSubstr("claims 60000 members, expected at most 1"));
  EXPECT_THAT(zip_archive_refusal(make_zip({entry}, {.zip64 = true, .entries = kHuge})),
              HasSubstr("members, expected at most 1"));
  for (const std::uint64_t lie : {std::uint64_t{200}, std::uint64_t{0x7FFF'FFFF}, kHuge, kHuge - 46}) {
    EXPECT_NE(zip_archive_refusal(make_zip({entry}, {.zip64 = true, .directory_size = lie})), "accepted") << lie;
    EXPECT_NE(zip_archive_refusal(make_zip({entry}, {.zip64 = true, .directory_offset = lie})), "accepted") << lie;
    EXPECT_NE(zip_archive_refusal(make_zip({entry}, {.zip64 = true, .zip64_record = lie})), "accepted") << lie;
  }
  EXPECT_THAT(zip_archive_refusal("PK\3\4 and then nothing of the kind"), HasSubstr("no directory at its end"));
}

}  // namespace
}  // namespace fovea
