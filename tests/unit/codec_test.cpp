#include "image/codec/codec.hpp"
#include "image/codec/encode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fovea/error.hpp"
#include "image/codec/exif.hpp"
#include "image/module/module.hpp"
#include "support/png_text.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

using test::bytes_of;
using test::from_hex;
using test::golden_source;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

using Bytes = std::vector<std::byte>;

bool same(const Image& a, const Image& b) {
  return a.size() == b.size() && std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin(), b.pixels().end());
}

Image decode(std::span<const std::byte> file, ExifMode exif = ExifMode::kApply) {
  DecodeOptions options;
  options.exif = exif;
  return decode_image(file, "test", options);
}

/// The error that decoding ends with; a failure and an empty message if there is none.
Error decode_error(std::span<const std::byte> file, std::uint64_t max_pixels = DecodeOptions().max_pixels) {
  DecodeOptions options;
  options.max_pixels = max_pixels;
  try {
    static_cast<void>(decode_image(file, "test", options));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "decoded";
  return {ErrorCode::kUsage, ""};
}

std::array<std::uint8_t, 3> pixel(const Image& image, int y, int x) {
  const std::uint8_t* p = image.row(y) + 3 * x;
  return {p[0], p[1], p[2]};
}
using Rgb = std::array<std::uint8_t, 3>;

/// A PNG of 8 or 16 bits a sample, interlaced or not; rows in PNG's byte order.
Bytes write_png(Size size, int color_type, int depth, int interlace, const std::vector<std::uint8_t>& samples) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  Bytes out;
  const auto append = [](png_structp p, png_bytep bytes, std::size_t count) {
    auto& to = *static_cast<Bytes*>(png_get_io_ptr(p));
    const auto* begin = reinterpret_cast<const std::byte*>(bytes);
    to.insert(to.end(), begin, begin + count);
  };
  png_set_write_fn(png, &out, append, [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(size.width), static_cast<png_uint_32>(size.height), depth,
               color_type, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  const std::size_t row_bytes = samples.size() / static_cast<std::size_t>(size.height);
  for (int pass = png_set_interlace_handling(png); pass > 0; --pass) {
    for (std::size_t y = 0; y < static_cast<std::size_t>(size.height); ++y) {
      png_write_row(png, samples.data() + y * row_bytes);
    }
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

TEST(PngCodec, WhatIsEncodedDecodesToTheSameBytes) {
  for (const Size size : {Size{1, 1}, Size{3, 70}, Size{41, 33}, Size{300, 451}}) {
    const Image image = test::random_image(size, 1);
    EXPECT_TRUE(same(decode(encode_png(image)), image)) << size.height << "x" << size.width;
  }
}

TEST(PngCodec, TextsComeBackAndLeaveThePixelsAsTheyAre) {
  const Image image = test::random_image({9, 14}, 4);
  const std::vector<PictureText> texts{{"Software", "fovea"}, {"fovea:label", "cr\u00E8me \u732B"}, {"fovea:empty", ""}};
  const Bytes file = encode_png(image, texts);
  EXPECT_THAT(test::png_texts(file), ElementsAre(Pair("Software", "fovea"), Pair("fovea:empty", ""),
                                                 Pair("fovea:label", "cr\u00E8me \u732B")));
  EXPECT_TRUE(same(decode(file), image));
  EXPECT_EQ(file, encode_png(image, texts));  // no time in it
  EXPECT_THAT(test::png_texts(encode_png(image)), ::testing::IsEmpty());
}

TEST(PngCodec, SixteenBitGreyKeepsBothBytes) {
  const std::vector<std::uint16_t> levels{0, 1, 255, 256, 0xABCD, 65535};
  const std::vector<PictureText> texts{{"fovea:map_min", "-0.25"}};
  const Bytes file = encode_png(levels, {2, 3}, texts);
  EXPECT_THAT(test::png_texts(file), ElementsAre(Pair("fovea:map_min", "-0.25")));
  DecodeOptions high;
  high.gray16 = Gray16::kScale;
  const Image high_bytes = decode_image(file, "test", high);
  const Image clipped = decode_image(file, "test", {});
  ASSERT_EQ(high_bytes.size(), (Size{2, 3}));
  for (std::size_t i = 0; i < levels.size(); ++i) {
    EXPECT_EQ(high_bytes.pixels()[3 * i], levels[i] >> 8) << i;
    EXPECT_EQ(clipped.pixels()[3 * i], std::min<int>(levels[i], 255)) << i;
  }
}

TEST(PngCodec, InterlacedPicturesEqualPlainOnes) {
  const Image image = test::random_image({19, 23}, 2);
  const std::vector<std::uint8_t> rgb(image.pixels().begin(), image.pixels().end());
  EXPECT_TRUE(same(decode(write_png(image.size(), PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7, rgb)), image));
  const std::vector<std::uint8_t> gray(rgb.begin(), rgb.begin() + 19 * 22 * 2);
  EXPECT_TRUE(same(decode(write_png({19, 22}, PNG_COLOR_TYPE_GRAY, 16, PNG_INTERLACE_ADAM7, gray)),
                   decode(write_png({19, 22}, PNG_COLOR_TYPE_GRAY, 16, PNG_INTERLACE_NONE, gray))));
}

TEST(PngCodec, SixteenBitGreyIsClippedOrScaledAsAsked) {
  const Bytes file = write_png({1, 4}, PNG_COLOR_TYPE_GRAY, 16, PNG_INTERLACE_NONE, {0, 7, 0, 255, 1, 0, 0xAB, 0xCD});
  const Image clipped = decode(file);
  EXPECT_EQ(pixel(clipped, 0, 0), (Rgb{7, 7, 7}));
  EXPECT_EQ(pixel(clipped, 0, 1), (Rgb{255, 255, 255}));
  EXPECT_EQ(pixel(clipped, 0, 2), (Rgb{255, 255, 255}));
  EXPECT_EQ(pixel(clipped, 0, 3), (Rgb{255, 255, 255}));
  DecodeOptions options;
  options.gray16 = Gray16::kScale;
  const Image scaled = decode_image(file, "test", options);
  EXPECT_EQ(pixel(scaled, 0, 0), (Rgb{0, 0, 0}));
  EXPECT_EQ(pixel(scaled, 0, 2), (Rgb{1, 1, 1}));
  EXPECT_EQ(pixel(scaled, 0, 3), (Rgb{0xAB, 0xAB, 0xAB}));
  // The same picture as TIFF goes through another library, by the same rule.
  EXPECT_TRUE(same(decode_image(golden_source("gray16.tif"), "test", options),
                   decode_image(golden_source("gray16.png"), "test", options)));
}

TEST(JpegCodec, WhatIsEncodedDecodesToNearlyTheSame) {
  Image image({40, 50});
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 50; ++x) {
      image.row(y)[3 * x] = static_cast<std::uint8_t>(x * 5);
      image.row(y)[3 * x + 1] = static_cast<std::uint8_t>(y * 6);
      image.row(y)[3 * x + 2] = 90;
    }
  }
  const Image decoded = decode(encode_jpeg(image, 95));
  ASSERT_EQ(decoded.size(), image.size());
  for (std::size_t i = 0; i < image.pixels().size(); ++i) EXPECT_NEAR(decoded.pixels()[i], image.pixels()[i], 12);
  EXPECT_LT(encode_jpeg(image, 30).size(), encode_jpeg(image, 95).size());
}

TEST(Decode, OrientationIsAppliedOrIgnoredAsAsked) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Bytes file = golden_source("exif" + std::to_string(orientation) + ".jpg");
    const Image stored = decode(file, ExifMode::kIgnore);
    EXPECT_EQ(stored.size(), (Size{64, 96}));
    const Image turned = decode(file);
    EXPECT_EQ(turned.size(), orientation >= 5 ? (Size{96, 64}) : (Size{64, 96}));
    EXPECT_TRUE(same(turned, upright(stored, orientation))) << orientation;
  }
  const Bytes png = golden_source("exif6.png");
  EXPECT_TRUE(same(decode(png), upright(decode(png, ExifMode::kIgnore), 6)));
}

