// The styles of drawing a map: colours, a mask, contour lines.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fovea/tensor.hpp"
#include "image/overlay/frame.hpp"

namespace fovea {

/// The shares of a map's patches that lie below each contour.
inline constexpr double kContourShares[] = {0.5, 0.75, 0.9};

/// The heat, 0..1, at which contours run: the map's quantiles at kContourShares, except those that equal its minimum.
[[nodiscard]] std::vector<float> contour_levels(std::span<const float> map);
/// The colours of the contours, low to high: one RGB triple for each of kContourShares.
[[nodiscard]] std::vector<std::uint8_t> contour_colors(const std::vector<std::uint8_t>& scale);

// The field must outlive the ink.

/// Blends the map's colours over the picture.
/// @param scale      256 RGB triples, low to high
/// @param is_signed  whether the field is 0.5 where the map is 0, which is then transparent
[[nodiscard]] std::unique_ptr<MapInk> heat_ink(const HeatField& field, const std::vector<std::uint8_t>& scale,
                                               double alpha, bool is_signed);
/// Keeps the picture where the heat is at least `threshold` and darkens the rest.
[[nodiscard]] std::unique_ptr<MapInk> mask_ink(const HeatField& field, double threshold);
/// Draws lines with a contrasting edge on the unchanged picture, so that they are visible on any background.
/// @param colors  RGB triples, at least one for each level; the last ones are used.
[[nodiscard]] std::unique_ptr<MapInk> contour_ink(const HeatField& field, Size picture, std::vector<float> levels,
                                                  const std::vector<std::uint8_t>& colors);

}  // namespace fovea
