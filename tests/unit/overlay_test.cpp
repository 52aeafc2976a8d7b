#include "image/overlay/overlay.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "image/overlay/caption.hpp"
#include "image/overlay/field.hpp"
#include "image/preprocess/preprocess.hpp"
#include "model/recipe/recipe.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

Image gray_image(Size size, std::uint8_t level = 128) {
  Image image(size);
  std::fill(image.pixels().begin(), image.pixels().end(), level);
  return image;
}

CropGeometry geometry_of(Size original, CropMode mode, double crop_pct = 0.9) {
  const PreprocessRecipe recipe = timm_recipe({224, 224}, crop_pct, mode);
  return preprocess(Image(original), recipe).geometry;
}

/// The centre of gravity of all heat above a tenth.
std::pair<double, double> center_of_heat(const std::vector<float>& map, std::size_t rows, std::size_t cols,
                                         const CropGeometry& geometry) {
  const HeatField field({map, rows, cols}, geometry);
  std::vector<float> heat(static_cast<std::size_t>(geometry.original.width));
  double mass = 0, sum_y = 0, sum_x = 0;
  for (int y = 0; y < geometry.original.height; ++y) {
    field.row(y, heat);
    for (std::size_t x = 0; x < heat.size(); ++x) {
      const double weight = std::max(static_cast<double>(heat[x]) - 0.1, 0.0);
      mass += weight;
      sum_y += weight * (y + 0.5);
      sum_x += weight * (static_cast<double>(x) + 0.5);
    }
  }
  return {sum_y / mass, sum_x / mass};
}

std::vector<float> hot_patch(std::size_t rows, std::size_t cols, std::size_t row, std::size_t col) {
  std::vector<float> map(rows * cols, 0.0F);
  map[row * cols + col] = 1.0F;
  return map;
}

/// Where the heat is largest, as the mean of all pixels that reach 99 % of the largest value.
std::pair<double, double> hottest(const std::vector<float>& map, std::size_t rows, std::size_t cols,
                                  const CropGeometry& geometry) {
  const HeatField field({map, rows, cols}, geometry);
  std::vector<std::vector<float>> heat(static_cast<std::size_t>(geometry.original.height),
                                       std::vector<float>(static_cast<std::size_t>(geometry.original.width)));
  float largest = 0.0F;
  for (int y = 0; y < geometry.original.height; ++y) {
    auto& row = heat[static_cast<std::size_t>(y)];
    field.row(y, row);
    largest = std::max(largest, *std::max_element(row.begin(), row.end()));
  }
  double sum_y = 0, sum_x = 0, count = 0;
  for (std::size_t y = 0; y < heat.size(); ++y) {
    for (std::size_t x = 0; x < heat[y].size(); ++x) {
      if (heat[y][x] < 0.99F * largest) continue;
      sum_y += static_cast<double>(y) + 0.5;
      sum_x += static_cast<double>(x) + 0.5;
      ++count;
    }
  }
  return {sum_y / count, sum_x / count};
}

TEST(Overlay, AHotPatchLiesWhereThatPatchCameFrom) {
  struct Case {
    CropGeometry geometry;
    std::size_t rows, cols;
  };
  for (const auto& [g, rows, cols] : {Case{geometry_of({375, 500}, CropMode::kCenter), 14, 14},
                                      Case{geometry_of({640, 360}, CropMode::kCenter), 14, 14},
                                      Case{geometry_of({300, 700}, CropMode::kSquash, 1.0), 14, 14},
                                      Case{geometry_of({300, 700}, CropMode::kBorder, 1.0), 14, 14},
                                      Case{geometry_of({224, 224}, CropMode::kCenter, 1.0), 7, 7},
                                      Case{CropGeometry{{480, 640}, {180, 240}, {160, 224}, 10, 8}, 10, 14}}) {
    for (std::size_t row = 0; row < rows; row += 3) {
      for (std::size_t col = 0; col < cols; col += 3) {
        // The patch's centre, by hand: from the grid to the crop, to the resized, to the original picture.
        const double y = ((static_cast<double>(row) + 0.5) * g.crop.height / static_cast<double>(rows) + g.top) *
                         g.original.height / g.resized.height;
        const double x = ((static_cast<double>(col) + 0.5) * g.crop.width / static_cast<double>(cols) + g.left) *
                         g.original.width / g.resized.width;
        const double patch_h =
            static_cast<double>(g.crop.height) / static_cast<double>(rows) * g.original.height / g.resized.height;
        const double patch_w =
            static_cast<double>(g.crop.width) / static_cast<double>(cols) * g.original.width / g.resized.width;
        // Not those at the very edge, where the top of the hill leaves the crop, nor those on the padding.
        if (row == 0 || col == 0 || row + 1 >= rows || col + 1 >= cols) continue;
        if (y < patch_h || x < patch_w || y > g.original.height - patch_h || x > g.original.width - patch_w) continue;
        const auto [found_y, found_x] = hottest(hot_patch(rows, cols, row, col), rows, cols, g);
        EXPECT_NEAR(found_y, y, 1.0) << g.original.height << "x" << g.original.width << " row " << row;
        EXPECT_NEAR(found_x, x, 1.0) << g.original.height << "x" << g.original.width << " column " << col;
      }
    }
  }
}

