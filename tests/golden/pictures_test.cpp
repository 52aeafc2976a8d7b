// Pictures of every kind that Pillow tells apart, against what Pillow 13 makes of the same bytes (of HEIC, AVIF and
// JPEG XL their libraries' own tools): equal, or refused by name. tools/make_golden_pictures.py wrote them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "image/codec/codec.hpp"
#include "support/sample_images.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::filesystem::path folder() {
  return test::source_dir() / "tests" / "golden" / "pictures";
}

std::vector<std::byte> contents_of(const std::filesystem::path& path) {
  return test::bytes_of(read_text_file(path));
}

const json& expected() {
  static const json parsed = json::parse(read_text_file(folder() / "expected.json"));
  return parsed;
}

/// A string, which the error contains, and no [width, height, CRC-32].
bool is_refused(const json& entry) {
  return entry.is_string();
}
std::uint32_t crc_of(const json& entry) {
  return entry.at(2);
}

TEST(PicturesGolden, EveryPictureIsEqualToPillowsOrRefusedByName) {
  std::map<std::string, int> equal;  // by the extension
  int refused = 0;
  for (const auto& [name, entry] : expected().items()) {
    try {
      const Image image = decode_image(contents_of(folder() / name), name, {});
      ASSERT_FALSE(is_refused(entry)) << name << " is decoded, expected: " << entry;
      EXPECT_EQ(image.size(), (Size{entry.at(1), entry.at(0)})) << name;
      EXPECT_EQ(test::crc32(image), crc_of(entry)) << name;
      ++equal[std::filesystem::path(name).extension()];
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kDecode) << error.what();
      ASSERT_TRUE(is_refused(entry)) << name << " is refused, expected as Pillow reads it: " << error.what();
      EXPECT_THAT(error.what(), HasSubstr(entry.get<std::string>())) << name;
      ++refused;
    }
  }
  EXPECT_GE(equal[".tif"], 250);
  EXPECT_GE(equal[".bmp"], 60);
  EXPECT_GE(equal[".gif"], 25);
  EXPECT_GE(equal[".pnm"], 40);
  EXPECT_GE(equal[".jpg"], 30);
  for (const std::string extension : {".heic", ".avif", ".jxl"}) EXPECT_GE(equal[extension], 3) << extension;
  EXPECT_GE(refused, 40);
}

TEST(PicturesGolden, NoFileIsLeftOver) {
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(name == "expected.json" || expected().contains(name)) << name;
  }
}

TEST(PicturesGolden, TheBeginningOfAPictureIsNoneOrTheWholePicture) {
  for (const auto& [name, entry] : expected().items()) {
    if (is_refused(entry)) continue;
    const std::vector<std::byte> file = contents_of(folder() / name);
    DecodeOptions options;
    options.exif = ExifMode::kIgnore;  // a PNG's may stand after its pixels
    const std::uint32_t whole = test::crc32(decode_image(file, name, options));
    for (std::size_t size = 0; size < file.size(); size += 1 + file.size() / 9) {
      try {
        const Image image = decode_image(std::span(file).first(size), name, options);
        EXPECT_EQ(test::crc32(image), whole) << name << " cut to " << size;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kDecode) << error.what();
      }
    }
  }
}

TEST(PicturesGolden, PixelsAreCountedBeforeTheyAreDecoded) {
  for (const auto& [name, entry] : expected().items()) {
    if (is_refused(entry)) continue;
    DecodeOptions options;
    options.max_pixels = entry.at(0).get<std::uint64_t>() * entry.at(1).get<std::uint64_t>() - 1;
    try {
      static_cast<void>(decode_image(contents_of(folder() / name), name, options));
      ADD_FAILURE() << name << " is decoded";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kTooLarge) << error.what();
    }
  }
}

TEST(PicturesGolden, TheCasesOfPublicReportsAreRight) {
  FOVEA_NEEDS_SHARED(cases, "cases");
  for (const auto& [name, file] : std::map<std::string, std::string>{{"bmp-32-masks-xbgr", "x.bmp"},
                                                                     {"exif-1-xmp-6", "x.jpg"},
                                                                     {"pgm-15", "x.pgm"},
                                                                     {"tiff-tiled-tifffile", "x.tif"}}) {
    const Image image = decode_image(contents_of(cases / name / file), name, {});
    const std::string npy = read_text_file(cases / name / "expected_rgb.npy");
    ASSERT_THAT(npy, HasSubstr(fmt::format("'shape': ({}, {}, 3)", image.size().height, image.size().width))) << name;
    const std::string_view wanted = std::string_view(npy).substr(npy.size() - image.pixels().size());
    EXPECT_EQ(test::crc32(image), test::crc32(test::bytes_of(wanted))) << name;
  }
}

}  // namespace
}  // namespace fovea