TEST(Decode, ATiffIsTurnedEvenWhenExifIsIgnoredAsPillowDoes) {
  // 3x2 px, blue with a red corner, orientation 6.
  const Bytes file = from_hex(
      "49492a00080000000b0000010400010000000300000001010400010000000200000002010300030000009200000003010300010000000100"
      "000006010300010000000200000011010400010000009800000012010300010000000600000015010300010000000300000016010400"
      "0100000002000000170104000100000012000000"
      "1c010300010000000100000000000000080008000800ff00000000ff0000ff0000ff0000ff0000ff");
  for (const ExifMode mode : {ExifMode::kApply, ExifMode::kIgnore}) {
    const Image image = decode(file, mode);
    ASSERT_EQ(image.size(), (Size{3, 2}));
    EXPECT_EQ(pixel(image, 0, 1), (Rgb{255, 0, 0}));
    EXPECT_EQ(pixel(image, 0, 0), (Rgb{0, 0, 255}));
  }
}

TEST(Decode, OfAnAnimationTheFirstFrameOnItsCanvas) {
  // A GIF of 4x3 px whose first frame is 2x1 px at (2, 1), transparent colour green; Pillow fills with that colour.
  const Image gif = decode(from_hex(
      "47494638396104000300910200000000ff000000ff000000ff21f904010a0002002c01000200020001000002020c570021f904000a000000"
      "2c000000000400030000020a14455114455114455105003b"));
  ASSERT_EQ(gif.size(), (Size{3, 4}));
  EXPECT_EQ(pixel(gif, 0, 0), (Rgb{0, 255, 0}));
  EXPECT_EQ(pixel(gif, 2, 1), (Rgb{255, 0, 0}));
  EXPECT_EQ(pixel(gif, 2, 2), (Rgb{0, 0, 255}));
  EXPECT_EQ(pixel(gif, 2, 3), (Rgb{0, 255, 0}));
  const Image webp = decode(from_hex(
      "524946468a00000057454250565038580a00000002000000020000010000414e494d06000000000000000000414e4d462a00000000000000"
      "0000020000010000000000025650384c110000002f0240000007508522d7a3ff8188e87f0000414e4d462c00000000000000000002000001"
      "0000000000005650384c140000002f02400000075081540820000a9afec78888fe07"));
  ASSERT_EQ(webp.size(), (Size{2, 3}));
  EXPECT_EQ(pixel(webp, 1, 2), (Rgb{200, 10, 30}));
}

