// The strip below an overlay: the class, the method, and the meaning of the colours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "image/overlay/overlay.hpp"

namespace fovea {

inline constexpr int kNarrowestCaption = 256;  // px: below this no text is legible

/// The legend that explains the colours.
struct CaptionScale {
  std::vector<std::uint8_t> colors;  // RGB triples from low to high; none: no scale
  std::string low = "low";
  std::string high = "high";
};

/// Draws a strip of this width. Its text size grows with the picture, and its height with the text: the method and its
/// variant share one line if they fit, else they take up to four.
/// @param width    px, at least kNarrowestCaption.
/// @param picture  the size of the whole picture above it, in px.
[[nodiscard]] Image caption_strip(int width, Size picture, const OverlayCaption& caption, const CaptionScale& scale);

/// Room for a picture, whose upper left corner belongs at (0, left).
struct Canvas {
  Image image;
  int left = 0;
};
/// A canvas with the strip below the picture. A picture too narrow for any text is centred on a wider canvas.
[[nodiscard]] Canvas with_caption(Size picture, const OverlayCaption& caption, const CaptionScale& scale);

/// Reduces the text to the characters of the built-in font: Latin letters lose their accents, quotes and dashes become
/// ASCII, and everything else becomes '?'.
[[nodiscard]] std::string to_drawable(std::string_view utf8);

}  // namespace fovea
