// Marks that the pictures of one class carry and those of the others do not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learn/marks/class_excess.hpp"
#include "learn/marks/colour_cast.hpp"
#include "learn/marks/fixed_pattern.hpp"
#include "learn/marks/frame.hpp"
#include "learn/marks/small_pictures.hpp"

namespace fovea {

/// A tint of the darkest pixels, and one of the lightest.
enum class MarkKind { kPattern, kFrame, kTint, kCast };

/// What was looked for in one class, whether there is anything to it or not.
struct Mark {
  MarkKind kind = MarkKind::kPattern;
  std::size_t of_class = 0;
  learn::ClassExcess excess;               // of the pictures that carry it, out of half
  std::vector<std::size_t> carriers;       // rows of the class's pictures that carry it
  std::vector<learn::RelativeBox> region;  // where it lies; a tint and a cast lie everywhere: none
  learn::Frame frame;                      // of a frame
  learn::Hue hue{};                        // of a tint or cast
};

/// Looks for a mark of each kind in each class.
/// @param classes  [n]
/// @return         num_classes times four
[[nodiscard]] std::vector<Mark> look_for_marks(const learn::SmallPictures& pictures,
                                               std::span<const std::size_t> classes, std::size_t num_classes,
                                               std::uint64_t seed);

}  // namespace fovea
