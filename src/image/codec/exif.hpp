// Which way up a picture is.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/image.hpp"

namespace fovea {

/// The orientation in an EXIF block (with or without its leading "Exif\0\0"): 1..8 as EXIF numbers them; 1, upright,
/// where there is none or the block is damaged.
[[nodiscard]] int exif_orientation(std::span<const std::byte> block);

/// The tiff:Orientation of an XMP packet, 1 where there is none. Pillow asks it when there is no EXIF orientation.
[[nodiscard]] int xmp_orientation(std::span<const std::byte> packet);

/// The size of such a picture when it is upright.
[[nodiscard]] Size upright(Size stored, int orientation) noexcept;
/// Turned and mirrored as PIL.ImageOps.exif_transpose does; 1 returns the picture itself.
[[nodiscard]] Image upright(Image image, int orientation);

}  // namespace fovea
