// Decoding a part of a JPEG's pixels: how small it may become, and that everything else stays as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "image/codec/codec.hpp"
#include "image/codec/exif.hpp"
#include "image/preprocess/preprocess.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

using test::golden_source;

DecodeOptions fast(ExifMode exif = ExifMode::kApply) {
  DecodeOptions options;
  options.mode = DecodeMode::kFast;
  options.exif = exif;
  return options;
}

/// Resizes to exactly this, whatever the ratio.
PreprocessRecipe recipe_to(Size size) {
  PreprocessRecipe recipe;
  recipe.resize = ResizeRule::kExact;
  recipe.resize_size = recipe.input_size = size;
  return recipe;
}

PreprocessRecipe shortest_edge(int side, int input) {
  PreprocessRecipe recipe;
  recipe.resize_size = {side, side};
  recipe.input_size = {input, input};
  return recipe;
}

bool same_pixels(const Image& a, const Image& b) {
  return a.size() == b.size() && std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin(), b.pixels().end());
}

TEST(SufficientEighths, LeaveBothSidesTwiceWhatTheyAreResizedTo) {
  struct Case {
    Size whole;
    Size resized;
    int eighths;
  };
  for (const Case& c :
       {Case{{375, 500}, {248, 331}, 8}, Case{{991, 1322}, {248, 331}, 8}, Case{{992, 1324}, {248, 331}, 4},
        Case{{992, 1323}, {248, 331}, 8}, Case{{1983, 2644}, {248, 331}, 4}, Case{{1984, 2648}, {248, 331}, 2},
        Case{{3000, 4000}, {248, 331}, 2}, Case{{3967, 5296}, {248, 331}, 2}, Case{{3968, 5296}, {248, 331}, 1},
        Case{{6000, 8000}, {248, 331}, 1}, Case{{4000, 896}, {224, 224}, 4}, Case{{896, 4000}, {224, 224}, 4},
        Case{{4000, 895}, {224, 224}, 8}, Case{{100, 100}, {400, 400}, 8}, Case{{60000, 60000}, {60000, 60000}, 8}}) {
    EXPECT_EQ(sufficient_eighths(c.whole, c.resized), c.eighths) << c.whole.height << "x" << c.whole.width;
    // The definition, one after the other.
    int naive = 8;
    for (const int eighths : {4, 2, 1}) {
      const double least =
          std::min(c.whole.height * eighths / 8.0 / c.resized.height, c.whole.width * eighths / 8.0 / c.resized.width);
      if (least >= 2.0) naive = eighths;
    }
    EXPECT_EQ(c.eighths, naive);
  }
}

const std::vector<std::string> kJpegs{"baseline.jpg", "cmyk.jpg",  "exif1.jpg",       "exif2.jpg",
                                      "exif3.jpg",    "exif4.jpg", "exif5.jpg",       "exif6.jpg",
                                      "exif7.jpg",    "exif8.jpg", "gray.jpg",        "jpeg422.jpg",
                                      "jpeg444.jpg",  "large.jpg", "progressive.jpg", "trailing_garbage.jpg"};

TEST(FastDecode, OfAllEighthsEqualsTheExactPathToTheBit) {
  for (const std::string& name : kJpegs) {
    for (const ExifMode exif : {ExifMode::kApply, ExifMode::kIgnore}) {
      const auto file = golden_source(name);
      DecodeOptions exact;
      exact.exif = exif;
      const Image whole = decode_image(file, name, exact);
      const DecodedPicture decoded = decode_image(file, name, fast(exif), recipe_to(whole.size()));
      EXPECT_EQ(decoded.eighths, 8) << name;
      EXPECT_EQ(decoded.whole, whole.size()) << name;
      EXPECT_TRUE(same_pixels(decoded.image, whole)) << name;
    }
  }
}