TEST(Decode, ABeginningOfAFileIsNoPicture) {
  for (const std::string name : {"baseline.jpg", "progressive.jpg", "cmyk.jpg", "lossy.webp", "lossless.webp"}) {
    const Bytes file = golden_source(name);
    for (std::size_t size = 0; size < file.size(); size += 1 + file.size() / 53) {
      EXPECT_EQ(decode_error(std::span(file).first(size)).code(), ErrorCode::kDecode) << name << " cut to " << size;
    }
    EXPECT_EQ(decode_error(std::span(file).first(file.size() - 1)).code(), ErrorCode::kDecode) << name;
  }
}

TEST(Decode, ABeginningThatLacksPixelsIsNoPicture) {
  // These formats have things behind their pixels, such as colour profiles, that a picture can do without.
  for (const std::string name :
       {"photo.tif", "cmyk.tif", "gray16.tif", "palette.gif", "gray.png", "rgb16.png", "photo.bmp"}) {
    const Bytes file = golden_source(name);
    const Image whole = decode(file);
    int errors = 0;
    for (std::size_t size = 0; size < file.size(); size += 1 + file.size() / 53) {
      try {
        EXPECT_TRUE(same(decode(std::span(file).first(size)), whole)) << name << " cut to " << size;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kDecode) << error.what();
        ++errors;
      }
    }
    EXPECT_GT(errors, 45) << name;
  }
}

TEST(Decode, FlippedBitsEndInAPictureOrAnErrorAndSayNothingOnStderr) {
  std::mt19937 random(5);
  testing::internal::CaptureStderr();
  int errors = 0;
  for (const std::string name : {"baseline.jpg", "progressive.jpg", "palette.png", "lossy.webp", "rgba.webp",
                                 "cmyk.tif", "photo.tif", "photo.bmp", "palette.gif"}) {
    const Bytes file = golden_source(name);
    for (int round = 0; round < 60; ++round) {
      Bytes changed = file;
      for (int flips = 0; flips < 3; ++flips) {
        // Half of them in the header, where they hurt.
        const std::size_t range = (random() & 1U) != 0 ? changed.size() : std::min<std::size_t>(changed.size(), 64);
        changed[random() % range] ^= static_cast<std::byte>(1U << random() % 8);
      }
      try {
        DecodeOptions options;
        options.max_pixels = 1'000'000;
        EXPECT_FALSE(decode_image(changed, name, options).empty());
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::kDecode || error.code() == ErrorCode::kTooLarge) << error.what();
        ++errors;
      }
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_GT(errors, 100);
}

TEST(Decode, PixelsAreCountedFromTheHeader) {
  for (const std::string name : {"baseline.jpg", "rgb.png", "lossy.webp", "photo.tif", "photo.bmp", "palette.gif"}) {
    const Bytes file = golden_source(name);
    const Size size = decode(file).size();
    const auto pixels = static_cast<std::uint64_t>(size.height) * static_cast<std::uint64_t>(size.width);
    EXPECT_EQ(decode_error(file, pixels - 1).code(), ErrorCode::kTooLarge) << name;
    DecodeOptions options;
    options.max_pixels = pixels;
    EXPECT_EQ(decode_image(file, name, options).size(), size);
  }
}

TEST(Decode, AHeaderThatClaimsTooMuchIsEnough) {
  const std::string be60000 = "0000ea60";
  const std::string le60000 = "60ea0000";
  const std::string jpeg2000_size = "ff4fff51002f0000" + be60000 + be60000 + "0000000000000000";
  for (const Bytes& file :
       {bytes_of("P6\n# wide\n60000 60000\n255\n"), from_hex("59a66a95" + be60000 + be60000 + "00000018"),
        bytes_of("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n"), from_hex(jpeg2000_size),
        from_hex("424d36000000000000003600000028000000" + le60000 + le60000 + "0100180000000000"),
        from_hex("424d36000000000000003600000028000000" + le60000 + "a015ffff" + "0100180000000000"),
        from_hex("474946383961ffffffff000000"),
        from_hex("49492a00080000000200"
                 "000104000100000060ea0000"
                 "010104000100000060ea0000"
                 "00000000"),
        golden_source("bad_bomb.png")}) {
    const Error error = decode_error(file);
    EXPECT_EQ(error.code(), ErrorCode::kTooLarge) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("px, expected at most 100000000 pixels"));
    EXPECT_THAT(error.hint(), HasSubstr("--max-pixels"));
  }
}

