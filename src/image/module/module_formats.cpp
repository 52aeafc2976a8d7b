// The formats that are read by modules: how each is recognised, and which module and library read it.
#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <utility>

#include "base/process/module_libraries.hpp"
#include "image/codec/byte_reader.hpp"
#include "image/codec/exif.hpp"
#include "image/codec/formats.hpp"
#include "image/codec/tiff_directory.hpp"
#include "image/module/module.hpp"

namespace fovea {
namespace {

constexpr ModuleFormat kTiff{"TIFF", "fovea_tiff.so", kTiffLibrary};
constexpr ModuleFormat kJpeg2000{"JPEG 2000", "fovea_jpeg2000.so", kJpeg2000Library};
constexpr ModuleFormat kHeif{"HEIC", "fovea_heif.so", kHeifLibrary};
constexpr ModuleFormat kAvif{"AVIF", "fovea_heif.so", kHeifLibrary};
constexpr ModuleFormat kJxl{"JPEG XL", "fovea_jxl.so", kJxlLibrary};
constexpr ModuleFormat kRadiance{"Radiance HDR", "fovea_imgcodecs.so", kImgCodecsLibrary};

constexpr std::string_view kCodestream("\xFF\x4F\xFF\x51", 4);  // of JPEG 2000; JP2 files wrap it into boxes

bool has_any(std::span<const std::byte> file, std::span<const std::string_view> magics, std::size_t offset = 0) {
  return std::any_of(magics.begin(), magics.end(),
                     [&](std::string_view magic) { return has_bytes(file, magic, offset); });
}

bool is_avif(std::span<const std::byte> file) {
  constexpr std::array<std::string_view, 2> kBrands{"ftypavif", "ftypavis"};
  return has_any(file, kBrands, 4);
}

/// The width and height of a JPEG 2000 codestream, which starts with SOC and SIZ; 0 where it says none.
std::pair<std::uint64_t, std::uint64_t> jpeg2000_size(std::span<const std::byte> file) {
  const std::size_t at = as_text(file).find(kCodestream);
  if (at == std::string_view::npos) return {0, 0};
  const auto side = [&](std::size_t axis) {  // from the offset on the reference grid to its end
    const auto end = read_uint(file, at + 8 + 4 * axis, 4, Endian::kBig);
    const auto begin = read_uint(file, at + 16 + 4 * axis, 4, Endian::kBig);
    return end && begin && *end > *begin ? *end - *begin : 0;
  };
  return {side(0), side(1)};
}

/// Width and height stand in a line "-Y 480 +X 640" after the header's empty line.
std::pair<std::uint64_t, std::uint64_t> radiance_size(std::string_view text) {
  const auto number_after = [&](std::string_view key, std::size_t& at) {
    at = text.find(key, at);
    std::uint64_t number = 0;
    if (at == std::string_view::npos) return number;
    at += key.size();
    constexpr std::uint64_t kEnough = 1'000'000'000;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0 && number < kEnough) {
      number = number * 10 + static_cast<std::uint64_t>(text[at++] - '0');
    }
    return number;
  };
  std::size_t at = 0;
  const std::uint64_t height = number_after("\n-Y ", at);
  const std::uint64_t width = number_after(" +X ", at);
  return {width, height};
}

}  // namespace

bool is_tiff(std::span<const std::byte> file) {
  constexpr std::array<std::string_view, 4> kMagics{std::string_view("II\x2A\0", 4), std::string_view("MM\0\x2A", 4),
                                                    std::string_view("II\x2B\0", 4), std::string_view("MM\0\x2B", 4)};
  return has_any(file, kMagics);
}

DecodedFile decode_tiff(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  const auto directory = read_tiff_directory(file);
  if (!directory || !directory->complete) {
    throw damaged(name, kTiff.name, "its directory points beyond the end of the file");
  }
  // Before libtiff reads more than this.
  const auto side = [&](TiffTag tag) {
    const TiffEntry* entry = directory->find(tag);
    const double number = entry == nullptr ? 0 : number_of(file, *entry, directory->endian).value_or(0);
    if (!(number >= 1)) throw damaged(name, kTiff.name, "its header is cut short or says no size");
    return static_cast<std::uint64_t>(std::min<double>(number, std::numeric_limits<std::uint32_t>::max()));
  };
  const std::uint64_t width = side(TiffTag::kWidth);
  static_cast<void>(checked_size(width, side(TiffTag::kHeight), name, options));
  // Pillow turns TIFF files upright as it loads them, whether or not it is asked for the EXIF orientation.
  const int orientation = orientation_of(file, directory->bytes_of(file, TiffTag::kXmp));
  return {upright(decode_with_module(kTiff, file, name, options), orientation), 1};
}

bool is_jpeg2000(std::span<const std::byte> file) {
  constexpr std::array<std::string_view, 2> kMagics{kCodestream, std::string_view("\0\0\0\x0CjP  \r\n\x87\n", 12)};
  return has_any(file, kMagics);
}
DecodedFile decode_jpeg2000(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  const auto [width, height] = jpeg2000_size(file);
  if (width == 0 || height == 0) throw damaged(name, kJpeg2000.name, "its header is cut short or says no size");
  static_cast<void>(checked_size(width, height, name, options));
  return {decode_with_module(kJpeg2000, file, name, options), 1};
}

bool is_heif(std::span<const std::byte> file) {
  constexpr std::array<std::string_view, 3> kBrands{"ftyphe", "ftypmif1", "ftypmsf1"};
  return is_avif(file) || has_any(file, kBrands, 4);
}
DecodedFile decode_heif(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  return {decode_with_module(is_avif(file) ? kAvif : kHeif, file, name, options), 1};
}

bool is_jxl(std::span<const std::byte> file) {
  constexpr std::array<std::string_view, 2> kMagics{"\xFF\x0A", std::string_view("\0\0\0\x0CJXL \r\n\x87\n", 12)};
  return has_any(file, kMagics);
}
DecodedFile decode_jxl(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  return {decode_with_module(kJxl, file, name, options), 1};
}

bool is_radiance(std::span<const std::byte> file) {
  constexpr std::array<std::string_view, 2> kMagics{"#?RADIANCE", "#?RGBE"};
  return has_any(file, kMagics);
}
DecodedFile decode_radiance(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  const auto [width, height] = radiance_size(as_text(file));
  if (width == 0 || height == 0) throw damaged(name, kRadiance.name, "its header is cut short or says no size");
  const Size size = checked_size(width, height, name, options);
  Image image = decode_with_module(kRadiance, file, name, options);
  if (image.size() != size) throw damaged(name, kRadiance.name, "it holds another size than its header says");
  return {std::move(image), 1};
}

}  // namespace fovea
