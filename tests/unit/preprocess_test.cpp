#include "image/preprocess/preprocess.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <vector>

#include "fovea/error.hpp"
#include "image/preprocess/resample.hpp"
#include "image/preprocess/view.hpp"
#include "model/recipe/recipe.hpp"
#include "model/recipe/sources.hpp"
#include "support/peak_rss.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

PreprocessRecipe recipe_of(Size input, double crop_pct, CropMode mode) {
  return timm_recipe(input, crop_pct, mode);
}

TEST(Preprocess, TheShortSideIsResizedAndTheLongOneTruncated) {
  const PreprocessRecipe recipe = recipe_of({224, 224}, 0.9, CropMode::kCenter);
  EXPECT_EQ(preprocess(Image({375, 500}), recipe).geometry.resized, (Size{248, 330}));  // 330.67
  EXPECT_EQ(preprocess(Image({500, 375}), recipe).geometry.resized, (Size{330, 248}));
  EXPECT_EQ(preprocess(Image({248, 248}), recipe).geometry.resized, (Size{248, 248}));
}

TEST(Preprocess, TheCropsCornerIsRoundedHalfToEven) {
  // (resized - crop) / 2 of 1, 3, 5 and 7 spare rows.
  const std::array<std::pair<int, int>, 4> spare_and_top{{{1, 0}, {3, 2}, {5, 2}, {7, 4}}};
  for (const auto& [spare, top] : spare_and_top) {
    const Preprocessed made = preprocess(Image({32 + spare, 32}), recipe_of({32, 32}, 1.0, CropMode::kCenter));
    EXPECT_EQ(made.geometry.top, top) << spare;
    EXPECT_EQ(made.geometry.left, 0);
  }
}

TEST(Preprocess, TransformersRoundsTheCornerDown) {
  const std::array<std::pair<int, int>, 4> spare_and_top{{{1, 0}, {3, 1}, {5, 2}, {7, 3}}};
  for (const auto& [spare, top] : spare_and_top) {
    PreprocessRecipe recipe = recipe_of({32, 32}, 1.0, CropMode::kCenter);
    recipe.crop_rounding = CropRounding::kFloor;
    EXPECT_EQ(preprocess(Image({32 + spare, 32}), recipe).geometry.top, top) << spare;
  }
}

TEST(Preprocess, ThePaddingRuleSaysWhereTheOddRowGoes) {
  PreprocessRecipe recipe = recipe_of({35, 35}, 1.75, CropMode::kCenter);  // resized to 20: 15 rows are missing
  for (const auto& [rule, first] :
       {std::pair{PaddingRule::kSmallerHalfFirst, 7}, std::pair{PaddingRule::kLargerHalfFirst, 8}}) {
    recipe.padding_rule = rule;
    Image white({10, 10});
    std::fill(white.pixels().begin(), white.pixels().end(), std::uint8_t{255});
    const Preprocessed made = preprocess(white, recipe);
    EXPECT_EQ(made.geometry.top, -first);
    EXPECT_EQ(made.pixels.row(first - 1)[3 * 17], 0);
    EXPECT_EQ(made.pixels.row(first)[3 * 17], 255);
    EXPECT_EQ(made.pixels.row(first + 19)[3 * 17], 255);
    EXPECT_EQ(made.pixels.row(first + 20)[3 * 17], 0);
  }
}

TEST(Preprocess, TheLongestEdgeIsCapped) {
  PreprocessRecipe recipe = recipe_of({48, 48}, 1.0, CropMode::kCenter);
  recipe.resize = ResizeRule::kCapped;
  recipe.resize_size = {56, 56};
  recipe.longest_edge = 80;
  EXPECT_EQ(preprocess(Image({100, 120}), recipe).geometry.resized, (Size{56, 67}));
  EXPECT_EQ(preprocess(Image({100, 400}), recipe).geometry.resized, (Size{20, 80}));
  EXPECT_EQ(preprocess(Image({400, 100}), recipe).geometry.resized, (Size{80, 20}));
  EXPECT_EQ(preprocess(Image({56, 70}), recipe).geometry.resized, (Size{56, 70}));
}

