#include "image/preprocess/patches.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "fovea/error.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

PreprocessRecipe imagenet() {
  PreprocessRecipe recipe;
  recipe.mean = {0.485F, 0.456F, 0.406F};
  recipe.std = {0.229F, 0.224F, 0.225F};
  return recipe;
}

/// The value of one channel of one pixel, one operation after the other.
float normalized(std::uint8_t pixel, const PreprocessRecipe& recipe, std::size_t channel) {
  volatile float x = static_cast<float>(pixel);  // volatile: nothing may be folded or fused
  volatile float mean = recipe.mean[channel];
  volatile float std = recipe.std[channel];
  switch (recipe.normalization) {
    case Normalization::kDivide: x = x / 255.0F; break;
    case Normalization::kScaled: x = x * static_cast<float>(recipe.rescale_factor); break;
    case Normalization::kRescale: {
      volatile double scaled = static_cast<double>(pixel) * recipe.rescale_factor;
      x = static_cast<float>(scaled);
      break;
    }
    case Normalization::kFused:
      mean = mean * static_cast<float>(1.0 / recipe.rescale_factor);
      std = std * static_cast<float>(1.0 / recipe.rescale_factor);
      break;
  }
  x = x - mean;
  x = x / std;
  return x;
}

/// T · 3 · P · P by five nested loops.
std::vector<float> naive_patches(const Image& image, const PreprocessRecipe& recipe, int side) {
  std::vector<float> out;
  for (int top = 0; top < image.size().height; top += side) {
    for (int left = 0; left < image.size().width; left += side) {
      for (int c = 0; c < 3; ++c) {
        for (int y = top; y < top + side; ++y) {
          for (int x = left; x < left + side; ++x) {
            out.push_back(normalized(image.row(y)[3 * x + c], recipe, static_cast<std::size_t>(c)));
          }
        }
      }
    }
  }
  return out;
}

TEST(Patches, EqualTheNaiveLoopsToTheBit) {
  struct Case {
    Size size;
    std::size_t side;
  };
  for (const Case& c :
       {Case{{224, 224}, 16}, Case{{28, 42}, 14}, Case{{8, 8}, 8}, Case{{3, 5}, 1}, Case{{64, 32}, 32}}) {
    const Image image = test::random_image(c.size, 7);
    std::vector<float> patches(image.pixels().size());
    extract_patches(image, imagenet(), c.side, patches);
    EXPECT_EQ(patches, naive_patches(image, imagenet(), static_cast<int>(c.side))) << c.size.height;
  }
}

TEST(Patches, NormalisingPutsOneChannelAfterTheOther) {
  const Image image = test::random_image({5, 7}, 8);
  std::vector<float> chw(image.pixels().size());
  normalize(image, imagenet(), chw);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 35; ++i) {
      EXPECT_EQ(chw[c * 35 + i], normalized(image.pixels()[3 * i + c], imagenet(), c));
    }
  }
}

TEST(Patches, EachFormOfNormalisingIsItsLibrarysOwnOrderOfOperations) {
  Image all_values({16, 16});
  for (std::size_t i = 0; i < all_values.pixels().size(); ++i) {
    all_values.pixels()[i] = static_cast<std::uint8_t>(i / 3);
  }
  std::vector<std::vector<float>> made;
  for (const Normalization form : {Normalization::kDivide, Normalization::kRescale, Normalization::kFused}) {
    PreprocessRecipe recipe = imagenet();
    recipe.normalization = form;
    std::vector<float> chw(all_values.pixels().size());
    normalize(all_values, recipe, chw);
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t value = 0; value < 256; ++value) {
        EXPECT_EQ(chw[c * 256 + value], normalized(static_cast<std::uint8_t>(value), recipe, c));
      }
    }
    made.push_back(chw);
  }
  EXPECT_EQ(made[0], made[1]);  // a division by 255 and a product in double with its inverse round alike
  EXPECT_NE(made[0], made[2]);
}

TEST(Patches, WithoutMeanAndStdThePixelsAreOnlyRescaled) {
  Image image({1, 1});
  image.pixels()[0] = 51;
  PreprocessRecipe recipe = imagenet();
  recipe.normalize = false;
  recipe.normalization = Normalization::kFused;
  std::vector<float> chw(3);
  normalize(image, recipe, chw);
  EXPECT_EQ(chw[0], 51.0F * static_cast<float>(1.0 / 255.0));
  recipe.rescale_factor = 1.0;
  normalize(image, recipe, chw);
  EXPECT_EQ(chw[0], 51.0F);
}

TEST(Patches, LeaveOutWhatIsBehindTheLastWholePatch) {
  // SigLIP has patches of 14 in 384 px: its convolution reads 378 of them.
  const Image image = test::random_image({23, 31}, 9);
  std::vector<float> chw(image.pixels().size());
  normalize(image, imagenet(), chw);
  std::vector<float> patches(std::size_t{3} * 4 * 3 * 7 * 7);  // 3 rows of 4
  extract_patches(image, imagenet(), 7, patches);
  for (std::size_t i = 0; i < patches.size(); ++i) {
    const std::size_t patch = i / (3 * 7 * 7);
    const std::size_t color = i / (7 * 7) % 3;
    const std::size_t y = patch / 4 * 7 + i / 7 % 7;
    const std::size_t x = patch % 4 * 7 + i % 7;
    ASSERT_EQ(patches[i], chw[(color * 23 + y) * 31 + x]) << i;
  }
}

TEST(Patches, WhatDoesNotFitIsRefusedWithBothSizes) {
  const Image image = test::random_image({30, 32}, 9);
  std::vector<float> patches(image.pixels().size());
  try {
    extract_patches(image, imagenet(), 31, patches);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShape);
    EXPECT_STREQ(error.what(), "picture is 32x30 px, expected at least one patch of 31x31 px");
  }
  EXPECT_THROW(extract_patches(image, imagenet(), 0, patches), Error);
  patches.pop_back();
  EXPECT_THROW(extract_patches(image, imagenet(), 2, patches), Error);
  EXPECT_THROW(normalize(image, imagenet(), patches), Error);
}

}  // namespace
}  // namespace fovea
