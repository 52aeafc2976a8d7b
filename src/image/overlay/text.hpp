// Small text on a picture.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

using Color = std::array<std::uint8_t, 3>;  // RGB

struct TextStyle {
  int cap_height = 12;  // px
  bool heavy = false;
  Color color{245, 245, 247};
};

// All of these take text as to_drawable() makes it.

/// px
[[nodiscard]] int text_width(const std::string& text, const TextStyle& style);
/// The text itself, or as much of its beginning as fits with three dots after it.
[[nodiscard]] std::string shortened(const std::string& text, const TextStyle& style, int width);
/// The words in lines, as many in each as fit; where they do not fit in `most` lines, the last is shortened.
/// @param room  px, of line 0, 1, ...
[[nodiscard]] std::vector<std::string> wrapped(const std::string& text, const TextStyle& style, std::size_t most,
                                               const std::function<int(std::size_t line)>& room);
/// Draws with the left end of the baseline at (baseline, left); what would leave the image is cut off.
void draw_text(Image& image, const std::string& text, int left, int baseline, const TextStyle& style);

}  // namespace fovea
