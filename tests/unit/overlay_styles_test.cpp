// Contours, masks, panels and sheets, pixel by pixel against what their definitions say.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/explain.hpp"
#include "image/overlay/caption.hpp"
#include "image/overlay/field.hpp"
#include "image/overlay/ink.hpp"
#include "image/overlay/overlay.hpp"
#include "image/overlay/panel.hpp"
#include "image/overlay/sheet.hpp"
#include "image/overlay/text.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

constexpr CropGeometry kWide{{150, 240}, {100, 160}, {96, 96}, 2, 32};  // columns 0 to 47 and 192 on were never seen

/// Hills of different heights, 6x6.
std::vector<float> hills() {
  std::vector<float> map(36);
  for (std::size_t i = 0; i < map.size(); ++i) {
    const double y = static_cast<double>(i / 6) - 2.0;
    const double x = static_cast<double>(i % 6) - 3.5;
    map[i] = static_cast<float>(std::exp(-(y * y + x * x) / 5.0) + 0.02 * std::sin(static_cast<double>(i)));
  }
  return map;
}

OverlayStyle style_of(MapStyle style) {
  OverlayStyle options;
  options.style = style;
  options.caption = false;
  return options;
}

std::vector<std::vector<float>> heat_of(const std::vector<float>& map, const CropGeometry& g) {
  const HeatField field({map, 6, 6}, g);
  std::vector<std::vector<float>> heat(static_cast<std::size_t>(g.original.height),
                                       std::vector<float>(static_cast<std::size_t>(g.original.width)));
  for (int y = 0; y < g.original.height; ++y) field.row(y, heat[static_cast<std::size_t>(y)]);
  return heat;
}

bool same_pixel(const Image& a, const Image& b, int y, int x) {
  return std::equal(a.row(y) + 3 * x, a.row(y) + 3 * x + 3, b.row(y) + 3 * x);
}

TEST(MaskStyle, ShowsThePictureWhereTheMapIsHighAndIsDarkElsewhere) {
  const Image image = test::random_image(kWide.original, 1);
  const std::vector<float> map = hills();
  const auto heat = heat_of(map, kWide);
  for (const double threshold : {0.25, 0.5, 0.8}) {
    OverlayStyle style = style_of(MapStyle::kMask);
    style.mask_threshold = threshold;
    const Image out = draw_overlay(image, {map, 6, 6}, kWide, style, {});
    std::size_t shown = 0;
    std::size_t hidden = 0;
    for (std::size_t y = 5; y < 145; ++y) {
      for (std::size_t x = 52; x < 188; ++x) {
        const double above = static_cast<double>(heat[y][x]) - threshold;
        if (std::abs(above) < 0.001) continue;
        for (std::size_t c = 0; c < 3; ++c) {
          const int from = image.row(static_cast<int>(y))[3 * x + c];
          const int to = out.row(static_cast<int>(y))[3 * x + c];
          if (above > 0) {
            ASSERT_EQ(to, from) << y << "," << x;
          } else {
            ASSERT_NEAR(to, 0.3 * from, 1.0) << y << "," << x;
          }
        }
        ++(above > 0 ? shown : hidden);
      }
    }
    EXPECT_GT(shown, 100U);
    EXPECT_GT(hidden, 100U);
  }
}

