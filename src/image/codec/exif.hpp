// Which way up a picture is.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/image.hpp"

namespace fovea {

/// The orientation that a file's EXIF block and XMP packet give, by the rule of PIL.ImageOps.exif_transpose: 1..8 as
/// EXIF numbers them; 1, upright, where neither says anything sensible.
/// XMP counts only where EXIF holds no orientation at all: beside EXIF's 1 a stale tiff:Orientation turns nothing.
/// @param exif  with or without its leading "Exif\0\0"; several segments joined
[[nodiscard]] int orientation_of(std::span<const std::byte> exif, std::span<const std::byte> xmp = {});

/// The size of such a picture when it is upright.
[[nodiscard]] Size upright(Size stored, int orientation) noexcept;
/// Turned and mirrored as PIL.ImageOps.exif_transpose does; 1 returns the picture itself.
[[nodiscard]] Image upright(Image image, int orientation);

}  // namespace fovea
