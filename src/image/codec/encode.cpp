#include "image/codec/encode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr int kQuality = 90;

constexpr std::array<std::string_view, 3> kNames{"png", "webp", "jpeg"};

struct Format {
  std::string_view extension;
  int longest_side = 0;  // px
};
/// In the order of kNames and of PictureFormat.
constexpr std::array kFormats{Format{".png", std::numeric_limits<int>::max()}, Format{".webp", 16'383},
                              Format{".jpg", 65'500}};
static_assert(kNames.size() == kFormats.size());

}  // namespace

std::span<const std::string_view> picture_format_names() {
  return kNames;
}

PictureFormat picture_format(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return static_cast<PictureFormat>(found - kNames.begin());
  throw Error(ErrorCode::kUsage,
              fmt::format("picture format is '{}', expected one of {}", name, fmt::join(kNames, ", ")));
}

std::string_view extension(PictureFormat format) {
  return kFormats[static_cast<std::size_t>(format)].extension;
}

std::vector<std::byte> encode_picture(const Image& image, PictureFormat format, std::span<const PictureText> texts) {
  const int longest = kFormats[static_cast<std::size_t>(format)].longest_side;
  const Size size = image.size();
  if (std::max(size.height, size.width) > longest) {
    throw RefusedFile(ErrorCode::kOutput,
                      fmt::format("overlay is {}x{} px, expected at most {} px a side in {}", size.width, size.height,
                                  longest, kNames[static_cast<std::size_t>(format)]),
                      "--overlay-size makes it smaller; --overlay-format png has no such limit");
  }
  switch (format) {
    case PictureFormat::kWebp: return encode_webp(image, kQuality);
    case PictureFormat::kJpeg: return encode_jpeg(image, kQuality, texts);
    case PictureFormat::kPng: break;
  }
  return encode_png(image, texts);
}

}  // namespace fovea
