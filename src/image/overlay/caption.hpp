// The strip below an overlay: what was seen, by which method, and what the colours mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "image/overlay/overlay.hpp"

namespace fovea {

inline constexpr int kNarrowestCaption = 256;  // px: below this no text is legible

/// What the colours mean.
struct CaptionScale {
  std::vector<std::uint8_t> colors;  // RGB triples from low to high; none: no scale
  std::string low = "low";
  std::string high = "high";
};

/// A strip of this width; its text grows with the picture, and the strip with its text: the method and its variant are
/// on one line where they fit, else on as many as they need, up to four.
/// @param width    px, at least kNarrowestCaption.
/// @param picture  the size of the whole picture above it, in px.
[[nodiscard]] Image caption_strip(int width, Size picture, const OverlayCaption& caption, const CaptionScale& scale);

/// The picture above its strip; one too narrow for any text stands in the middle of a wider canvas.
[[nodiscard]] Image with_caption(const Image& picture, const OverlayCaption& caption, const CaptionScale& scale);

/// The text in the characters that the built-in font has: Latin letters lose their accents, quotes and dashes become
/// ASCII, everything else is a '?'.
[[nodiscard]] std::string to_drawable(std::string_view utf8);

}  // namespace fovea
