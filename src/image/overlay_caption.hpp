// The strip below an overlay: what was seen, by which method, and what the colours mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "image/overlay.hpp"

namespace fovea {

inline constexpr int kNarrowestCaption = 256;  // px: below this no text is legible

/// A strip of this width; its text grows with the picture.
/// @param width    px, at least kNarrowestCaption.
/// @param picture  the size of the whole picture above it, in px.
/// @param scale    RGB triples from low to high.
[[nodiscard]] Image caption_strip(int width, Size picture, const OverlayCaption& caption,
                                  const std::vector<std::uint8_t>& scale);

/// The text in the characters that the built-in font has: Latin letters lose their accents, quotes and dashes become
/// ASCII, everything else is a '?'.
[[nodiscard]] std::string to_drawable(std::string_view utf8);

}  // namespace fovea
