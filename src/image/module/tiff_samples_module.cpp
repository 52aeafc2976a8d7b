#include <algorithm>
#include <cstring>
#include <string>

#include "image/codec/formats.hpp"
#include "image/module/module_side.hpp"
#include "image/module/tiff_samples.hpp"

namespace fovea::module {

std::uint16_t TiffKind::colors() const {
  switch (photometric) {
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_YCBCR: return samples < 3 ? 1 : 3;
    case PHOTOMETRIC_SEPARATED: return 4;
    default: return 1;
  }
}

TiffKind read_kind(TIFF* tiff) {
  TiffKind kind;
  if (TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &kind.width) == 0 ||
      TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &kind.height) == 0) {
    throw Damaged("its header is cut short or says no size");
  }
  std::uint16_t planes = PLANARCONFIG_CONTIG;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &kind.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &kind.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &kind.format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &kind.compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planes);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &kind.photometric);
  kind.planar = planes == PLANARCONFIG_SEPARATE && kind.samples > 1;
  std::uint16_t* extras = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &kind.extras, &extras) != 0 && kind.extras > 0) {
    kind.first_extra = extras[0];
  }
  return kind;
}

void check(const TiffKind& kind, bool big_endian) {
  const auto refuse = [](const std::string& what) { throw Unsupported(what); };
  const bool gray = kind.photometric == PHOTOMETRIC_MINISBLACK || kind.photometric == PHOTOMETRIC_MINISWHITE;
  const bool one = kind.samples == 1;
  switch (kind.photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_PALETTE:
    case PHOTOMETRIC_SEPARATED:
    case PHOTOMETRIC_YCBCR: break;
    case PHOTOMETRIC_CIELAB: refuse("L*a*b* colours, which Pillow converts by a colour profile"); break;
    default: refuse("photometric interpretation " + std::to_string(kind.photometric));
  }
  if (kind.samples < kind.colors() || kind.samples > 6 ||
      kind.samples - kind.colors() > std::max<int>(kind.extras, 1)) {
    refuse(std::to_string(kind.samples) + " samples a pixel");
  }
  const std::string depth = std::to_string(kind.bits) + "-bit samples";
  switch (kind.bits) {
    case 1:
    case 2:
    case 4:
      if (!one || (!gray && kind.photometric != PHOTOMETRIC_PALETTE)) refuse(depth + " in colour");
      break;
    case 8: break;
    case 12:
      if (!one || kind.photometric != PHOTOMETRIC_MINISBLACK || big_endian) refuse(depth + " of this kind");
      break;
    case 16:
      if (kind.photometric == PHOTOMETRIC_PALETTE || kind.photometric == PHOTOMETRIC_YCBCR || (gray && !one)) {
        refuse(depth + " of this kind");
      }
      if (kind.photometric == PHOTOMETRIC_MINISWHITE && big_endian) refuse(depth + " where 0 is white");
      break;
    case 32:
      if (!gray || !one) refuse(depth + " in colour");
      break;
    default: refuse(depth);
  }
  const bool float_gray = kind.format == SAMPLEFORMAT_IEEEFP && kind.bits == 32;
  const bool signed_gray = kind.format == SAMPLEFORMAT_INT && one && kind.bits >= 8;
  if (kind.format != SAMPLEFORMAT_UINT && !float_gray && !(signed_gray && gray)) {
    refuse("samples of format " + std::to_string(kind.format) + " in " + std::to_string(kind.bits) + " bits");
  }
  const bool compressed = kind.compression != COMPRESSION_NONE;
  if (kind.planar && kind.bits == 16 && !compressed)
    refuse("planes of 16 bits that are not compressed, which Pillow misreads");
  if (kind.planar && kind.photometric == PHOTOMETRIC_RGB && kind.samples == 4 &&
      kind.first_extra == EXTRASAMPLE_UNSPECIFIED) {
    refuse("a fourth plane of unknown meaning");
  }
  if (big_endian && compressed && gray && kind.bits > 8 && kind.format != SAMPLEFORMAT_UINT) {
    refuse("signed or floating-point samples that are big-endian and compressed, which Pillow misreads");
  }
  if (gray && kind.premultiplied()) refuse("grey with associated alpha");
}

