// TIFF through libtiff, as Pillow's TiffImagePlugin makes RGB of it.
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "image/codec/tiff_directory.hpp"
#include "image/module/module_side.hpp"
#include "image/module/tiff_samples.hpp"

namespace {

using fovea::module::Damaged;
using fovea::module::TiffKind;
using fovea::module::Unsupported;

#ifdef FOVEA_WITHOUT_JBIG
constexpr bool kWithoutJbig = true;  // its library is under the GPL, and so is not carried by packages for all systems
#else
constexpr bool kWithoutJbig = false;
#endif

/// A file in memory, as libtiff wants it.
struct Source {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  std::size_t at = 0;
  std::string complaint;  // libtiff's first: it goes on after some of them and makes pixels up
};

Source& source_of(thandle_t handle) {
  return *static_cast<Source*>(handle);
}
tmsize_t read_bytes(thandle_t handle, void* out, tmsize_t count) {
  Source& source = source_of(handle);
  const std::size_t left = source.size - std::min(source.at, source.size);
  const std::size_t now = std::min(static_cast<std::size_t>(count), left);
  if (now > 0) std::memcpy(out, source.bytes + source.at, now);
  source.at += now;
  return static_cast<tmsize_t>(now);
}
tmsize_t write_bytes(thandle_t /*handle*/, void* /*bytes*/, tmsize_t /*count*/) {
  return 0;
}
toff_t seek(thandle_t handle, toff_t offset, int whence) {
  Source& source = source_of(handle);
  if (whence == SEEK_CUR) offset += source.at;
  if (whence == SEEK_END) offset += source.size;
  source.at = static_cast<std::size_t>(offset);
  return offset;
}
int close_nothing(thandle_t /*handle*/) {
  return 0;
}
toff_t size_of(thandle_t handle) {
  return source_of(handle).size;
}
int note_error(TIFF* /*tiff*/, void* user, const char* /*module*/, const char* format, va_list arguments) {
  Source& source = *static_cast<Source*>(user);
  if (!source.complaint.empty()) return 1;
  std::array<char, 200> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  source.complaint = text.data();
  return 1;
}
int ignore_warning(TIFF* /*tiff*/, void* /*user*/, const char* /*module*/, const char* /*format*/, va_list /*rest*/) {
  return 1;
}

using Tiff = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

Tiff open(Source& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), note_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore_warning, nullptr);
  // "m": nothing is mapped, so that every read is checked above; "c": strips stay as long as they are.
  return {TIFFClientOpenExt("", "rmc", &source, read_bytes, write_bytes, seek, close_nothing, size_of, nullptr, nullptr,
                            options.get()),
          TIFFClose};
}

/// Strips and tiles alike: pieces of [height, width] pixels that cover the picture row by row.
struct Piece {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::size_t row_bytes = 0;  // of one plane
  std::size_t bytes = 0;
};

Piece piece_of(TIFF* tiff, const TiffKind& kind) {
  Piece piece{kind.width, kind.height, 0, 0};
  if (TIFFIsTiled(tiff) != 0) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &piece.width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &piece.height);
    piece.row_bytes = static_cast<std::size_t>(TIFFTileRowSize64(tiff));
    piece.bytes = static_cast<std::size_t>(TIFFTileSize64(tiff));
  } else {
    std::uint32_t rows = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
    piece.height = std::min(rows, kind.height);
    piece.row_bytes = static_cast<std::size_t>(TIFFScanlineSize64(tiff));
    piece.bytes = piece.row_bytes * piece.height;
  }
  const std::uint64_t samples = kind.planar ? 1 : kind.samples;
  const std::uint64_t expected = (std::uint64_t{piece.width} * samples * kind.bits + 7) / 8;
  if (piece.width == 0 || piece.height == 0 || piece.row_bytes != expected ||
      piece.bytes != std::uint64_t{piece.row_bytes} * piece.height) {
    throw Damaged("its strips or tiles have no sensible size");
  }
  return piece;
}