TEST(Decode, WhatIsNoImageIsNamed) {
  const std::array<std::pair<Bytes, std::string>, 10> cases{{
      {bytes_of(std::string("\0\0\0\x18", 4) + "ftypisom"), "a video, which fovea cannot read"},
      {bytes_of("P7\nWIDTH 1\n"), "PAM, which fovea cannot read"},
      {bytes_of("qoif"), "QOI, which fovea cannot read"},
      {bytes_of("8BPS"), "a Photoshop document, which fovea cannot read"},
      {bytes_of("%PDF-1.7"), "PDF, which fovea cannot read"},
      {bytes_of("  <!DOCTYPE html><title>404"), "an HTML page, expected an image"},
      {bytes_of("<?xml version='1.0'?><svg>"), "SVG, which fovea cannot read"},
      {bytes_of("hello there"), "text, expected an image"},
      {bytes_of(std::string("\1\2\3\4\5", 5)), "of an unknown format (its first bytes are 01 02 03 04)"},
      {Bytes{}, "empty, expected an image"},
  }};
  for (const auto& [file, sentence] : cases) {
    const Error error = decode_error(file);
    EXPECT_EQ(error.code(), ErrorCode::kDecode);
    EXPECT_THAT(error.what(), HasSubstr("test: file is " + sentence));
  }
}

TEST(Decode, AMissingModuleNamesItsLibraryAndPackage) {
  try {
    static_cast<void>(decode_with_module({"Sketch", "fovea_sketch.so", {"libsketch.so.1", "libsketch1"}}, {}, "test", {}));
    ADD_FAILURE() << "decoded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBackend);
    EXPECT_THAT(error.what(), HasSubstr("module fovea_sketch.so is not found, expected in "));
    EXPECT_THAT(error.hint(), HasSubstr("Sketch is read by libsketch.so.1 (on "));
    EXPECT_THAT(error.hint(), HasSubstr("apt install libsketch1)"));
  }
}

TEST(Decode, TheModulesServeSeveralThreads) {
  const std::array<std::string, 4> names{"photo.tif", "palette.gif", "gray16.tif", "cmyk.tif"};
  std::vector<Image> alone;
  for (const std::string& name : names) alone.push_back(decode(golden_source(name)));
  std::array<bool, 4> equal{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < names.size(); ++i) {
    threads.emplace_back([&, i] {
      equal[i] = true;
      for (int round = 0; round < 20; ++round) equal[i] = equal[i] && same(decode(golden_source(names[i])), alone[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_TRUE(equal[i]) << names[i];
}

TEST(Decode, ExtensionsAreLowerCaseWithTheDotAndUnique) {
  const auto extensions = image_extensions();
  std::vector<std::string> sorted(extensions.begin(), extensions.end());
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());
  for (const std::string& extension : sorted) {
    EXPECT_EQ(extension.front(), '.');
    EXPECT_TRUE(std::all_of(extension.begin() + 1, extension.end(),
                            [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }));
  }
}

}  // namespace
}  // namespace fovea