/// The recipes of every pipeline, and steps that none of the presets has.
std::vector<PreprocessRecipe> recipes_of_all_kinds() {
  std::vector<PreprocessRecipe> recipes;
  for (const std::string_view pipeline : preprocess_names().subspan(1)) {
    RecipeOptions options;
    options.preprocess = pipeline;
    recipes.push_back(resolve_recipe("/nowhere", options).recipe);
    recipes.push_back(with_input_size(recipes.back(), {192, 256}));
  }
  PreprocessRecipe recipe = timm_recipe({224, 224}, 1.0);
  recipe.resize = ResizeRule::kCapped;
  recipe.longest_edge = 250;
  recipes.push_back(recipe);
  recipe.padding_rule = PaddingRule::kLargerHalfFirst;  // the shorter side is padded
  recipe.longest_edge = 225;
  recipes.push_back(recipe);
  recipe.resize = ResizeRule::kNone;
  recipe.crop_rounding = CropRounding::kFloor;
  recipes.push_back(recipe);
  recipes.push_back(timm_recipe({224, 224}, 0.8, CropMode::kSquash));
  recipes.push_back(timm_recipe({224, 160}, 1.0, CropMode::kBorder));
  return recipes;
}

TEST(Overlay, WhatTheModelSawIsMarkedWhereItIsWhateverTheRecipe) {
  constexpr int kSide = 15;
  constexpr std::size_t kCell = 16;
  for (const PreprocessRecipe& recipe : recipes_of_all_kinds()) {
    for (const Size size : {Size{231, 300}, Size{301, 230}, Size{180, 260}}) {
      // A white square in the dark, its middle 20 px off the picture's.
      Image picture = gray_image(size, 0);
      const int middle_y = size.height / 2 + 20;
      const int middle_x = size.width / 2 - 20;
      for (int y = middle_y - kSide; y <= middle_y + kSide; ++y) {
        std::fill_n(picture.row(y) + 3 * (middle_x - kSide), 3 * (2 * kSide + 1), std::uint8_t{255});
      }
      // Where the model is fed light, there is heat.
      const Preprocessed seen = preprocess(picture, recipe);
      const auto rows = static_cast<std::size_t>(recipe.input_size.height) / kCell;
      const auto cols = static_cast<std::size_t>(recipe.input_size.width) / kCell;
      std::vector<float> map(rows * cols);
      for (std::size_t y = 0; y < rows * kCell; ++y) {
        for (std::size_t x = 0; x < cols * kCell; ++x) {
          map[y / kCell * cols + x / kCell] += static_cast<float>(seen.pixels.row(static_cast<int>(y))[3 * x] / 255);
        }
      }
      const auto [y, x] = center_of_heat(map, rows, cols, seen.geometry);
      const std::string what = recipe.name + " " + describe(recipe).front();
      // An eighth of a cell, in the picture's pixels.
      const double tolerance = kCell / 8.0 * size.height / seen.geometry.resized.height;
      EXPECT_NEAR(y, middle_y + 0.5, tolerance) << what << " on " << size.height << "x" << size.width;
      EXPECT_NEAR(x, middle_x + 0.5, tolerance) << what << " on " << size.height << "x" << size.width;
    }
  }
}

TEST(Overlay, TheFieldIsSmoothAndStaysBetweenZeroAndOne) {
  const CropGeometry g = geometry_of({400, 400}, CropMode::kCenter);
  const std::vector<float> map = hot_patch(14, 14, 6, 6);
  const HeatField field({map, 14, 14}, g);
  std::vector<float> row(400);
  std::vector<float> previous(400, 0.0F);
  float largest = 0.0F;
  for (int y = 0; y < 400; ++y) {
    field.row(y, row);
    for (std::size_t x = 0; x < 400; ++x) {
      EXPECT_TRUE(row[x] >= 0.0F && row[x] <= 1.0F);
      // A patch is 26 px high and wide here: no step is steeper than a few per cent.
      EXPECT_LT(std::abs(row[x] - previous[x]), 0.06F) << y << " " << x;
      EXPECT_LT(std::abs(row[x] - row[x == 0 ? 0 : x - 1]), 0.06F) << y << " " << x;
      largest = std::max(largest, row[x]);
    }
    previous = row;
  }
  EXPECT_GT(largest, 0.75F);
}

