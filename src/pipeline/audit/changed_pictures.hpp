// Pictures with a region hidden, a region of another picture, or another tint: what experiments show the model.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "fovea/image.hpp"
#include "learn/marks/small_pictures.hpp"

namespace fovea {

enum class Hiding { kMean, kBlur };

/// The region under the picture's mean colour, or under the blurred picture.
[[nodiscard]] Image hidden(const Image& picture, std::span<const learn::RelativeBox> region, Hiding hiding);

/// The region alone: everything else under the picture's mean colour.
[[nodiscard]] Image alone(const Image& picture, std::span<const learn::RelativeBox> region);

/// The region as it is in another picture.
[[nodiscard]] Image pasted(const Image& picture, const Image& other, std::span<const learn::RelativeBox> region);

/// Each channel moved by so many levels.
[[nodiscard]] Image tinted(const Image& picture, const std::array<double, 3>& levels);

/// The share of the picture that the boxes cover; they do not overlap.
[[nodiscard]] double area_of(std::span<const learn::RelativeBox> region);

/// A box that is given as shares of another one, as shares of the picture; and the other way round.
[[nodiscard]] learn::RelativeBox inside(const learn::RelativeBox& outer, const learn::RelativeBox& box);
[[nodiscard]] learn::RelativeBox relative_to(const learn::RelativeBox& outer, const learn::RelativeBox& box);

/// A box of this area somewhere in the picture, of the shape of `like`, or a square where that does not fit.
/// @param down, right  0 to 1: where, from the top left to the bottom right
[[nodiscard]] learn::RelativeBox box_of_area(double area, const learn::RelativeBox& like, double down, double right);

/// How much of `a` lies in `b`, 0 to 1.
[[nodiscard]] double overlap_of(const learn::RelativeBox& a, const learn::RelativeBox& b);

}  // namespace fovea
