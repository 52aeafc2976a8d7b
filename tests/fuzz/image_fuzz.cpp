// An image file of any format.
#include "fovea/error.hpp"
#include "fuzz/fuzz.hpp"
#include "image/codec/codec.hpp"

namespace fovea::fuzz {

bool accepts(std::span<const std::byte> input) {
  DecodeOptions options;
  options.max_pixels = 1U << 20U;  // so that no input takes long
  try {
    const Image image = decode_image(input, "input", options);
    const auto [height, width] = image.size();
    require(height > 0 && width > 0, "a decoded picture has a size");
    require(static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(width) <= options.max_pixels,
            "a decoded picture has no more than max_pixels");
    return true;
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kDecode || error.code() == ErrorCode::kTooLarge,
            "a damaged picture is a decode or a size error");
    return false;
  }
}

}  // namespace fovea::fuzz