class Reader {
 public:
  explicit Reader(const FoveaDecodeRequest& request) : request_(request), source_{request.file, request.size, 0, {}} {}

  void decode() {
    tiff_ = open(source_);
    if (tiff_ == nullptr) throw Damaged(reason());
    TiffKind kind = fovea::module::read_kind(tiff_.get());
    if (TIFFIsCODECConfigured(kind.compression) == 0 || (kWithoutJbig && kind.compression == COMPRESSION_JBIG)) {
      throw Unsupported("compression " + std::to_string(kind.compression));
    }
    if (kind.compression == COMPRESSION_OJPEG) kind.photometric = PHOTOMETRIC_YCBCR;
    fovea::module::check(kind, TIFFIsBigEndian(tiff_.get()) != 0);
    check_number_of_pieces();
    if (kind.compression == COMPRESSION_ADOBE_DEFLATE || kind.compression == COMPRESSION_DEFLATE) {
      // libdeflate leaves the rows empty where a strip holds more of them than the picture, as a last strip may.
      TIFFSetField(tiff_.get(), TIFFTAG_DEFLATE_SUBCODEC, DEFLATE_SUBCODEC_ZLIB);
    }
    const bool subsampled = kind.photometric == PHOTOMETRIC_YCBCR && kind.samples >= 3;
    if (subsampled && kind.compression == COMPRESSION_JPEG && !kind.planar) {
      TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      read_pieces(kind);
    } else if (subsampled && kind.compression != COMPRESSION_NONE) {
      read_whole(kind);
    } else {
      if (subsampled) check_uncompressed_ycbcr();
      read_pieces(kind);
    }
    if (!source_.complaint.empty()) throw Damaged(reason());
  }

 private:
  [[nodiscard]] std::string reason() const {
    return source_.complaint.empty() ? "libtiff gave no reason" : source_.complaint;
  }

  /// Where the file lists too few strips or tiles, libtiff makes places up; where too many, Pillow draws them all.
  void check_number_of_pieces() const {
    using fovea::TiffTag;
    const bool tiled = TIFFIsTiled(tiff_.get()) != 0;
    const auto directory = fovea::read_tiff_directory(std::as_bytes(std::span(source_.bytes, source_.size)));
    const auto* places = directory ? directory->find(tiled ? TiffTag::kTileOffsets : TiffTag::kStripOffsets) : nullptr;
    const std::uint64_t listed = places != nullptr ? places->count : 0;
    const std::uint64_t needed = tiled ? TIFFNumberOfTiles(tiff_.get()) : TIFFNumberOfStrips(tiff_.get());
    if (listed == needed) return;
    throw Damaged("it lists " + std::to_string(listed) + " strips or tiles, expected " + std::to_string(needed));
  }