/// The mean of the pixels that each pixel of a smaller picture stands for.
Image box_means(const Image& whole, int side) {
  const auto parts = [&](int length) { return (length + side - 1) / side; };
  Image small({parts(whole.size().height), parts(whole.size().width)});
  for (int y = 0; y < small.size().height; ++y) {
    for (int x = 0; x < small.size().width; ++x) {
      for (int c = 0; c < 3; ++c) {
        int sum = 0;
        int count = 0;
        for (int v = y * side; v < std::min((y + 1) * side, whole.size().height); ++v) {
          for (int u = x * side; u < std::min((x + 1) * side, whole.size().width); ++u, ++count) {
            sum += whole.row(v)[3 * u + c];
          }
        }
        small.row(y)[3 * x + c] = static_cast<std::uint8_t>((sum + count / 2) / count);
      }
    }
  }
  return small;
}

/// In levels.
double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) sum += std::abs(a.pixels()[i] - b.pixels()[i]);
  return sum / static_cast<double>(a.pixels().size());
}

Image mirrored(const Image& image) {
  return upright(image, 2);
}

/// Within some levels, and much nearer than a picture that lies otherwise.
void expect_near(const Image& decoded, const Image& naive, const std::string& name) {
  ASSERT_EQ(decoded.size(), naive.size()) << name;
  const double away = mean_difference(decoded, naive);
  EXPECT_LT(away, 5.0) << name;
  EXPECT_LT(away, mean_difference(mirrored(decoded), naive) / 3) << name;
  EXPECT_LT(away, mean_difference(upright(decoded, 4), naive) / 3) << name;
}

TEST(FastDecode, IsNearTheMeanOfThePixelsThatItLeavesOut) {
  for (const std::string& name : kJpegs) {
    for (const int eighths : {4, 2, 1}) {
      // As stored: in a mirrored picture the blocks begin at its other end.
      const auto file = golden_source(name);
      DecodeOptions exact;
      exact.exif = ExifMode::kIgnore;
      const Image whole = decode_image(file, name, exact);
      const Size enough{whole.size().height * eighths / 16, whole.size().width * eighths / 16};
      const DecodedPicture decoded = decode_image(file, name, fast(ExifMode::kIgnore), recipe_to(enough));
      ASSERT_EQ(decoded.eighths, eighths) << name;
      EXPECT_EQ(decoded.whole, whole.size()) << name;
      const Image naive = box_means(whole, 8 / eighths);
      expect_near(decoded.image, naive, name + " " + std::to_string(eighths));
    }
  }
}

TEST(FastDecode, AnOrientationTurnsThePictureAndItsWholeSize) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string name = "exif" + std::to_string(orientation) + ".jpg";
    const auto file = golden_source(name);
    const Image whole = decode_image(file, name, {});
    const Size enough{whole.size().height / 4, whole.size().width / 4};
    const DecodedPicture decoded = decode_image(file, name, fast(), recipe_to(enough));
    EXPECT_EQ(decoded.eighths, 4) << name;
    EXPECT_EQ(decoded.whole, whole.size()) << name;
    EXPECT_EQ(decoded.whole, orientation >= 5 ? (Size{96, 64}) : (Size{64, 96}));
    // 64 and 96 px are whole blocks, so that mirrored they begin at the same_pixels places.
    const Image naive = box_means(whole, 2);
    expect_near(decoded.image, naive, name);
  }
}

