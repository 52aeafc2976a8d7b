// Draws small text on a picture.
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

// All functions here take text in the form that to_drawable() returns.

/// The width of the text in px.
[[nodiscard]] int text_width(const std::string& text, const TextStyle& style);
/// The text itself, or as much of its beginning as fits, followed by three dots.
[[nodiscard]] std::string shortened(const std::string& text, const TextStyle& style, int width);
/// Breaks the text into lines with as many words as fit. If it needs more than `most` lines, the last one is shortened.
/// @param room  width in px of line 0, 1, ...
[[nodiscard]] std::vector<std::string> wrapped(const std::string& text, const TextStyle& style, std::size_t most,
                                               const std::function<int(std::size_t line)>& room);
/// Draws with the left end of the baseline at (baseline, left). Parts outside the image are cut off.
void draw_text(Image& image, const std::string& text, int left, int baseline, const TextStyle& style);

}  // namespace fovea