TEST(Preprocess, WithoutACropTheShapeMustFit) {
  PreprocessRecipe recipe = recipe_of({48, 48}, 1.0, CropMode::kCenter);
  recipe.center_crop = false;
  EXPECT_EQ(preprocess(Image({60, 60}), recipe).pixels.size(), (Size{48, 48}));
  try {
    static_cast<void>(preprocess(Image({60, 90}), recipe));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShape);
    EXPECT_STREQ(error.what(),
                 "picture is 48x72 px after resizing, expected 48x48 (height x width) because the recipe does not "
                 "crop");
  }
  recipe.resize = ResizeRule::kNone;
  EXPECT_EQ(preprocess(Image({48, 48}), recipe).geometry.resized, (Size{48, 48}));
  EXPECT_THROW(static_cast<void>(preprocess(Image({49, 48}), recipe)), Error);
}

TEST(Preprocess, ACropIsThatPartOfTheResizedPicture) {
  const Image image = test::random_image({90, 140}, 1);
  const Preprocessed made = preprocess(image, recipe_of({48, 48}, 0.875, CropMode::kCenter));
  const CropGeometry& g = made.geometry;
  EXPECT_EQ(g.original, image.size());
  EXPECT_EQ(g.crop, (Size{48, 48}));
  const Image whole = resample(image, g.resized, {Interpolation::kBicubic});
  for (int y = 0; y < 48; ++y) {
    EXPECT_TRUE(std::equal(made.pixels.row(y), made.pixels.row(y) + 144, whole.row(g.top + y) + 3 * g.left)) << y;
  }
}

TEST(Preprocess, AViewIsACornerOfTheResizedPictureOrItsMirrorImage) {
  const Image image = test::random_image({90, 140}, 2);
  const PreprocessRecipe recipe = recipe_of({48, 48}, 0.875, CropMode::kCenter);
  const Image whole = resample(image, preprocess(image, recipe).geometry.resized, {Interpolation::kBicubic});
  for (const View& view : views_of(10)) {
    const Preprocessed made = preprocess(image, recipe, image.size(), view);
    const CropGeometry& g = made.geometry;
    if (view.down != 0) {
      EXPECT_EQ(g.top, view.down < 0 ? 0 : g.resized.height - 48);
    }
    if (view.right != 0) {
      EXPECT_EQ(g.left, view.right < 0 ? 0 : g.resized.width - 48);
    }
    for (int y = 0; y < 48; ++y) {
      for (int x = 0; x < 48; ++x) {
        const int from = g.left + (view.mirrored ? 47 - x : x);
        for (int c = 0; c < 3; ++c) ASSERT_EQ(made.pixels.row(y)[3 * x + c], whole.row(g.top + y)[3 * from + c]);
      }
    }
  }
}

TEST(Preprocess, AMirrorImageOfFloatsIsThatOfBytes) {
  PreprocessRecipe recipe = recipe_of({32, 32}, 1.0, CropMode::kCenter);
  recipe.resampler = Resampler::kAtenFloat;
  recipe.interpolation = Interpolation::kBilinear;
  const Image image = test::random_image({40, 50}, 3);
  const Preprocessed plain = preprocess(image, recipe, image.size());
  const Preprocessed made = preprocess(image, recipe, image.size(), {0, 0, true});
  ASSERT_EQ(made.scaled.size(), plain.scaled.size());
  for (std::size_t i = 0; i < made.scaled.size(); ++i) {
    ASSERT_EQ(made.scaled[i], plain.scaled[i / 32 * 32 + (31 - i % 32)]);
  }
}

TEST(Preprocess, TheFirstViewIsTheMiddleAndNoTwoAreTheSame) {
  for (const std::size_t count : {1U, 2U, 10U}) {
    const std::vector<View> views = views_of(count);
    ASSERT_EQ(views.size(), count);
    EXPECT_TRUE(views[0].down == 0 && views[0].right == 0 && !views[0].mirrored);
    std::set<std::tuple<int, int, bool>> distinct;
    for (const View& view : views) distinct.emplace(view.down, view.right, view.mirrored);
    EXPECT_EQ(distinct.size(), count);
  }
}

