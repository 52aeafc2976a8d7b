// JPEG 2000 through OpenJPEG, as Pillow's Jpeg2KDecode.c makes bytes of it.
#include <openjpeg.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "image/codec/byte_reader.hpp"
#include "image/codec/formats.hpp"
#include "image/module/module_side.hpp"

namespace {

using fovea::Endian;
using fovea::module::Damaged;
using fovea::module::Unsupported;

using Bytes = std::span<const std::byte>;

struct Source {
  Bytes file;
  std::size_t at = 0;
};

OPJ_SIZE_T read_bytes(void* out, OPJ_SIZE_T count, void* user) {
  Source& source = *static_cast<Source*>(user);
  const std::size_t now = std::min<std::size_t>(count, source.file.size() - source.at);
  if (now == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(out, source.file.data() + source.at, now);
  source.at += now;
  return now;
}
OPJ_OFF_T skip_bytes(OPJ_OFF_T count, void* user) {
  Source& source = *static_cast<Source*>(user);
  const auto left = static_cast<OPJ_OFF_T>(source.file.size() - source.at);
  if (count < 0 || left == 0) return -1;
  const OPJ_OFF_T now = std::min(count, left);
  source.at += static_cast<std::size_t>(now);
  return now;
}
OPJ_BOOL seek(OPJ_OFF_T offset, void* user) {
  Source& source = *static_cast<Source*>(user);
  if (offset < 0 || static_cast<std::uint64_t>(offset) > source.file.size()) return OPJ_FALSE;
  source.at = static_cast<std::size_t>(offset);
  return OPJ_TRUE;
}

void note_error(const char* text, void* user) {
  std::string& complaint = *static_cast<std::string*>(user);
  if (complaint.empty()) complaint = text;
}

struct Boxes {
  bool palette = false;
  std::uint64_t depth = 0;  // of all components, minus 1; 255: they differ
  OPJ_COLOR_SPACE color_space = OPJ_CLRSPC_UNSPECIFIED;
};

OPJ_COLOR_SPACE color_space_of(std::uint64_t number) {
  switch (number) {  // ISO 15444-1, table I.10, and -2
    case 12: return OPJ_CLRSPC_CMYK;
    case 16: return OPJ_CLRSPC_SRGB;
    case 17: return OPJ_CLRSPC_GRAY;
    case 18: return OPJ_CLRSPC_SYCC;
    case 24: return OPJ_CLRSPC_EYCC;
    default: return OPJ_CLRSPC_UNSPECIFIED;
  }
}

/// The boxes of a JP2 file up to its codestream, as far as they decide what Pillow makes of it; none for a codestream
/// alone.
std::optional<Boxes> read_boxes(Bytes file) {
  constexpr std::string_view kCodestream("\xFF\x4F\xFF\x51", 4);
  if (fovea::has_bytes(file, kCodestream)) return std::nullopt;
  Boxes boxes;
  for (std::uint64_t at = 0; at < file.size();) {
    const auto length = fovea::read_uint(file, at, 4, Endian::kBig);
    if (!length) break;
    const auto is = [&](std::string_view kind) {
      return fovea::has_bytes(file, kind, static_cast<std::size_t>(at + 4));
    };
    if (is("jp2c")) break;
    if (is("pclr")) boxes.palette = true;
    if (is("colr") && boxes.color_space == OPJ_CLRSPC_UNSPECIFIED &&
        fovea::read_uint(file, at + 8, 1, Endian::kBig) == 1U) {  // by number, not by profile
      boxes.color_space = color_space_of(fovea::read_uint(file, at + 8 + 3, 4, Endian::kBig).value_or(0));
    }
    if (is("ihdr")) boxes.depth = fovea::read_uint(file, at + 8 + 10, 1, Endian::kBig).value_or(0);
    std::uint64_t size = is("jp2h") ? 8 : *length;  // what it holds are boxes, too
    if (*length == 1) size = fovea::read_uint(file, at + 8, 8, Endian::kBig).value_or(0);
    if (size < 8 || size > file.size() - at) break;
    at += size;
  }
  return boxes;
}

struct Jpeg2000 {
  std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)> stream{nullptr, opj_stream_destroy};
  std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)> codec{nullptr, opj_destroy_codec};
  std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)> image{nullptr, opj_image_destroy};
};

