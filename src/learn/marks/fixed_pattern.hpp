// A mark that lies at one place of many pictures: a logo, a time stamp, a scanner's text. Its gradients are the same in
// all of them, as those of a watermark are (Dekel, Rubinstein, Liu, Freeman 2017), while those of photographs differ.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learn/marks/small_pictures.hpp"

namespace fovea::learn {

/// A step of red, green and blue to the right, and the same three down, each cut off at ±127 levels.
using Step = std::array<std::int8_t, 6>;

/// The steps of many pictures.
struct PictureSteps {
  std::size_t side = 0;
  std::vector<Step> steps;  // [n, side, side]; 0 at the last column and row

  [[nodiscard]] std::size_t cells() const noexcept { return side * side; }
  [[nodiscard]] std::span<const Step> picture(std::size_t i) const {
    return std::span(steps).subspan(i * cells(), cells());
  }
};
[[nodiscard]] PictureSteps steps_of(const SmallPictures& pictures);

/// Steps that many pictures have in common.
struct FixedPattern {
  std::vector<std::size_t> cells;  // rising
  std::vector<Step> steps;         // [cells]
};
/// The cells where at least kPatternShare of the examples have the same step, of a length of at least kLeastStep levels. The step is
/// one of an example's: of kPatternDraws of them, the one that most agree with. What is chance lies scattered, so only
/// the largest cluster of such cells is kept, in which each is within two cells of another.
[[nodiscard]] FixedPattern common_pattern(const PictureSteps& pictures, std::span<const std::size_t> examples);
inline constexpr double kPatternShare = 0.25;
inline constexpr int kLeastStep = 36;
inline constexpr std::size_t kPatternDraws = 24;
/// A pattern of fewer cells is chance.
inline constexpr std::size_t kLeastCells = 8;

/// Whether a picture has at least kCarriedShare of the pattern's steps; never of a pattern with too few cells.
[[nodiscard]] bool carries(const FixedPattern& pattern, std::span<const Step> picture);
inline constexpr double kCarriedShare = 0.4;

/// Where the pattern lies: the box around its cells.
/// @param side  of the pictures, px
[[nodiscard]] RelativeBox box_of(const FixedPattern& pattern, std::size_t side);

}  // namespace fovea::learn