TEST(Overlay, WhatTheModelNeverSawIsDarkAndNearlyGrey) {
  Image red({300, 500});
  for (std::size_t i = 0; i < red.pixels().size(); i += 3) red.pixels()[i] = 250;
  const CropGeometry g = geometry_of(red.size(), CropMode::kCenter);
  OverlayStyle style;
  style.caption = false;
  style.alpha = 0.0;
  const std::vector<float> map = hot_patch(14, 14, 3, 3);
  const Image out = draw_overlay(red, {map, 14, 14}, g, style, {});
  ASSERT_EQ(out.size(), red.size());
  const std::uint8_t* margin = out.row(150) + 3 * 5;
  EXPECT_LT(margin[0], 80);
  EXPECT_GT(margin[1], 10);  // some of the red's brightness has gone there
  const std::uint8_t* inside = out.row(150) + 3 * 250;
  EXPECT_EQ(inside[0], 250);  // alpha 0: the photograph alone
  EXPECT_EQ(inside[1], 0);
  const SeenArea seen = seen_area(g);
  const auto edge = static_cast<int>(seen.left);
  EXPECT_GT(out.row(150)[3 * edge + 1], 60);  // the line
}

TEST(Overlay, APictureThatIsSeenWholeHasNeitherMarginNorLine) {
  const Image image = test::random_image({100, 180}, 1);
  OverlayStyle style;
  style.caption = false;
  style.alpha = 0.0;
  const std::vector<float> map = hot_patch(14, 14, 3, 3);
  for (const CropMode mode : {CropMode::kSquash, CropMode::kBorder}) {
    const Image out = draw_overlay(image, {map, 14, 14}, geometry_of(image.size(), mode, 1.0), style, {});
    EXPECT_TRUE(std::equal(out.pixels().begin(), out.pixels().end(), image.pixels().begin()));
  }
}

TEST(Overlay, AtAlphaOneTheColoursAreTheMapsAlone) {
  const Size size{112, 112};
  const CropGeometry g = geometry_of(size, CropMode::kSquash, 1.0);
  OverlayStyle style;
  style.caption = false;
  style.alpha = 1.0;
  std::vector<float> map(196);
  std::iota(map.begin(), map.end(), 0.0F);
  const Image on_dark = draw_overlay(gray_image(size, 0), {map, 14, 14}, g, style, {});
  const Image on_light = draw_overlay(gray_image(size, 255), {map, 14, 14}, g, style, {});
  EXPECT_TRUE(std::equal(on_dark.pixels().begin(), on_dark.pixels().end(), on_light.pixels().begin()));
  EXPECT_LT(on_dark.row(2)[6], 20);               // inferno begins black
  EXPECT_GT(on_dark.row(110)[3 * 110 + 1], 240);  // and ends in pale yellow
}