void read_header(Source& source, std::string& complaint, bool boxed, Jpeg2000& file) {
  file.stream.reset(opj_stream_default_create(OPJ_TRUE));
  opj_stream_set_read_function(file.stream.get(), read_bytes);
  opj_stream_set_skip_function(file.stream.get(), skip_bytes);
  opj_stream_set_seek_function(file.stream.get(), seek);
  opj_stream_set_user_data(file.stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(file.stream.get(), source.file.size());
  file.codec.reset(opj_create_decompress(boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K));
  opj_set_error_handler(file.codec.get(), note_error, &complaint);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  parameters.flags |= OPJ_DPARAMETERS_IGNORE_PCLR_CMAP_CDEF_FLAG;  // as Pillow
  opj_image_t* image = nullptr;
  if (opj_setup_decoder(file.codec.get(), &parameters) == OPJ_FALSE ||
      opj_read_header(file.stream.get(), file.codec.get(), &image) == OPJ_FALSE) {
    throw Damaged(complaint.empty() ? "its header makes no sense" : complaint);
  }
  file.image.reset(image);
}

std::span<const opj_image_comp_t> components_of(const opj_image_t& image) {
  return {image.comps, image.numcomps};
}

bool is_subsampled(const opj_image_comp_t& component) {
  return component.dx != 1 || component.dy != 1;
}

/// Where the file names no colour space, Pillow guesses by the first component that is subsampled.
OPJ_COLOR_SPACE guessed_color_space(const opj_image_t& image) {
  if (image.numcomps < 3) return OPJ_CLRSPC_GRAY;
  const auto components = components_of(image);
  const auto found = std::find_if(components.begin(), components.end(), is_subsampled);
  const auto first = found - components.begin();
  return first == 1 || first == 2 ? OPJ_CLRSPC_SYCC : OPJ_CLRSPC_SRGB;
}

/// @throws Unsupported  for what Pillow refuses or reads askew.
void check(const opj_image_t& image, OPJ_COLOR_SPACE space, opj_codec_t* codec) {
  const auto count = image.numcomps;
  const bool known = (space == OPJ_CLRSPC_GRAY && (count == 1 || count == 2 || count == 4)) ||
                     ((space == OPJ_CLRSPC_SRGB || space == OPJ_CLRSPC_SYCC) && (count == 3 || count == 4)) ||
                     (space == OPJ_CLRSPC_CMYK && count == 4);
  if (!known) {
    throw Unsupported(std::to_string(count) + " components in colour space " + std::to_string(space));
  }
  const auto components = components_of(image);
  for (const opj_image_comp_t& component : components) {
    if (component.prec > 32 || component.prec == 0) throw Unsupported("components of more than 32 bits");
  }
  if (std::none_of(components.begin(), components.end(), is_subsampled)) return;
  opj_codestream_info_v2_t* info = opj_get_cstr_info(codec);
  const bool one_tile = info != nullptr && info->tw == 1 && info->th == 1;
  opj_destroy_cstr_info(&info);
  const bool even = std::all_of(components.begin(), components.end(), [&](const opj_image_comp_t& component) {
    return component.dx != 0 && component.dy != 0 && (image.x1 - image.x0) % component.dx == 0 &&
           (image.y1 - image.y0) % component.dy == 0;
  });
  if (count < 3 || !one_tile || !even || image.x0 != 0 || image.y0 != 0) {
    throw Unsupported("subsampled components that do not divide the picture evenly, or several tiles of them");
  }
}

/// A sample moved to so many bits, rounded up from half; what runs over begins again at 0, as in Pillow.
std::uint32_t moved(const opj_image_comp_t& component, std::size_t at, int bits) {
  const int shift = bits - static_cast<int>(component.prec);
  auto value = static_cast<std::uint32_t>(component.data[at]);
  if (component.sgnd != 0) value += std::uint32_t{1} << (component.prec - 1);
  return shift >= 0 ? value << shift : (value + (std::uint32_t{1} << (-shift - 1))) >> -shift;
}

class Converter {
 public:
  Converter(const opj_image_t& image, OPJ_COLOR_SPACE space, bool wide_gray, bool high_byte)
      : components_(components_of(image)),
        width_(image.x1 - image.x0),
        space_(space),
        wide_gray_(wide_gray),
        gray16_(high_byte ? fovea::Gray16::kScale : fovea::Gray16::kClip) {}

  void convert(std::size_t y, std::uint8_t* rgb) const {
    for (std::size_t x = 0; x < width_; ++x, rgb += 3) {
      if (components_.size() < 3) {
        std::memset(rgb, gray(y, x), 3);
        continue;
      }
      std::array<std::uint8_t, 4> pixel{};
      for (std::size_t c = 0; c < components_.size(); ++c) {
        pixel[c] = static_cast<std::uint8_t>(moved(components_[c], place(components_[c], y, x), 8));
      }
      if (space_ == OPJ_CLRSPC_SYCC) {
        fovea::from_ycbcr(pixel.data(), rgb);
      } else if (space_ == OPJ_CLRSPC_CMYK) {
        for (std::size_t c = 0; c < 3; ++c) rgb[c] = fovea::from_cmyk(pixel[c], pixel[3]);
      } else {
        std::memcpy(rgb, pixel.data(), 3);
      }
    }
  }

 private:
  static std::size_t place(const opj_image_comp_t& component, std::size_t y, std::size_t x) {
    return y / component.dy * component.w + x / component.dx;
  }
  [[nodiscard]] std::uint8_t gray(std::size_t y, std::size_t x) const {
    const std::size_t at = place(components_[0], y, x);
    if (!wide_gray_) return static_cast<std::uint8_t>(moved(components_[0], at, 8));
    return fovea::gray_byte(static_cast<std::uint16_t>(moved(components_[0], at, 16)), gray16_);
  }

  std::span<const opj_image_comp_t> components_;
  std::size_t width_;
  OPJ_COLOR_SPACE space_;
  bool wide_gray_;
  fovea::Gray16 gray16_;
};

void decode(const FoveaDecodeRequest& request) {
  Source source{{reinterpret_cast<const std::byte*>(request.file), request.size}};
  std::string complaint;
  const auto boxes = read_boxes(source.file);
  if (boxes && boxes->palette) throw Unsupported("a palette");
  Jpeg2000 file;
  read_header(source, complaint, boxes.has_value(), file);
  const opj_image_t& image = *file.image;
  const bool named = boxes && boxes->color_space != OPJ_CLRSPC_UNSPECIFIED;
  const OPJ_COLOR_SPACE space = named ? boxes->color_space : guessed_color_space(image);
  check(image, space, file.codec.get());
  if (image.x1 <= image.x0 || image.y1 <= image.y0) throw Damaged("its header says no size");
  const std::size_t width = image.x1 - image.x0;
  const std::size_t height = image.y1 - image.y0;
  std::uint8_t* rgb = fovea::module::allocate(request, width, height);
  if (opj_decode(file.codec.get(), file.stream.get(), file.image.get()) == OPJ_FALSE ||
      opj_end_decompress(file.codec.get(), file.stream.get()) == OPJ_FALSE || !complaint.empty()) {
    throw Damaged(complaint.empty() ? "its codestream makes no sense" : complaint);
  }
  for (const opj_image_comp_t& component : components_of(image)) {
    if (component.data == nullptr || component.w < width / component.dx || component.h < height / component.dy) {
      throw Damaged("a component is smaller than the picture");
    }
  }
  // Pillow takes the depth in a JP2 header, which counts from 0, as if it counted from 1.
  const bool wide_gray = image.numcomps == 1 && (boxes ? (boxes->depth & 0x7F) > 8 : image.comps[0].prec > 8);
  const Converter converter(image, space, wide_gray, request.high_byte_of_gray16 != 0);
  for (std::size_t y = 0; y < height; ++y) converter.convert(y, rgb + y * width * 3);
}

}  // namespace

FOVEA_EXPORT_DECODER(decode)
