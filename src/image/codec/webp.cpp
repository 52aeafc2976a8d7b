// WebP through libwebp; an animation's first frame, on its canvas.
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include <memory>
#include <string>
#include <vector>

#include "image/codec/encode.hpp"
#include "image/codec/exif.hpp"
#include "image/codec/formats.hpp"

namespace fovea {
namespace {

std::string_view reason(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return "the file ends too early";
    case VP8_STATUS_OUT_OF_MEMORY: return "it needs more memory than there is";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "it uses a feature that libwebp does not know";
    default: return "its bitstream is invalid";
  }
}

const std::uint8_t* pointer(std::span<const std::byte> bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

/// One frame, its upper left corner at (top, left) of the image, which is large enough for it.
void decode_frame(std::span<const std::byte> frame, std::string_view name, int top, int left, Image& image) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw damaged(name, "WebP", "libwebp is of another version");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = image.row(top) + static_cast<std::size_t>(left) * 3;
  config.output.u.RGBA.stride = static_cast<int>(image.row_bytes());
  config.output.u.RGBA.size =
      image.pixels().size() - static_cast<std::size_t>(config.output.u.RGBA.rgba - image.row(0));
  const VP8StatusCode status = WebPDecode(pointer(frame), frame.size(), &config);
  if (status != VP8_STATUS_OK) throw damaged(name, "WebP", reason(status));
}

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

std::span<const std::byte> chunk(const WebPDemuxer* demuxer, const char* four_letters) {
  WebPChunkIterator found;
  std::span<const std::byte> bytes;
  if (WebPDemuxGetChunk(demuxer, four_letters, 1, &found) != 0) {
    bytes = {reinterpret_cast<const std::byte*>(found.chunk.bytes), found.chunk.size};
    WebPDemuxReleaseChunkIterator(&found);  // frees nothing that `bytes` points to
  }
  return bytes;
}

}  // namespace

DecodedFile decode_webp(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(pointer(file), file.size(), &features);
  if (status != VP8_STATUS_OK) throw damaged(name, "WebP", reason(status));
  DecodedFile decoded;
  decoded.image = Image(checked_size(static_cast<std::uint64_t>(features.width),
                                     static_cast<std::uint64_t>(features.height), name, options));

  const WebPData bytes{pointer(file), file.size()};
  const Demuxer demuxer(WebPDemux(&bytes), WebPDemuxDelete);  // none unless the whole file is there
  if (demuxer == nullptr) throw damaged(name, "WebP", "the file ends too early, or its chunks make no sense");
  decoded.orientation = orientation_of(chunk(demuxer.get(), "EXIF"), chunk(demuxer.get(), "XMP "));
  if (features.has_animation == 0) {
    decode_frame(file, name, 0, 0, decoded.image);
    return decoded;
  }

  WebPIterator frame;
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) throw damaged(name, "WebP", "its first frame is missing");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> release(&frame, WebPDemuxReleaseIterator);
  const Size canvas = decoded.image.size();
  if (frame.complete == 0 || frame.x_offset < 0 || frame.y_offset < 0 || frame.width > canvas.width - frame.x_offset ||
      frame.height > canvas.height - frame.y_offset) {
    throw damaged(name, "WebP", "its first frame is incomplete");
  }
  decode_frame({reinterpret_cast<const std::byte*>(frame.fragment.bytes), frame.fragment.size}, name, frame.y_offset,
               frame.x_offset, decoded.image);
  return decoded;
}

std::vector<std::byte> encode_webp(const Image& image, int quality) {
  const auto fail = [](std::string_view what) { return Error(ErrorCode::kOutput, "WebP: " + std::string(what)); };
  WebPConfig config;
  WebPPicture picture;
  if (WebPConfigPreset(&config, WEBP_PRESET_PHOTO, static_cast<float>(quality)) == 0 ||
      WebPPictureInit(&picture) == 0) {
    throw fail("libwebp is of another version");
  }
  config.method = 0;  // the fastest: the best takes four times as long and saves a seventh
  picture.width = image.size().width;
  picture.height = image.size().height;
  WebPMemoryWriter written;
  WebPMemoryWriterInit(&written);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &written;
  const std::unique_ptr<WebPPicture, decltype(&WebPPictureFree)> free_picture(&picture, WebPPictureFree);
  const std::unique_ptr<WebPMemoryWriter, decltype(&WebPMemoryWriterClear)> clear(&written, WebPMemoryWriterClear);
  if (WebPPictureImportRGB(&picture, image.pixels().data(), static_cast<int>(image.row_bytes())) == 0 ||
      WebPEncode(&config, &picture) == 0) {
    throw fail("the picture could not be encoded (libwebp's error " + std::to_string(picture.error_code) + ")");
  }
  const auto* begin = reinterpret_cast<const std::byte*>(written.mem);
  return {begin, begin + written.size};
}

}  // namespace fovea