TEST(ContourStyle, DrawsLinesWhereTheMapPassesItsLevelsAndLeavesTheRestAlone) {
  const Image image = test::random_image(kWide.original, 2);
  const std::vector<float> map = hills();
  const auto heat = heat_of(map, kWide);
  const std::vector<float> levels = contour_levels(map);
  ASSERT_EQ(levels.size(), 3U);
  const std::vector<std::uint8_t> colors = contour_colors(color_scale("inferno"));
  const Image out = draw_overlay(image, {map, 6, 6}, kWide, style_of(MapStyle::kContour), {});
  std::vector<std::size_t> on_line(3);
  std::size_t untouched = 0;
  for (std::size_t y = 5; y < 145; ++y) {
    for (std::size_t x = 52; x < 188; ++x) {
      const double steepness = std::hypot((heat[y][x + 1] - heat[y][x - 1]) / 2, (heat[y + 1][x] - heat[y - 1][x]) / 2);
      if (steepness < 1e-4) continue;
      double nearest = std::numeric_limits<double>::infinity();
      std::size_t line = 0;
      double second = nearest;
      for (std::size_t i = 0; i < 3; ++i) {
        const double distance = static_cast<double>(std::abs(heat[y][x] - levels[i])) / steepness;
        if (distance < nearest) {
          second = nearest;
          nearest = distance;
          line = i;
        } else {
          second = std::min(second, distance);
        }
      }
      const auto row = static_cast<int>(y);
      if (nearest > 3.0) {
        ASSERT_TRUE(same_pixel(out, image, row, static_cast<int>(x))) << y << "," << x;
        ++untouched;
      } else if (nearest < 0.35 && second > 5.0) {
        for (std::size_t c = 0; c < 3; ++c) {
          ASSERT_EQ(out.row(row)[3 * x + c], colors[3 * line + c]) << y << "," << x << " line " << line;
        }
        ++on_line[line];
      }
    }
  }
  EXPECT_GT(untouched, 5000U);
  for (const std::size_t pixels : on_line) EXPECT_GT(pixels, 10U);
}

TEST(ContourStyle, LinesEncloseTheSharesOfThePatchesAndNeverTheMinimum) {
  std::vector<float> ramp(101);
  std::iota(ramp.begin(), ramp.end(), -7.0F);
  const std::vector<float> levels = contour_levels(ramp);
  ASSERT_EQ(levels.size(), 3U);
  EXPECT_FLOAT_EQ(levels[0], 0.5F);
  EXPECT_FLOAT_EQ(levels[1], 0.75F);
  EXPECT_FLOAT_EQ(levels[2], 0.9F);
  std::vector<float> sparse(100, 0.0F);
  std::fill_n(sparse.begin(), 20, 3.0F);
  EXPECT_EQ(contour_levels(sparse), (std::vector<float>{1.0F}));
  EXPECT_TRUE(contour_levels(std::vector<float>(9, 2.0F)).empty());
}

TEST(MapStyles, MarkWhatWasNeverSeenInTheSameWay) {
  const Image image = test::random_image(kWide.original, 3);
  const std::vector<float> map = hills();
  const Image heat = draw_overlay(image, {map, 6, 6}, kWide, style_of(MapStyle::kHeat), {});
  for (const MapStyle style : {MapStyle::kContour, MapStyle::kMask}) {
    const Image out = draw_overlay(image, {map, 6, 6}, kWide, style_of(style), {});
    for (int y = 0; y < 150; ++y) {
      for (int x = 0; x < 240; ++x) {
        if (x >= 46 && x < 194) continue;
        ASSERT_TRUE(same_pixel(out, heat, y, x)) << y << "," << x;
        ASSERT_FALSE(same_pixel(out, image, y, x) && image.row(y)[3 * x] > 100) << y << "," << x;
      }
    }
    EXPECT_NE(test::crc32(out), test::crc32(heat));
  }
}

TEST(MapStyles, FlatMapsAndTinyPicturesAreDrawn) {
  for (const MapStyle style : {MapStyle::kContour, MapStyle::kMask}) {
    for (const Size size : {Size{1, 1}, Size{1, 40}, Size{40, 1}}) {
      const CropGeometry g{size, {32, 32}, {32, 32}, 0, 0};
      const std::vector<float> flat(36, 1.0F);
      EXPECT_EQ(draw_overlay(Image(size), {flat, 6, 6}, g, style_of(style), {}).size(), size);
      const std::vector<float> map = hills();
      EXPECT_EQ(draw_overlay(Image(size), {map, 6, 6}, g, style_of(style), {}).size(), size);
    }
  }
}

