#include "image/codec/other_headers.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "image/codec/byte_reader.hpp"
#include "image/codec/tiff_directory.hpp"

namespace fovea {
namespace {

using Bytes = std::span<const std::byte>;

std::optional<ClaimedSize> size_of(std::optional<std::uint64_t> width, std::optional<std::uint64_t> height) {
  if (!width || !height) return std::nullopt;
  return ClaimedSize{*width, *height};
}

bool is_tiff(Bytes file) {
  constexpr std::array<std::string_view, 4> kMagic{std::string_view("II\x2A\0", 4), std::string_view("MM\0\x2A", 4),
                                                   std::string_view("II\x2B\0", 4), std::string_view("MM\0\x2B", 4)};
  return std::any_of(kMagic.begin(), kMagic.end(), [file](std::string_view magic) { return has_bytes(file, magic); });
}
std::optional<ClaimedSize> tiff_size(Bytes file) {
  const auto directory = read_tiff_directory(file);
  if (!directory) return std::nullopt;
  return size_of(directory->value(TiffTag::kWidth), directory->value(TiffTag::kHeight));
}

bool is_bmp(Bytes file) {
  return has_bytes(file, "BM");
}
std::optional<ClaimedSize> bmp_size(Bytes file) {
  constexpr std::uint64_t kOldHeader = 12;  // bytes; 16-bit sides
  const auto header = read_uint(file, 14, 4, Endian::kLittle);
  if (header == kOldHeader)
    return size_of(read_uint(file, 18, 2, Endian::kLittle), read_uint(file, 20, 2, Endian::kLittle));
  auto size = size_of(read_uint(file, 18, 4, Endian::kLittle), read_uint(file, 22, 4, Endian::kLittle));
  constexpr std::uint64_t kTwoTo31 = 1ULL << 31;
  if (size && size->height > kTwoTo31) size->height = 2 * kTwoTo31 - size->height;  // negative: stored top row first
  return size;
}

bool is_gif(Bytes file) {
  return has_bytes(file, "GIF87a") || has_bytes(file, "GIF89a");
}
std::optional<ClaimedSize> gif_size(Bytes file) {
  return size_of(read_uint(file, 6, 2, Endian::kLittle), read_uint(file, 8, 2, Endian::kLittle));
}

/// Decimal numbers of a text header, one after the other.
class TextHeader {
 public:
  explicit TextHeader(std::string_view text) : text_(text) {}
  /// Skips white space and comments from '#' to the end of the line; at most nine digits.
  std::optional<std::uint64_t> next_number() {
    while (at_ < text_.size() && (is_space(text_[at_]) || text_[at_] == '#')) {
      if (text_[at_] == '#') at_ = std::min(text_.find('\n', at_), text_.size() - 1);
      ++at_;
    }
    std::uint64_t number = 0;
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - begin < 10) {
      number = number * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
    }
    return at_ == begin ? std::nullopt : std::optional(number);
  }

 private:
  static bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_pnm(Bytes file) {
  const std::string_view text = as_text(file);
  return text.size() > 2 && text[0] == 'P' && text[1] >= '1' && text[1] <= '6' &&
         (std::isspace(static_cast<unsigned char>(text[2])) != 0 || text[2] == '#');
}
std::optional<ClaimedSize> pnm_size(Bytes file) {
  TextHeader header(as_text(file.subspan(2)));
  const auto width = header.next_number();
  return size_of(width, header.next_number());
}

// A JPEG 2000 codestream starts with SOC and SIZ; JP2 files wrap one into boxes.
constexpr std::string_view kCodestream("\xFF\x4F\xFF\x51", 4);
bool is_jpeg2000(Bytes file) {
  return has_bytes(file, kCodestream) || has_bytes(file, std::string_view("\0\0\0\x0CjP  \r\n\x87\n", 12));
}
std::optional<ClaimedSize> jpeg2000_size(Bytes file) {
  const std::size_t at = as_text(file).find(kCodestream);
  if (at == std::string_view::npos) return std::nullopt;
  std::array<std::uint64_t, 4> sides{};  // right, bottom, left, top of the picture on the reference grid
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const auto side = read_uint(file, at + 8 + 4 * i, 4, Endian::kBig);
    if (!side) return std::nullopt;
    sides[i] = *side;
  }
  if (sides[2] > sides[0] || sides[3] > sides[1]) return std::nullopt;
  return ClaimedSize{sides[0] - sides[2], sides[1] - sides[3]};
}

bool is_sun_raster(Bytes file) {
  return has_bytes(file, "\x59\xA6\x6A\x95");
}
std::optional<ClaimedSize> sun_raster_size(Bytes file) {
  return size_of(read_uint(file, 4, 4, Endian::kBig), read_uint(file, 8, 4, Endian::kBig));
}

bool is_radiance(Bytes file) {
  return has_bytes(file, "#?RADIANCE") || has_bytes(file, "#?RGBE");
}
std::optional<ClaimedSize> radiance_size(Bytes file) {
  const std::string_view text = as_text(file);
  const std::size_t at = text.find("\n-Y ");
  const std::size_t across = at == std::string_view::npos ? at : text.find("+X ", at);
  if (across == std::string_view::npos) return std::nullopt;
  return size_of(TextHeader(text.substr(across + 3)).next_number(), TextHeader(text.substr(at + 4)).next_number());
}

constexpr std::array kFormats{
    OtherFormat{"TIFF", is_tiff, tiff_size},
    OtherFormat{"BMP", is_bmp, bmp_size},
    OtherFormat{"GIF", is_gif, gif_size},
    OtherFormat{"PNM", is_pnm, pnm_size},
    OtherFormat{"JPEG 2000", is_jpeg2000, jpeg2000_size},
    OtherFormat{"Sun raster", is_sun_raster, sun_raster_size},
    OtherFormat{"Radiance HDR", is_radiance, radiance_size},
};

}  // namespace

const OtherFormat* other_format(std::span<const std::byte> file) {
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                   [file](const OtherFormat& format) { return format.recognises(file); });
  return found == kFormats.end() ? nullptr : found;
}

}  // namespace fovea