  /// Pillow reads such a file as if each pixel had its own colour.
  void check_uncompressed_ycbcr() const {
    std::array<std::uint16_t, 2> subsampling{2, 2};
    TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_YCBCRSUBSAMPLING, &subsampling[0], &subsampling[1]);
    if (subsampling[0] != 1 || subsampling[1] != 1) throw Unsupported("YCbCr that is subsampled but not compressed");
  }

  void read_pieces(const TiffKind& kind) {
    const Piece piece = piece_of(tiff_.get(), kind);
    const fovea::module::TiffConverter converter(
        tiff_.get(), kind, request_.high_byte_of_gray16 != 0 ? fovea::Gray16::kScale : fovea::Gray16::kClip);
    std::uint8_t* image = fovea::module::allocate(request_, kind.width, kind.height);
    check_memory(piece, kind);
    const std::size_t planes = kind.planar ? std::min<std::size_t>(kind.samples, 4) : 1;
    std::vector<unsigned char> buffer(piece.bytes * planes);
    for (std::uint32_t top = 0; top < kind.height; top += std::min(piece.height, kind.height - top)) {
      const std::uint32_t rows = std::min(piece.height, kind.height - top);
      for (std::uint32_t left = 0; left < kind.width; left += std::min(piece.width, kind.width - left)) {
        for (std::size_t plane = 0; plane < planes; ++plane) {
          read_piece(piece, left, top, rows, static_cast<std::uint16_t>(plane), buffer.data() + plane * piece.bytes);
        }
        const std::size_t columns = std::min(piece.width, kind.width - left);
        for (std::uint32_t row = 0; row < rows; ++row) {
          std::array<const unsigned char*, 4> begins{};
          for (std::size_t plane = 0; plane < planes; ++plane) {
            begins[plane] = buffer.data() + plane * piece.bytes + row * piece.row_bytes;
          }
          converter.convert(std::span(begins).first(planes), columns,
                            image + (std::size_t{top + row} * kind.width + left) * 3);
        }
      }
    }
  }

  /// Tiles can claim to be far larger than the picture.
  static void check_memory(const Piece& piece, const TiffKind& kind) {
    constexpr std::uint64_t kLargestTile = 1ULL << 24;  // pixels beyond the picture's own
    const std::uint64_t pixels = std::uint64_t{piece.width} * piece.height;
    if (pixels > std::uint64_t{kind.width} * kind.height + kLargestTile) {
      throw Damaged("its tiles are far larger than the picture");
    }
  }

  void read_piece(const Piece& piece, std::uint32_t left, std::uint32_t top, std::uint32_t rows, std::uint16_t plane,
                  unsigned char* out) {
    const bool tiled = TIFFIsTiled(tiff_.get()) != 0;
    const std::uint32_t number =
        tiled ? TIFFComputeTile(tiff_.get(), left, top, 0, plane) : TIFFComputeStrip(tiff_.get(), top, plane);
    const auto wanted = static_cast<tmsize_t>(tiled ? piece.bytes : piece.row_bytes * rows);
    const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff_.get(), number, out, wanted)
                               : TIFFReadEncodedStrip(tiff_.get(), number, out, wanted);
    if (got < wanted || !source_.complaint.empty()) throw Damaged(reason());
  }

  /// libtiff itself undoes the subsampling of YCbCr, and Pillow lets it.
  void read_whole(const TiffKind& kind) {
    std::array<char, 1024> message{};
    if (TIFFRGBAImageOK(tiff_.get(), message.data()) == 0) throw Unsupported(message.data());
    std::uint8_t* rgb = fovea::module::allocate(request_, kind.width, kind.height);
    check_memory(TIFFIsTiled(tiff_.get()) != 0 ? tile_size() : Piece{}, kind);
    TIFFRGBAImage image;
    if (TIFFRGBAImageBegin(&image, tiff_.get(), 1, message.data()) == 0) throw Damaged(message.data());
    const std::unique_ptr<TIFFRGBAImage, decltype(&TIFFRGBAImageEnd)> end(&image, TIFFRGBAImageEnd);
    image.orientation = image.req_orientation = ORIENTATION_TOPLEFT;
    std::vector<std::uint32_t> raster(std::size_t{kind.width} * kind.height);
    if (TIFFRGBAImageGet(&image, raster.data(), kind.width, kind.height) == 0) throw Damaged(reason());
    for (const std::uint32_t pixel : raster) {
      *rgb++ = static_cast<std::uint8_t>(TIFFGetR(pixel));
      *rgb++ = static_cast<std::uint8_t>(TIFFGetG(pixel));
      *rgb++ = static_cast<std::uint8_t>(TIFFGetB(pixel));
    }
  }

  [[nodiscard]] Piece tile_size() const {
    Piece piece;
    TIFFGetField(tiff_.get(), TIFFTAG_TILEWIDTH, &piece.width);
    TIFFGetField(tiff_.get(), TIFFTAG_TILELENGTH, &piece.height);
    return piece;
  }

  const FoveaDecodeRequest& request_;
  Source source_;
  Tiff tiff_{nullptr, TIFFClose};
};

void decode(const FoveaDecodeRequest& request) {
  Reader(request).decode();
}

}  // namespace

FOVEA_EXPORT_DECODER(decode)
