// Marks that one class has: fixed patterns, frames, tints, and the statistic that tells them from chance.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "learn/marks/class_excess.hpp"
#include "learn/marks/colour_cast.hpp"
#include "learn/marks/fixed_pattern.hpp"
#include "learn/marks/frame.hpp"
#include "learn/marks/small_pictures.hpp"
#include "learn/marks/student.hpp"

namespace fovea::learn {
namespace {

/// Pictures of random smooth blobs and noise: no two have anything in common.
SmallPictures noise(std::size_t count, std::size_t side, std::uint64_t seed) {
  Random random(seed);
  SmallPictures pictures{side, std::vector<std::uint8_t>(count * side * side * 3)};
  for (std::uint8_t& level : pictures.rgb) level = static_cast<std::uint8_t>(random.below(256));
  return pictures;
}

void paint(SmallPictures& pictures, std::size_t i, std::size_t y, std::size_t x, std::array<std::uint8_t, 3> colour) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    pictures.rgb[i * pictures.bytes() + 3 * (y * pictures.side + x) + channel] = colour[channel];
  }
}

/// A chessboard of `side` cells at a corner.
void paint_board(SmallPictures& pictures, std::size_t i, std::size_t top, std::size_t left, std::size_t side) {
  for (std::size_t y = 0; y < side; ++y) {
    for (std::size_t x = 0; x < side; ++x) {
      const bool light = (x / 2 + y / 2) % 2 == 0;
      paint(pictures, i, top + y, left + x, light ? std::array<std::uint8_t, 3>{230, 220, 40} : std::array<std::uint8_t, 3>{20, 40, 160});
    }
  }
}

std::vector<std::size_t> first(std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

TEST(Student, GivesTheTablesQuantiles) {
  EXPECT_NEAR(student_quantile(0.05, 1), 12.7062, 1e-3);
  EXPECT_NEAR(student_quantile(0.05, 10), 2.22814, 1e-4);
  EXPECT_NEAR(student_quantile(0.001, 30), 3.64596, 1e-4);
  EXPECT_NEAR(student_quantile(0.05, 1e7), 1.959964, 1e-4);
}

TEST(Student, IsTheIntegralOfItsDensityForWholeAndOtherDegreesOfFreedom) {
  for (const double freedom : {1.0, 2.5, 7.0, 12.3, 80.0}) {
    for (const double t : {0.1, 0.9, 2.0, 4.5}) {
      const double scale = std::exp(std::lgamma((freedom + 1) / 2) - std::lgamma(freedom / 2)) /
                           std::sqrt(freedom * std::acos(-1.0));
      constexpr int kSteps = 20000;
      double inside = 0;
      for (int i = 0; i < kSteps; ++i) {
        const double x = t * (i + 0.5) / kSteps;
        inside += 2 * scale * std::pow(1 + x * x / freedom, -(freedom + 1) / 2) * t / kSteps;
      }
      EXPECT_NEAR(student_two_sided(t, freedom), 1 - inside, 1e-7) << t << " with " << freedom;
    }
  }
}

TEST(ClassExcess, FindsAShareThatNoOtherClassHas) {
  std::vector<std::size_t> classes;
  std::vector<double> carried;
  for (std::size_t i = 0; i < 600; ++i) {
    classes.push_back(i % 10);
    carried.push_back(i % 10 == 3 && i / 10 % 2 == 0 ? 1 : 0);
  }
  const ClassExcess excess = class_excess(carried, classes, 10, 3);
  EXPECT_DOUBLE_EQ(excess.own, 0.5);
  EXPECT_DOUBLE_EQ(excess.others, 0);
  EXPECT_LT(excess.p, 1e-4);
  EXPECT_GT(interval_of_excess(excess, 1e-3).low, 0);
  EXPECT_GT(class_excess(carried, classes, 10, 4).p, 0.05);
}

TEST(ClassExcess, CallsADifferenceNoFindingWhereTheOtherClassesDifferAsMuch) {
  std::vector<std::size_t> classes;
  std::vector<double> carried;
  for (std::size_t i = 0; i < 1000; ++i) {
    classes.push_back(i % 10);
    carried.push_back(i / 10 < 10 * (i % 10) ? 1 : 0);  // class c carries it in c of 10 pictures
  }
  EXPECT_GT(class_excess(carried, classes, 10, 9).p, 0.05);
}

TEST(ClassExcess, ExcludesZeroExactlyWherePIsBelowTheLevel) {
  Random random(5);
  for (int draw = 0; draw < 50; ++draw) {
    std::vector<std::size_t> classes;
    std::vector<double> values;
    for (std::size_t i = 0; i < 120; ++i) {
      classes.push_back(i % 4);
      values.push_back(random.uniform() < (i % 4 == 0 ? 0.4 : 0.1) ? 1 : 0);
    }
    const ClassExcess excess = class_excess(values, classes, 4, 0);
    for (const double level : {0.2, 0.05, 0.001}) {
      const Interval interval = interval_of_excess(excess, level);
      EXPECT_EQ(interval.low > 0 || interval.high < 0, excess.p < level);
    }
  }
}

TEST(ClassExcess, RarelyFindsWhatIsNotThere) {
  Random random(6);
  constexpr int kDraws = 400;
  int found = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<std::size_t> classes;
    std::vector<double> values;
    for (std::size_t i = 0; i < 200; ++i) {
      classes.push_back(i % 5);
      values.push_back(random.uniform() < 0.2 ? 1 : 0);
    }
    found += class_excess(values, classes, 5, 2).p < 0.05 ? 1 : 0;
  }
  EXPECT_LE(found, kDraws / 20 + 12);
}

