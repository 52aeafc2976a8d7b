// Files' bytes to pixels.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "fovea/image.hpp"

namespace fovea {

/// Decodes the first frame of any format of formats.hpp; most but JPEG, PNG and WebP through a module that is loaded at
/// first use. Grey, palette, alpha, 16-bit and CMYK become RGB as Pillow's convert('RGB') does (alpha is dropped). A
/// file that lacks pixels is an error, never a picture with a part made up. Every pixel is decoded, whatever
/// options.mode. A TIFF's orientation is applied in every mode, because Pillow, and so timm, applies it on loading.
/// @param name     for messages only.
/// @throws Error   kDecode (not an image, truncated, damaged), kTooLarge (before any pixel is decoded).
[[nodiscard]] Image decode_image(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options);

/// A picture as it is decoded for a recipe.
struct DecodedPicture {
  Image image;
  Size whole;       // px, upright
  int eighths = 8;  // of each side that were decoded
};
/// The same as far as options.mode wants; of other formats than JPEG always everything.
/// @throws Error  as above, and what resized_size() throws.
[[nodiscard]] DecodedPicture decode_image(std::span<const std::byte> file, std::string_view name,
                                          const DecodeOptions& options, const PreprocessRecipe& recipe);
/// The smallest of 1, 2, 4 and 8 eighths that leave both sides at least twice as long as `resized`, so that what the
/// resampler leaves out it still low-passes.
[[nodiscard]] int sufficient_eighths(Size whole, Size resized);

/// Lower-case extensions, with the dot, that count as images when a folder is read.
[[nodiscard]] std::span<const std::string_view> image_extensions();

}  // namespace fovea
