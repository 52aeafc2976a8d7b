// A tint that many pictures of a class have: their darkest or their lightest pixels are of one hue. Photographs have
// something black and something white in them more often than not. A colour that is laid over a picture shows in its
// darkest pixels, whatever the picture is of; a cast that weakens a channel shows in the lightest ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learn/marks/small_pictures.hpp"

namespace fovea::learn {

/// The level of each channel that kDarkShare of a picture's pixels are below, and the one that kLightShare are above.
struct TonalRange {
  std::array<double, 3> dark{};
  std::array<double, 3> light{};
};
inline constexpr double kDarkShare = 0.02;
inline constexpr double kLightShare = 0.01;
[[nodiscard]] TonalRange tonal_range(std::span<const std::uint8_t> rgb);

/// What makes a colour no grey: red less green, and blue less green, in levels.
using Hue = std::array<double, 2>;
[[nodiscard]] Hue hue_of(const std::array<double, 3>& rgb);

/// Whether two hues are at most kSameHue levels apart.
[[nodiscard]] bool same_hue(const Hue& a, const Hue& b);
inline constexpr double kSameHue = 18;

/// The hue of one of the examples that most of them share and few pictures of other classes do: the largest share, less
/// the mean of the other classes' shares and twice their standard deviation.
/// @param hues  [n] of all pictures
[[nodiscard]] Hue peculiar_hue(std::span<const Hue> hues, std::span<const std::size_t> classes, std::size_t num_classes,
                               std::span<const std::size_t> examples);

}  // namespace fovea::learn