TEST(Panel, HoldsThePictureAndEveryMapAsTheyAreDrawnAlone) {
  const Image image = test::random_image(kWide.original, 4);
  const std::vector<float> map = hills();
  OverlayStyle style;
  for (const std::size_t count : {0U, 1U, 3U, 4U, 6U, 9U}) {
    std::vector<PanelMap> maps;
    for (std::size_t i = 0; i < count; ++i) maps.push_back({{map, 6, 6}, {"cat", 0.5, "method", std::to_string(i)}});
    const Image panel = draw_panel(image, kWide, maps, style, {"cat", 0.5, "the picture", ""});
    const std::size_t rows = (count + 1 + 3) / 4;
    const std::size_t across = (count + rows) / rows;  // of count + 1 cells, rounded up
    const int step = kNarrowestCaption + 6;
    ASSERT_EQ(panel.size().width, static_cast<int>(across) * step - 6) << count;
    // A picture of 240 px stands in the middle of a caption's 256.
    for (int y = 0; y < 150; ++y) ASSERT_TRUE(std::equal(image.row(y), image.row(y) + 720, panel.row(y) + 3 * 8)) << y;
    if (count == 0) continue;
    const Image alone = draw_overlay(image, {map, 6, 6}, kWide, style, maps.back().caption);
    const int left = static_cast<int>(count % across) * step;
    const auto is_at = [&](int top) {
      for (int y = 0; y < alone.size().height; ++y) {
        if (!std::equal(alone.row(y), alone.row(y) + alone.row_bytes(), panel.row(top + y) + 3 * left)) return false;
      }
      return true;
    };
    int top = panel.size().height - alone.size().height;  // of the last row, whose cells are equally high
    if (count / across == 0) top = 0;
    EXPECT_TRUE(is_at(top)) << count;
  }
}

TEST(Panel, OfHardAttentionShowsThePictureAsItIsAndItsMapsOverWhatWasKept) {
  const Image image = test::random_image(kWide.original, 4);
  const std::vector<float> map = hills();
  std::vector<float> kept(36, 1.0F);
  for (const std::size_t patch : {7U, 8U, 20U}) kept[patch] = 0.0F;
  const PanelMap cell{{map, 6, 6}, {"cat", 0.5, "method", "variant"}};
  const Image panel = draw_panel(image, kWide, {&cell, 1}, {}, {"cat", 0.5, "the picture", ""}, kept);
  for (int y = 0; y < 150; ++y) ASSERT_TRUE(std::equal(image.row(y), image.row(y) + 720, panel.row(y) + 3 * 8)) << y;
  const Image dark = draw_overlay(image, {map, 6, 6}, kWide, {}, cell.caption, kept);
  const int left = kNarrowestCaption + 6;
  for (int y = 0; y < 150; ++y) {
    ASSERT_TRUE(std::equal(dark.row(y), dark.row(y) + dark.row_bytes(), panel.row(y) + 3 * left)) << y;
  }
  // A patch that was left out is darker than in the overlay of the whole model, one that was kept is the same.
  const Image light = draw_overlay(image, {map, 6, 6}, kWide, {}, cell.caption);
  const SeenArea out = patch_area(kWide, {6, 6}, 1, 2);
  const SeenArea in = patch_area(kWide, {6, 6}, 2, 2);
  const auto brightness = [](const Image& picture, const SeenArea& area) {
    int sum = 0;
    for (int y = static_cast<int>(area.top) + 2; y < static_cast<int>(area.bottom) - 2; ++y) {
      for (int x = static_cast<int>(area.left) + 10; x < static_cast<int>(area.right) + 6; ++x)
        sum += *(picture.row(y) + 3 * x);
    }
    return sum;
  };
  EXPECT_LT(brightness(dark, out), brightness(light, out));
  EXPECT_EQ(brightness(dark, in), brightness(light, in));
}

TEST(SideBySide, OfHardAttentionShowsThePictureAsItIs) {
  const Image image = test::random_image(kWide.original, 5);
  const std::vector<float> map = hills();
  OverlayStyle style = style_of(MapStyle::kHeat);
  style.side_by_side = true;
  const Image both = draw_overlay(image, {map, 6, 6}, kWide, style, {}, std::vector<float>(36, 0.0F));
  for (int y = 0; y < 150; ++y) ASSERT_TRUE(std::equal(image.row(y), image.row(y) + 720, both.row(y))) << y;
}