TEST(Overlay, EveryNamedColourMapDrawsSomethingElse) {
  const Image image = gray_image({64, 64});
  const CropGeometry g = geometry_of(image.size(), CropMode::kSquash, 1.0);
  const std::vector<float> map = hot_patch(14, 14, 7, 7);
  std::vector<std::uint32_t> seen;
  EXPECT_EQ(colormap_names().front(), "auto");  // inferno, or coolwarm for signed maps
  for (const std::string_view name : colormap_names().subspan(1)) {
    OverlayStyle style;
    style.colormap = name;
    seen.push_back(test::crc32(draw_overlay(image, {map, 14, 14}, g, style, {})));
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  OverlayStyle unknown;
  unknown.colormap = "rainbow";
  try {
    static_cast<void>(draw_overlay(image, {map, 14, 14}, g, unknown, {}));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
  }
}

TEST(Overlay, MapsWithoutRangeOrWithHolesAreDrawn) {
  const Image image = test::random_image({50, 60}, 2);
  const CropGeometry g = geometry_of(image.size(), CropMode::kCenter);
  std::vector<float> map(196, 0.25F);
  EXPECT_FALSE(draw_overlay(image, {map, 14, 14}, g, {}, {}).empty());
  map[5] = std::numeric_limits<float>::quiet_NaN();
  map[9] = std::numeric_limits<float>::infinity();
  map[11] = 0.5F;
  EXPECT_FALSE(draw_overlay(image, {map, 14, 14}, g, {}, {}).empty());
  EXPECT_THROW(static_cast<void>(draw_overlay(image, {}, g, {}, {})), Error);
  EXPECT_THROW(static_cast<void>(draw_overlay(Image({3, 3}), {map, 14, 14}, g, {}, {})), Error);
}

TEST(Overlay, PicturesOfAnySizeGetALegibleCaption) {
  const OverlayCaption caption{"a rather long label that cannot possibly fit below a small picture", 0.123,
                               "attention rollout", "mean heads, residual 0.5"};
  const std::vector<float> map = hot_patch(14, 14, 7, 7);
  for (const Size size :
       {Size{1, 1}, Size{5, 3}, Size{64, 64}, Size{3, 900}, Size{900, 3}, Size{300, 451}, Size{1500, 2400}}) {
    for (const bool side_by_side : {false, true}) {
      OverlayStyle style;
      style.side_by_side = side_by_side;
      const Image out =
          draw_overlay(gray_image(size), {map, 14, 14}, geometry_of(size, CropMode::kCenter), style, caption);
      const int pictures = side_by_side ? 2 * size.width : size.width;
      EXPECT_GE(out.size().width, std::max(pictures, kNarrowestCaption));
      EXPECT_LE(out.size().width, std::max(pictures + pictures / 50 + 2, kNarrowestCaption));
      EXPECT_GE(out.size().height, size.height + 40);
    }
  }
}

TEST(Overlay, SideBySideShowsTheOriginalOnTheLeft) {
  const Image image = test::random_image({200, 300}, 3);
  OverlayStyle style;
  style.side_by_side = true;
  style.caption = false;
  const std::vector<float> map = hot_patch(14, 14, 7, 7);
  const Image out = draw_overlay(image, {map, 14, 14}, geometry_of(image.size(), CropMode::kCenter), style, {});
  EXPECT_EQ(out.size().height, 200);
  EXPECT_GT(out.size().width, 600);
  for (int y = 0; y < 200; ++y) EXPECT_TRUE(std::equal(image.row(y), image.row(y) + 900, out.row(y))) << y;
}

TEST(Caption, LettersWithoutAHersheyFormAreReplacedSanely) {
  EXPECT_EQ(to_drawable("Egyptian cat"), "Egyptian cat");
  EXPECT_EQ(to_drawable("cr\u00E8me br\u00FBl\u00E9e"), "creme brulee");
  EXPECT_EQ(to_drawable("\u017B\u00F3\u0142w, \u0160koda"), "Zolw, Skoda");
  EXPECT_EQ(to_drawable("jack\u2019o\u2019lantern \u2013 \u201Cbig\u201D"), "jack'o'lantern - \"big\"");
  EXPECT_EQ(to_drawable("e\u0301"), "e");
  EXPECT_EQ(to_drawable("\u732B\U0001F408"), "??");
  EXPECT_EQ(to_drawable("a\nb\xFF\xC3"), "a b??");
}

TEST(Caption, GrowsWithThePictureAndNeverLeavesTheStrip) {
  const CaptionScale scale{std::vector<std::uint8_t>(768, 200)};
  const OverlayCaption caption{"Egyptian cat", 0.452, "attention rollout", "mean heads"};
  const Image small = caption_strip(256, {200, 256}, caption, scale);
  const Image large = caption_strip(2560, {2000, 2560}, caption, scale);
  EXPECT_GT(large.size().height, 3 * small.size().height);
  // Its border is all background.
  for (const Image* strip : {&small, &large}) {
    const std::uint8_t* corner = strip->row(0);
    for (int x = 0; x < strip->size().width; ++x) {
      EXPECT_TRUE(std::equal(corner, corner + 3, strip->row(0) + 3 * x));
      EXPECT_TRUE(std::equal(corner, corner + 3, strip->row(strip->size().height - 1) + 3 * x));
    }
    for (int y = 0; y < strip->size().height; ++y) {
      EXPECT_TRUE(std::equal(corner, corner + 3, strip->row(y) + 3 * (strip->size().width - 1)));
    }
  }
}

TEST(Thumbnail, KeepsTheAspectRatioAndNeverEnlarges) {
  EXPECT_EQ(thumbnail(gray_image({300, 600}), 150).size(), (Size{75, 150}));
  EXPECT_EQ(thumbnail(gray_image({600, 300}), 150).size(), (Size{150, 75}));
  EXPECT_EQ(thumbnail(gray_image({1, 5000}), 100).size(), (Size{1, 100}));
  EXPECT_EQ(thumbnail(gray_image({20, 30}), 100).size(), (Size{20, 30}));
  const Image shrunk = thumbnail(gray_image({300, 600}, 77), 150);
  EXPECT_TRUE(std::all_of(shrunk.pixels().begin(), shrunk.pixels().end(), [](std::uint8_t v) { return v == 77; }));
}

}  // namespace
}  // namespace fovea
