// HEIC and AVIF through libheif: the primary picture, with the container's rotation, mirroring and cropping applied, at
// 8 bits. EXIF orientation counts for nothing here (ISO 23008-12, A.2.1): the container itself says it.
#include <libheif/heif.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "image/module/module_side.hpp"

namespace {

using fovea::module::Damaged;
using fovea::module::Unsupported;

void check(const heif_error& error) {
  if (error.code == heif_error_Ok) return;
  if (error.code == heif_error_Unsupported_filetype || error.code == heif_error_Unsupported_feature) {
    throw Unsupported(error.message);
  }
  throw Damaged(error.message);
}

void decode(const FoveaDecodeRequest& request) {
  const std::unique_ptr<heif_context, decltype(&heif_context_free)> context(heif_context_alloc(), heif_context_free);
  check(heif_context_read_from_memory_without_copy(context.get(), request.file, request.size, nullptr));
  heif_image_handle* primary = nullptr;
  check(heif_context_get_primary_image_handle(context.get(), &primary));
  const std::unique_ptr<heif_image_handle, decltype(&heif_image_handle_release)> handle(primary,
                                                                                        heif_image_handle_release);
  const int width = heif_image_handle_get_width(primary);
  const int height = heif_image_handle_get_height(primary);
  if (width <= 0 || height <= 0) throw Damaged("its header says no size");
  std::uint8_t* rgb =
      fovea::module::allocate(request, static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height));

  const std::unique_ptr<heif_decoding_options, decltype(&heif_decoding_options_free)> options(
      heif_decoding_options_alloc(), heif_decoding_options_free);
  options->convert_hdr_to_8bit = 1;
  heif_image* decoded = nullptr;
  check(heif_decode_image(primary, &decoded, heif_colorspace_RGB, heif_chroma_interleaved_RGB, options.get()));
  const std::unique_ptr<heif_image, decltype(&heif_image_release)> image(decoded, heif_image_release);
  int stride = 0;
  const std::uint8_t* pixels = heif_image_get_plane_readonly(decoded, heif_channel_interleaved, &stride);
  if (pixels == nullptr || heif_image_get_width(decoded, heif_channel_interleaved) != width ||
      heif_image_get_height(decoded, heif_channel_interleaved) != height) {
    throw Damaged("it holds a picture of another size than its header says");
  }
  const std::size_t row_bytes = static_cast<std::size_t>(width) * 3;
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    std::memcpy(rgb + y * row_bytes, pixels + y * static_cast<std::size_t>(stride), row_bytes);
  }
}

}  // namespace

FOVEA_EXPORT_DECODER(decode)