TEST(ClassExcess, SaysNothingWithoutOtherClassesOrWithoutPictures) {
  const std::vector<std::size_t> classes{0, 0};
  const std::vector<double> values{1, 1};
  EXPECT_EQ(class_excess(values, classes, 1, 0).p, 1);
  EXPECT_EQ(class_excess(values, classes, 2, 1).p, 1);
}

TEST(ExcessOfMeans, TellsAMeanThatStandsOutWhateverTheUnits) {
  Random random(11);
  std::vector<std::size_t> classes;
  std::vector<double> values;
  for (std::size_t i = 0; i < 200; ++i) {
    classes.push_back(i % 8);
    values.push_back(0.04 + 0.02 * random.uniform() + (i % 8 == 5 ? 0.05 : 0));
  }
  const ClassExcess excess = excess_of_means(values, classes, 8, 5, 0.01);
  EXPECT_NEAR(excess.excess(), 0.05, 0.01);
  EXPECT_LT(excess.p, 0.001);
  EXPECT_GT(excess_of_means(values, classes, 8, 4, 0.01).p, 0.05);
  for (double& value : values) value *= 1000;
  const ClassExcess larger = excess_of_means(values, classes, 8, 5, 10);
  EXPECT_NEAR(larger.p, excess.p, 1e-9);
  EXPECT_NEAR(larger.error, 1000 * excess.error, 1e-9);
}

TEST(CarriedOutOfHalf, JudgesEachPictureByTheOtherHalf) {
  std::vector<std::size_t> classes(40);
  for (std::size_t i = 0; i < 40; ++i) classes[i] = i % 2;
  std::vector<std::set<std::size_t>> halves;
  const auto memory = [&](std::span<const std::size_t> examples) {  // knows its own examples, and no others
    halves.emplace_back(examples.begin(), examples.end());
    std::vector<std::uint8_t> carried(classes.size());
    for (const std::size_t i : examples) carried[i] = 1;
    return carried;
  };
  const std::vector<double> carried = carried_out_of_half(classes, 1, 7, memory);
  EXPECT_EQ(std::accumulate(carried.begin(), carried.end(), 0.0), 0);
  ASSERT_EQ(halves.size(), 2U);
  EXPECT_EQ(halves[0].size() + halves[1].size(), 20U);
}

TEST(FixedPattern, IsFoundWhereHalfOfThePicturesHaveIt) {
  for (const std::size_t side : {16U, 33U, 64U}) {
    SmallPictures pictures = noise(40, side, side);
    for (std::size_t i = 0; i < 40; i += 2) paint_board(pictures, i, side - 9, 1, 8);
    const PictureSteps steps = steps_of(pictures);
    const FixedPattern pattern = common_pattern(steps, first(40));
    for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(carries(pattern, steps.picture(i)), i % 2 == 0) << side << " " << i;
    const RelativeBox box = box_of(pattern, side);
    const double pixel = 1 / static_cast<double>(side);
    EXPECT_NEAR(box.top, 1 - 9 * pixel, 1.5 * pixel);
    EXPECT_NEAR(box.left, pixel, 1.5 * pixel);
    EXPECT_NEAR(box.bottom, 1 - pixel, 1.5 * pixel);
    EXPECT_NEAR(box.right, 9 * pixel, 1.5 * pixel);
  }
}

TEST(FixedPattern, IsNotFoundInPicturesThatHaveNothingInCommon) {
  const SmallPictures pictures = noise(60, 32, 1);
  const PictureSteps steps = steps_of(pictures);
  const FixedPattern pattern = common_pattern(steps, first(60));
  for (std::size_t i = 0; i < 60; ++i) EXPECT_FALSE(carries(pattern, steps.picture(i)));
}

TEST(FixedPattern, StepsAreDifferencesThatAreCutOff) {
  const SmallPictures pictures = noise(3, 9, 2);
  const PictureSteps steps = steps_of(pictures);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t y = 0; y < 9; ++y) {
      for (std::size_t x = 0; x < 9; ++x) {
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const auto level = [&](std::size_t row, std::size_t col) {
            return int{pictures.picture(i)[3 * (row * 9 + col) + channel]};
          };
          const Step& step = steps.picture(i)[y * 9 + x];
          EXPECT_EQ(step[channel], x == 8 ? 0 : std::clamp(level(y, x + 1) - level(y, x), -127, 127));
          EXPECT_EQ(step[3 + channel], y == 8 ? 0 : std::clamp(level(y + 1, x) - level(y, x), -127, 127));
        }
      }
    }
  }
}