/// What decoding throws; none if nothing.
std::optional<Error> error_of(std::span<const std::byte> file, const DecodeOptions& options,
                              const PreprocessRecipe& recipe) {
  try {
    (void)decode_image(file, "test", options, recipe);
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

TEST(FastDecode, FindsTheSameFaultsInTheSameWords) {
  std::vector<std::vector<std::byte>> files;
  for (const char* name : {"bad_empty.jpg", "bad_header_only.jpg", "bad_missing_eoi.jpg", "bad_text.jpg",
                           "bad_truncated.jpg", "bad_truncated_progressive.jpg"}) {
    files.push_back(golden_source(name));
  }
  for (const char* name : {"baseline.jpg", "progressive.jpg", "cmyk.jpg", "gray.jpg"}) {
    const auto file = golden_source(name);
    for (std::size_t size = 0; size < file.size(); size += 1 + file.size() / 29) {
      files.emplace_back(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    }
  }
  for (const auto& file : files) {
    const auto exact = error_of(file, {}, recipe_to({8, 8}));
    const auto quick = error_of(file, fast(), recipe_to({8, 8}));
    ASSERT_TRUE(exact && quick);
    EXPECT_EQ(quick->code(), exact->code());
    EXPECT_STREQ(quick->what(), exact->what());
    EXPECT_EQ(quick->hint(), exact->hint());
  }
  DecodeOptions few = fast();
  few.max_pixels = 161 * 121 - 1;  // of the whole, not of what would be decoded
  const auto too_large = error_of(golden_source("baseline.jpg"), few, recipe_to({8, 8}));
  ASSERT_TRUE(too_large);
  EXPECT_EQ(too_large->code(), ErrorCode::kTooLarge);
}

TEST(FastDecode, OtherFormatsAreDecodedWhole) {
  for (const char* name : {"rgb.png", "lossy.webp", "photo.bmp"}) {
    const auto file = golden_source(name);
    const DecodedPicture decoded = decode_image(file, name, fast(), recipe_to({4, 4}));
    EXPECT_EQ(decoded.eighths, 8) << name;
    EXPECT_TRUE(same_pixels(decoded.image, decode_image(file, name, {}))) << name;
    EXPECT_EQ(decoded.whole, decoded.image.size());
  }
}

TEST(FastDecode, ThePreprocessedPictureLiesWhereTheExactOneDoesAndLooksLikeIt) {
  const auto file = golden_source("large.jpg");
  const Image whole = decode_image(file, "large.jpg", {});
  for (const int side : {28, 56, 112}) {
    const PreprocessRecipe recipe = shortest_edge(side, side - side / 8);
    const Preprocessed exact = preprocess(whole, recipe);
    const DecodedPicture decoded = decode_image(file, "large.jpg", fast(), recipe);
    EXPECT_EQ(decoded.eighths, side == 28 ? 1 : side == 56 ? 2 : 4);
    const Preprocessed quick = preprocess(decoded.image, recipe, decoded.whole);
    EXPECT_EQ(quick.geometry.original, exact.geometry.original);
    EXPECT_EQ(quick.geometry.resized, exact.geometry.resized);
    EXPECT_EQ(quick.geometry.crop, exact.geometry.crop);
    EXPECT_EQ(quick.geometry.top, exact.geometry.top);
    EXPECT_EQ(quick.geometry.left, exact.geometry.left);
    ASSERT_EQ(quick.pixels.size(), exact.pixels.size());
    EXPECT_FALSE(same_pixels(quick.pixels, exact.pixels)) << "nothing was decoded smaller";
    EXPECT_LT(mean_difference(quick.pixels, exact.pixels), 4.0) << side;
    EXPECT_LT(mean_difference(quick.pixels, exact.pixels), mean_difference(mirrored(quick.pixels), exact.pixels) / 3);
  }
}

TEST(FastDecode, AShapeThatTheRecipeCannotTakeIsTheSameError) {
  const auto file = golden_source("baseline.jpg");
  PreprocessRecipe recipe;
  recipe.resize = ResizeRule::kCover;
  recipe.resize_size = {0, 8};
  recipe.input_size = {8, 8};
  const auto quick = error_of(file, fast(), recipe);
  ASSERT_TRUE(quick);
  EXPECT_EQ(quick->code(), ErrorCode::kShape);
  try {
    (void)preprocess(decode_image(file, "test", {}), recipe);
    ADD_FAILURE() << "prepared";
  } catch (const Error& exact) {
    EXPECT_STREQ(quick->what(), exact.what());
  }
}

}  // namespace
}  // namespace fovea
