// The ways to draw a map: colours, a mask, lines of equal value.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fovea/tensor.hpp"
#include "image/overlay/frame.hpp"

namespace fovea {

/// Shares of a map's patches that lie below its contours.
inline constexpr double kContourShares[] = {0.5, 0.75, 0.9};

/// The map scaled to 0..1, where its contours run: its quantiles at kContourShares, without those that are its minimum.
[[nodiscard]] std::vector<float> contour_levels(std::span<const float> map);
/// Colours of the contours, low to high: RGB triples, one for each of kContourShares.
[[nodiscard]] std::vector<std::uint8_t> contour_colors(const std::vector<std::uint8_t>& scale);

// The field has to outlive the ink.

/// The picture under the colours of the map.
/// @param scale  256 RGB triples, low to high
[[nodiscard]] std::unique_ptr<MapInk> heat_ink(const HeatField& field, const std::vector<std::uint8_t>& scale,
                                               double alpha);
/// The picture where the heat is at least `threshold`, and dark elsewhere.
[[nodiscard]] std::unique_ptr<MapInk> mask_ink(const HeatField& field, double threshold);
/// The picture as it is under lines, with an edge to be seen on any ground.
/// @param colors  RGB triples, at least one for each level; the last ones are used
[[nodiscard]] std::unique_ptr<MapInk> contour_ink(const HeatField& field, Size picture, std::vector<float> levels,
                                                  const std::vector<std::uint8_t>& colors);

}  // namespace fovea