TiffConverter::TiffConverter(TIFF* tiff, const TiffKind& kind, Gray16 gray16) : kind_(kind), gray16_(gray16) {
  if (kind.photometric != PHOTOMETRIC_PALETTE) return;
  std::array<std::uint16_t*, 3> channels{};
  if (TIFFGetField(tiff, TIFFTAG_COLORMAP, &channels[0], &channels[1], &channels[2]) == 0) {
    throw Damaged("its palette is missing");
  }
  palette_.resize(std::size_t{3} << kind.bits);
  for (std::size_t i = 0; i < palette_.size(); ++i) {
    palette_[i] = static_cast<std::uint8_t>(channels[i % 3][i / 3] >> 8);
  }
}

void TiffConverter::convert(std::span<const unsigned char* const> planes, std::size_t count, std::uint8_t* rgb) const {
  const bool planar = planes.size() > 1;
  const std::size_t step = planar ? 1 : kind_.samples;
  for (std::size_t x = 0; x < count; ++x, rgb += 3) {
    std::array<std::uint8_t, 4> pixel{};
    const std::size_t needed = std::min<std::size_t>(kind_.samples, 4);
    for (std::size_t c = 0; c < needed; ++c) {
      pixel[c] = planar ? byte_at(planes[c], x) : byte_at(planes[0], x * step + c);
    }
    convert(pixel, rgb);
  }
}

/// A sample as Pillow makes a byte of it; an index of a palette as it is.
std::uint8_t TiffConverter::byte_at(const unsigned char* row, std::size_t i) const {
  const auto number = [row, i](auto value) {
    std::memcpy(&value, row + i * sizeof value, sizeof value);
    return value;
  };
  const bool is_signed = kind_.format == SAMPLEFORMAT_INT;
  switch (kind_.bits) {
    case 8: return finished(row[i]);
    case 12: {
      const std::size_t at = i * 12 / 8;
      const int value = i % 2 == 0 ? row[at] << 4 | row[at + 1] >> 4 : (row[at] & 0x0F) << 8 | row[at + 1];
      return gray16_ == Gray16::kScale ? static_cast<std::uint8_t>(value >> 4)
                                       : clipped_byte(static_cast<double>(value));
    }
    case 16:
      if (is_signed) return clipped_byte(number(std::int16_t{}));
      return gray_byte(number(std::uint16_t{}), kind_.colors() == 1 ? gray16_ : Gray16::kScale);
    case 32:
      // Pillow reads unsigned numbers as signed ones, too.
      return kind_.format == SAMPLEFORMAT_IEEEFP ? clipped_byte(number(float{})) : clipped_byte(number(std::int32_t{}));
    default: {
      const std::size_t bit = i * kind_.bits;
      const unsigned most = (1U << kind_.bits) - 1;
      const unsigned value = row[bit / 8] >> (8 - kind_.bits - bit % 8) & most;
      return kind_.photometric == PHOTOMETRIC_PALETTE ? static_cast<std::uint8_t>(value)
                                                      : finished(static_cast<std::uint8_t>(value * 255 / most));
    }
  }
}

std::uint8_t TiffConverter::finished(std::uint8_t value) const {
  return kind_.photometric == PHOTOMETRIC_MINISWHITE ? static_cast<std::uint8_t>(255 - value) : value;
}

void TiffConverter::convert(const std::array<std::uint8_t, 4>& pixel, std::uint8_t* rgb) const {
  if (kind_.photometric == PHOTOMETRIC_SEPARATED) {
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = from_cmyk(pixel[c], pixel[3]);
  } else if (kind_.photometric == PHOTOMETRIC_PALETTE) {
    std::memcpy(rgb, palette_.data() + std::size_t{3} * pixel[0], 3);
  } else if (kind_.photometric == PHOTOMETRIC_YCBCR && kind_.samples >= 3 && kind_.compression != COMPRESSION_JPEG) {
    from_ycbcr(pixel.data(), rgb);
  } else if (kind_.colors() == 1) {
    std::memset(rgb, pixel[0], 3);
  } else if (kind_.premultiplied()) {
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[c] = pixel[3] == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(std::min(255, pixel[c] * 255 / pixel[3]));
    }
  } else {
    std::memcpy(rgb, pixel.data(), 3);
  }
}

}  // namespace fovea::module
