#include "image/codec/exif.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "image/codec/tiff_directory.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

using test::bytes_of;
using test::from_hex;

// A directory with one entry: tag 0x0112 (orientation), SHORT, count 1, value 6.
const std::string kLittle =
    "49492a0008000000"
    "0100"
    "1201"
    "0300"
    "01000000"
    "06000000"
    "00000000";
const std::string kBig =
    "4d4d002a00000008"
    "0001"
    "0112"
    "0003"
    "00000001"
    "00060000"
    "00000000";
const std::string kPrefix = "457869660000";

TEST(Exif, OrientationIsReadInBothByteOrdersWithOrWithoutPrefix) {
  EXPECT_EQ(orientation_of(from_hex(kLittle)), 6);
  EXPECT_EQ(orientation_of(from_hex(kBig)), 6);
  EXPECT_EQ(orientation_of(from_hex(kPrefix + kLittle)), 6);
  EXPECT_EQ(orientation_of(from_hex(kPrefix + kBig)), 6);
}

TEST(Exif, EveryTruncatedBlockMeansUpright) {
  const std::vector<std::byte> block = from_hex(kPrefix + kBig);
  const std::size_t needed = 6 + 8 + 2 + 12;
  for (std::size_t size = 0; size < needed; ++size) {
    EXPECT_EQ(orientation_of(std::span(block).first(size)), 1) << size;
  }
  EXPECT_EQ(orientation_of(std::span(block).first(needed)), 6);
}

TEST(Exif, HostileBlocksMeanUpright) {
  for (const std::string& hex : {std::string("4d4d002affffffff0001"),  // a directory far outside
                                 std::string("49492a00080000000100") + "1201"
                                                                       "0300"
                                                                       "ffffffff"
                                                                       "ffffffff",  // 2^32 - 1 values far outside
                                 std::string("49492a0008000000ffff") + "1201"
                                                                       "0300"
                                                                       "01000000"
                                                                       "09000000",  // no orientation is 9
                                 std::string("49492a00080000000100") + "1201"
                                                                       "0300"
                                                                       "00000000"
                                                                       "06000000",  // no value at all
                                 std::string("49492a00080000000100") + "1201"
                                                                       "0200"
                                                                       "01000000"
                                                                       "06000000",                 // text
                                 std::string("49492b0008000000ffffffffffffffff"),                  // BigTIFF, nowhere
                                 std::string("49492b000800000010000000000000000100000000000000"),  // BigTIFF, cut short
                                 std::string("58582a0008000000"), std::string("4578696600"), std::string()}) {
    EXPECT_EQ(orientation_of(from_hex(hex)), 1) << hex;
  }
}

TEST(Exif, AByteFlippedAnywhereNeverLeavesTheRange) {
  const std::vector<std::byte> block = from_hex(kLittle);
  for (std::size_t at = 0; at < block.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::vector<std::byte> changed = block;
      changed[at] = static_cast<std::byte>(value);
      const int orientation = orientation_of(changed);
      EXPECT_TRUE(orientation >= 1 && orientation <= 8);
    }
  }
}

TEST(Exif, XmpSaysTheSameInBothItsForms) {
  EXPECT_EQ(orientation_of({}, bytes_of("<rdf:Description tiff:Orientation=\"8\"/>")), 8);
  EXPECT_EQ(orientation_of({}, bytes_of("<tiff:Orientation>3</tiff:Orientation>")), 3);
  EXPECT_EQ(orientation_of({}, bytes_of("<tiff:Orientation>x</tiff:Orientation>")), 1);
  EXPECT_EQ(orientation_of({}, bytes_of("tiff:Orientation=\"")), 1);
  EXPECT_EQ(orientation_of({}, {}), 1);
}

TEST(Exif, EachOrientationTurnsThePictureAsTheStandardSays) {
  // A picture of 2 rows and 3 columns, stored so that after turning it reads
  //   1 2 3
  //   4 5 6
  // EXIF 2.32: the orientation names the sides at which row 0 and column 0 lie.
  struct Case {
    int orientation;
    Size stored_size;
    std::array<std::uint8_t, 6> stored;
  };
  const std::array<Case, 8> cases{{{1, {2, 3}, {1, 2, 3, 4, 5, 6}},
                                   {2, {2, 3}, {3, 2, 1, 6, 5, 4}},
                                   {3, {2, 3}, {6, 5, 4, 3, 2, 1}},
                                   {4, {2, 3}, {4, 5, 6, 1, 2, 3}},
                                   {5, {3, 2}, {1, 4, 2, 5, 3, 6}},
                                   {6, {3, 2}, {3, 6, 2, 5, 1, 4}},
                                   {7, {3, 2}, {6, 3, 5, 2, 4, 1}},
                                   {8, {3, 2}, {4, 1, 5, 2, 6, 3}}}};
  for (const Case& c : cases) {
    Image stored(c.stored_size);
    for (std::size_t i = 0; i < 18; ++i) stored.pixels()[i] = static_cast<std::uint8_t>(10 * c.stored[i / 3] + i % 3);
    const Image turned = upright(stored, c.orientation);
    ASSERT_EQ(turned.size(), (Size{2, 3})) << c.orientation;
    for (std::size_t i = 0; i < 18; ++i) EXPECT_EQ(turned.pixels()[i], 10 * (i / 3 + 1) + i % 3) << c.orientation;
  }
}

TEST(Exif, ItsOrientationWinsOverXmpEvenWhereItTurnsNothing) {
  const std::vector<std::byte> xmp = bytes_of("<x tiff:Orientation=\"8\"/>");
  std::string one = kLittle;
  one.replace(one.find("06000000"), 8, "01000000");
  EXPECT_EQ(orientation_of(from_hex(one), xmp), 1);
  EXPECT_EQ(orientation_of(from_hex(kLittle), xmp), 6);
  EXPECT_EQ(orientation_of({}, xmp), 8);
  std::string other_tag = kLittle;
  other_tag.replace(other_tag.find("1201"), 4, "0001");
  EXPECT_EQ(orientation_of(from_hex(other_tag), xmp), 8);
}

TEST(TiffDirectory, TellsWhetherBaselineValuesLieInTheFile) {
  const auto whole = read_tiff_directory(from_hex(kLittle));
  ASSERT_TRUE(whole.has_value());
  EXPECT_TRUE(whole->complete);
  const std::vector<std::byte> block = from_hex(kLittle);
  const TiffEntry* entry = whole->find(TiffTag::kOrientation);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(number_of(block, *entry, whole->endian), 6.0);
  EXPECT_EQ(whole->find(TiffTag::kXmp), nullptr);
  // A colour map of 768 values at offset 26, where the file ends.
  const auto cut =
      read_tiff_directory(from_hex("49492a00080000000100"
                                   "4001"
                                   "0300"
                                   "00030000"
                                   "1a000000"
                                   "00000000"));
  ASSERT_TRUE(cut.has_value());
  EXPECT_FALSE(cut->complete);
}

}  // namespace
}  // namespace fovea