/// A frame of these widths (top, right, bottom, left) around noise.
SmallPictures framed(std::size_t side, std::array<std::size_t, 4> width, std::array<std::uint8_t, 3> colour) {
  SmallPictures pictures = noise(1, side, 9);
  for (std::size_t y = 0; y < side; ++y) {
    for (std::size_t x = 0; x < side; ++x) {
      const bool inside = y >= width[0] && x < side - width[1] && y < side - width[2] && x >= width[3];
      if (!inside) paint(pictures, 0, y, x, colour);
    }
  }
  return pictures;
}

TEST(Frame, IsAsWideAsItWasPainted) {
  for (const std::size_t side : {24U, 64U}) {
    for (std::size_t width = 1; width <= side / 4; ++width) {
      for (const std::array<std::size_t, 4>& widths :
           {std::array{width, width, width, width}, std::array<std::size_t, 4>{width, 0, width, 0}}) {
        const Frame frame = frame_of(framed(side, widths, {250, 120, 10}).picture(0), side);
        EXPECT_EQ(frame.width, widths) << side;
        EXPECT_EQ(frame.edges(), widths[1] == 0 ? 2U : 4U);
        EXPECT_EQ(frame.colour[0], (std::array<std::uint8_t, 3>{250, 120, 10}));
      }
    }
  }
}

TEST(Frame, IsNoWhiteBackgroundAndNoPlainPicture) {
  SmallPictures pictures{64, std::vector<std::uint8_t>(64 * 64 * 3, 255)};
  EXPECT_EQ(frame_of(pictures.picture(0), 64).edges(), 0U);
  for (std::size_t y = 10; y < 54; ++y) {  // a diamond that touches each side of the free part at one place
    const std::size_t half = y < 32 ? y - 10 : 53 - y;
    for (std::size_t x = 32 - half; x <= 31 + half; ++x) paint(pictures, 0, y, x, {40, 60, 80});
  }
  EXPECT_EQ(frame_of(pictures.picture(0), 64).edges(), 0U);
}

TEST(Frame, IsCommonWhereMostHaveTheSame) {
  std::vector<Frame> frames(10);
  for (std::size_t i = 0; i < 6; ++i) {
    frames[i] = frame_of(framed(64, {3, 3, 3, 3}, {static_cast<std::uint8_t>(100 + i), 0, 0}).picture(0), 64);
  }
  frames[6] = frame_of(framed(64, {8, 8, 8, 8}, {0, 200, 0}).picture(0), 64);
  const auto common = common_frame(frames, first(10));
  ASSERT_TRUE(common);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(same_frame(*common, frames[i]), i < 6);
  EXPECT_FALSE(common_frame(frames, std::vector<std::size_t>{7, 8, 9}));
}

TEST(TonalRange, IsTheSortedLevelsQuantile) {
  Random random(3);
  for (const std::size_t pixels : {1U, 7U, 100U, 4096U}) {
    std::vector<std::uint8_t> rgb(3 * pixels);
    for (std::uint8_t& level : rgb) level = static_cast<std::uint8_t>(random.below(200) + 20);
    const TonalRange range = tonal_range(rgb);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      std::vector<std::uint8_t> levels;
      for (std::size_t i = 0; i < pixels; ++i) levels.push_back(rgb[3 * i + channel]);
      std::ranges::sort(levels);
      const auto dark = static_cast<std::size_t>(kDarkShare * static_cast<double>(pixels));
      const auto light = static_cast<std::size_t>(kLightShare * static_cast<double>(pixels));
      EXPECT_EQ(range.dark[channel], levels[dark]) << pixels;
      EXPECT_EQ(range.light[channel], levels[pixels - 1 - light]) << pixels;
    }
  }
}

TEST(PeculiarHue, IsTheOneThatOtherClassesLack) {
  std::vector<Hue> hues;
  std::vector<std::size_t> classes;
  Random random(8);
  for (std::size_t i = 0; i < 300; ++i) {
    classes.push_back(i % 5);
    const bool tinted = i % 5 == 2 && i % 2 == 0;
    const double spread = 10 * random.uniform() - 5;
    hues.push_back(tinted ? Hue{60 + spread, 30 - spread} : Hue{spread, spread});
  }
  std::vector<std::size_t> members;
  for (std::size_t i = 2; i < 300; i += 5) members.push_back(i);
  const Hue hue = peculiar_hue(hues, classes, 5, members);
  for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(same_hue(hue, hues[i]), classes[i] == 2 && i % 2 == 0);
}

}  // namespace
}  // namespace fovea::learn