TEST(Panel, OfALargePictureIsOfLegibleSize) {
  const CropGeometry g{{3000, 4000}, {248, 330}, {224, 224}, 12, 53};
  const std::vector<float> map = hills();
  const std::vector<PanelMap> maps(3, PanelMap{{map, 6, 6}, {"cat", 0.5, "method", "variant"}});
  const Image panel = draw_panel(Image({3000, 4000}), g, maps, {}, {});
  EXPECT_EQ(panel.size().width, 4 * 480 + 3 * 6);
}

TEST(Sheet, EveryPatchIsASquareOfItsOwnColour) {
  MapSheet sheet{{2, 3}, {"head 0", "mean"}, {{"block 0", {}}, {"block 1", {}}}};
  for (SheetRow& row : sheet.rows) {
    row.maps = {{0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F}, {5.0F, 5.0F, 0.0F, 5.0F, 5.0F, 10.0F}};
  }
  const Image image = draw_sheet(sheet, "viridis");
  const std::vector<std::uint8_t> colors = color_scale("viridis");
  const int side = sheet_patch_side(sheet.grid);
  EXPECT_EQ(side, 37);
  // Maps end 4 px before the right and the lower border; the ones before them are 4 px away.
  for (int r = 0; r < 2; ++r) {
    for (int c = 0; c < 2; ++c) {
      const int top = image.size().height - (2 - r) * (2 * side + 4);
      const int left = image.size().width - (2 - c) * (3 * side + 4);
      const std::vector<float>& map = sheet.rows[0].maps[static_cast<std::size_t>(c)];
      const float high = c == 0 ? 5.0F : 10.0F;
      for (int y = 0; y < 2 * side; ++y) {
        for (int x = 0; x < 3 * side; ++x) {
          const float value = map[static_cast<std::size_t>(y / side * 3 + x / side)];
          const auto level = static_cast<std::size_t>(std::lround(255.0F * value / high));
          for (std::size_t i = 0; i < 3; ++i) {
            ASSERT_EQ(image.row(top + y)[3 * (left + x) + static_cast<int>(i)], colors[3 * level + i]) << y << "," << x;
          }
        }
      }
    }
  }
}

TEST(Caption, TheMethodAndItsVariantAreWholeAtASmallWidth) {
  const TextStyle quiet{8, false};
  constexpr int kRoom = 365 - 22;  // as below a picture of 365 px
  for (const ExplainMethod& method : explain_methods()) {
    EXPECT_LE(text_width(to_drawable(method.title), quiet), kRoom);
    const std::string variant = to_drawable(method.variant({}));
    const auto lines = wrapped(variant, quiet, 3, [](std::size_t) { return kRoom; });
    std::string joined;
    for (const std::string& line : lines) {
      EXPECT_LE(text_width(line, quiet), kRoom) << line;
      joined += (joined.empty() ? "" : " ") + line;
    }
    EXPECT_EQ(joined, variant);
  }
}

TEST(Caption, WordsAreCutOnlyWhereNothingElseHelps) {
  const TextStyle style{10, false};
  const auto narrow = [](std::size_t) { return 120; };
  EXPECT_TRUE(wrapped("", style, 3, narrow).empty());
  EXPECT_EQ(wrapped("one two", style, 3, narrow), (std::vector<std::string>{"one two"}));
  const auto cut = wrapped("a few words that are too many for these lines of text", style, 2, narrow);
  ASSERT_EQ(cut.size(), 2U);
  EXPECT_TRUE(cut[1].ends_with("...")) << cut[1];
  const auto word = wrapped("pneumonoultramicroscopicsilicovolcanoconiosis is long", style, 3, narrow);
  ASSERT_GE(word.size(), 2U);
  EXPECT_TRUE(word[0].ends_with("...")) << word[0];
}

TEST(Caption, GrowsByTheLinesThatItsTextNeeds) {
  const CaptionScale scale{std::vector<std::uint8_t>(768, 200)};
  const OverlayCaption brief{"cat", 0.5, "rollout", "mean"};
  OverlayCaption wordy = brief;
  wordy.variant = "a variant whose many options need more than the one line that there is below a picture of this size";
  EXPECT_GT(caption_strip(365, {300, 365}, wordy, scale).size().height,
            caption_strip(365, {300, 365}, brief, scale).size().height);
}

}  // namespace
}  // namespace fovea