TEST(Preprocess, SquashChangesTheAspectRatio) {
  const Preprocessed made = preprocess(Image({30, 90}), recipe_of({32, 32}, 1.0, CropMode::kSquash));
  EXPECT_EQ(made.geometry.resized, (Size{32, 32}));
  EXPECT_EQ(made.geometry.top, 0);
}

TEST(Preprocess, BorderShowsTheWholePictureOnTheMeanColour) {
  PreprocessRecipe recipe = recipe_of({32, 32}, 1.0, CropMode::kBorder);
  recipe.padding = mean_color({0.485F, 0.3F, 0.5F});  // 255 times these is 123.675, 76.5 and 127.5
  Image white({16, 64});
  std::fill(white.pixels().begin(), white.pixels().end(), std::uint8_t{255});
  const Preprocessed made = preprocess(white, recipe);
  EXPECT_EQ(made.geometry.resized, (Size{8, 32}));
  EXPECT_EQ(made.geometry.top, -12);
  const std::uint8_t* corner = made.pixels.row(0);
  EXPECT_EQ(corner[0], 124);
  EXPECT_EQ(corner[1], 76);  // ties to even
  EXPECT_EQ(corner[2], 128);
  EXPECT_EQ(made.pixels.row(11)[0], 124);
  EXPECT_EQ(made.pixels.row(12)[0], 255);
  EXPECT_EQ(made.pixels.row(19)[0], 255);
  EXPECT_EQ(made.pixels.row(20)[0], 124);
}

TEST(Preprocess, ACropLargerThanThePictureIsPaddedWithBlack) {
  Image white({10, 10});
  std::fill(white.pixels().begin(), white.pixels().end(), std::uint8_t{255});
  const Preprocessed made = preprocess(white, recipe_of({35, 35}, 1.75, CropMode::kCenter));  // resized to 20
  EXPECT_EQ(made.geometry.resized, (Size{20, 20}));
  EXPECT_EQ(made.geometry.top, -7);  // the smaller half first
  EXPECT_EQ(made.geometry.left, -7);
  EXPECT_EQ(made.pixels.row(6)[3 * 17], 0);
  EXPECT_EQ(made.pixels.row(7)[3 * 17], 255);
  EXPECT_EQ(made.pixels.row(26)[3 * 17], 255);
  EXPECT_EQ(made.pixels.row(27)[3 * 17], 0);
}

TEST(Preprocess, ANonSquareInputIsCoveredAtTheRatioOfThePicture) {
  const Preprocessed made = preprocess(Image({100, 100}), recipe_of({48, 80}, 1.0, CropMode::kCenter));
  EXPECT_EQ(made.geometry.resized, (Size{80, 80}));
  EXPECT_EQ(made.geometry.top, 16);
}

TEST(Preprocess, ExtremePicturesNeedLittleOrAreRefused) {
  const PreprocessRecipe recipe = recipe_of({224, 224}, 0.9, CropMode::kCenter);
  const long before = test::peak_rss_kb();
  for (const Size size : {Size{1, 1}, Size{5000, 3}, Size{3, 5000}, Size{30000, 1}, Size{1, 2}}) {
    EXPECT_EQ(preprocess(test::random_image(size, 1), recipe).pixels.size(), (Size{224, 224}));
  }
  EXPECT_LT(test::peak_rss_kb() - before, 100'000) << "30000x1, resized whole, has 1.8 billion pixels";
  try {
    static_cast<void>(preprocess(Image({9'000'000, 1}), recipe));  // 248 · 9 million rows
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShape);
  }
}

TEST(Preprocess, AnEmptyPictureOrRecipeIsRefused) {
  EXPECT_THROW(static_cast<void>(preprocess(Image(), PreprocessRecipe())), Error);
  EXPECT_THROW(static_cast<void>(preprocess(Image({2, 2}), recipe_of({0, 8}, 1.0, CropMode::kCenter))), Error);
  EXPECT_THROW(static_cast<void>(preprocess(Image({2, 2}), recipe_of({8, 8}, 0.0, CropMode::kCenter))), Error);
  EXPECT_THROW(static_cast<void>(preprocess(Image({2, 2}), recipe_of({8, 8}, 9.0, CropMode::kSquash))), Error);
}

}  // namespace
}  // namespace fovea
