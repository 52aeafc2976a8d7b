// PNG through libpng, row by row.
#include <png.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "image/codec/byte_reader.hpp"
#include "image/codec/encode.hpp"
#include "image/codec/exif.hpp"
#include "image/codec/formats.hpp"
#include "image/codec/run_deflate.hpp"

namespace fovea {
namespace {

/// What libpng said before it gave up.
using Message = std::array<char, 160>;

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto& message = *static_cast<Message*>(png_get_error_ptr(png));
  std::snprintf(message.data(), message.size(), "%s", text);
  png_longjmp(png, 1);
}
void on_warning(png_structp /*png*/, png_const_charp /*text*/) {}

struct Source {
  std::span<const std::byte> file;
  std::size_t at = 0;
};
void read_bytes(png_structp png, png_bytep out, std::size_t count) {
  auto& source = *static_cast<Source*>(png_get_io_ptr(png));
  if (count > source.file.size() - source.at) png_error(png, "the file ends too early");
  std::memcpy(out, source.file.data() + source.at, count);
  source.at += count;
}

/// ImageMagick's way to keep EXIF in a text: an empty line, its kind, its length, and then its bytes in hexadecimal.
std::vector<std::byte> raw_profile(std::string_view text) {
  for (int lines = 0; lines < 3; ++lines) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  std::vector<std::byte> bytes;
  std::string digits;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return {};
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

class PngReader {
 public:
  PngReader(std::span<const std::byte> file, std::string_view name)
      : source_{file},
        name_(name),
        png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &message_, on_error, on_warning)),
        info_(png_ != nullptr ? png_create_info_struct(png_) : nullptr) {
    if (info_ == nullptr) throw damaged(name_, "PNG", "libpng could not be started");
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  DecodedFile decode(const DecodeOptions& options) {
    if (!read_header()) throw error();
    DecodedFile decoded;
    decoded.image =
        Image(checked_size(png_get_image_width(png_, info_), png_get_image_height(png_, info_), name_, options));
    Image& image = decoded.image;
    if (gray16_) wide_.resize(image.pixels().size() / 3 * 2);
    if (!read_pixels(image)) throw error();
    read_rest();
    if (gray16_) convert_gray(options.gray16, image);
    decoded.orientation = orientation();
    return decoded;
  }

 private:
  // The functions that set the jump hold no object with a destructor: a jump would skip it.
  bool read_header() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, &source_, read_bytes);
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(png_, info_);
    gray16_ = png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png_, info_) == 16;
    return true;
  }

  bool read_pixels(Image& image) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    if (!gray16_) {
      png_set_strip_16(png_);  // the high byte
      png_set_palette_to_rgb(png_);
      png_set_expand_gray_1_2_4_to_8(png_);
      png_set_gray_to_rgb(png_);
      png_set_strip_alpha(png_);  // dropped, not composited
    }
    const int passes = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    const std::size_t row_bytes = png_get_rowbytes(png_, info_);
    if (row_bytes != (gray16_ ? image.row_bytes() / 3 * 2 : image.row_bytes())) png_error(png_, "odd row length");
    for (int pass = 0; pass < passes; ++pass) {
      for (int y = 0; y < image.size().height; ++y) {
        png_read_row(png_, gray16_ ? wide_.data() + static_cast<std::size_t>(y) * row_bytes : image.row(y), nullptr);
      }
    }
    return true;
  }

  /// What follows the pixels: as Pillow, whatever of it is sound, with any checksum; even its end may be missing.
  void read_rest() {
    if (setjmp(png_jmpbuf(png_)) != 0) return;
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_read_end(png_, info_);
  }

  void convert_gray(Gray16 rule, Image& image) const {
    std::uint8_t* pixel = image.pixels().data();
    for (std::size_t i = 0; i < wide_.size(); i += 2, pixel += 3) {
      std::memset(pixel, gray_byte(static_cast<std::uint16_t>(wide_[i] << 8 | wide_[i + 1]), rule), 3);
    }
  }

  [[nodiscard]] int orientation() const {
    png_bytep exif = nullptr;
    png_uint_32 size = 0;
    const bool has_exif = png_get_eXIf_1(png_, info_, &size, &exif) != 0;
    png_textp text = nullptr;
    int count = 0;
    png_get_text(png_, info_, &text, &count);
    std::vector<std::byte> profile;
    std::span<const std::byte> xmp;
    for (const png_text& entry : std::span(text, static_cast<std::size_t>(count))) {
      if (std::strcmp(entry.key, "Raw profile type exif") == 0) profile = raw_profile(entry.text);
      if (std::strcmp(entry.key, "XML:com.adobe.xmp") == 0) {
        xmp = {reinterpret_cast<const std::byte*>(entry.text), std::strlen(entry.text)};
      }
    }
    if (has_exif) return orientation_of({reinterpret_cast<const std::byte*>(exif), size}, xmp);
    return orientation_of(profile, xmp);
  }

  [[nodiscard]] Error error() const { return damaged(name_, "PNG", message_.data()); }

  Source source_;
  std::string_view name_;
  Message message_{};
  png_structp png_;
  png_infop info_;
  bool gray16_ = false;
  std::vector<std::uint8_t> wide_;  // the whole picture, where it is 16-bit grey
};

/// Every row after PNG's filter *average*, each with the filter's number in front: what is left of a pixel after the
/// mean of its left and upper neighbours. On photographs the other filters and a choice for each row save no bytes that
/// would be worth their time.
/// @return  [height, 1 + 3 * width]
std::vector<std::uint8_t> average_filtered(const Image& image) {
  constexpr std::size_t kPixel = 3;  // bytes
  const std::size_t row_bytes = image.row_bytes();
  std::vector<std::uint8_t> filtered(static_cast<std::size_t>(image.size().height) * (1 + row_bytes));
  const std::vector<std::uint8_t> black(row_bytes);
  const std::uint8_t* above = black.data();
  std::uint8_t* out = filtered.data();
  for (int y = 0; y < image.size().height; ++y) {
    const std::uint8_t* row = image.row(y);
    *out++ = PNG_FILTER_VALUE_AVG;
    for (std::size_t i = 0; i < kPixel; ++i) out[i] = static_cast<std::uint8_t>(row[i] - above[i] / 2);
    for (std::size_t i = kPixel; i < row_bytes; ++i) {
      // The mean rounded down, of the mean rounded up, for which CPUs have an instruction.
      const unsigned left = row[i - kPixel];
      const unsigned up = above[i];
      const auto mean = static_cast<std::uint8_t>(((left + up + 1) >> 1) - ((left ^ up) & 1U));
      out[i] = static_cast<std::uint8_t>(row[i] - mean);
    }
    out += row_bytes;
    above = row;
  }
  return filtered;
}

/// Pixels in PNG's own byte order, row by row.
struct Samples {
  Size size;
  int depth = 8;
  int color_type = PNG_COLOR_TYPE_RGB;
  std::span<const std::uint8_t> bytes;
};

class PngWriter {
 public:
  PngWriter()
      : png_(png_create_write_struct(PNG_LIBPNG_VER_STRING, &message_, on_error, on_warning)),
        info_(png_ != nullptr ? png_create_info_struct(png_) : nullptr) {
    if (info_ == nullptr) throw Error(ErrorCode::kOutput, "PNG: libpng could not be started");
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  /// Compressed by libpng.
  std::vector<std::byte> encode(const Samples& samples, std::span<const PictureText> texts) {
    return encode(samples, {}, texts);
  }
  /// @param compressed  the filtered rows as a zlib stream; empty: libpng filters and compresses samples.bytes
  std::vector<std::byte> encode(const Samples& samples, std::span<const std::uint8_t> compressed,
                                std::span<const PictureText> texts) {
    constexpr std::size_t kChunks = 4096;  // bytes for all but the pixels, mostly enough
    out_.reserve(std::max(compressed.size(), samples.bytes.size() / 2) + kChunks);
    texts_.reserve(texts.size());
    for (const PictureText& text : texts) texts_.push_back(chunk_of(text));
    if (!write(samples, compressed)) throw Error(ErrorCode::kOutput, std::string("PNG: ") + message_.data());
    return std::move(out_);
  }

 private:
  static void append(png_structp png, png_bytep bytes, std::size_t count) {
    auto& out = *static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
    const auto* begin = reinterpret_cast<const std::byte*>(bytes);
    out.insert(out.end(), begin, begin + count);
  }

  /// tEXt is Latin-1, iTXt UTF-8: where both mean the same, the one that every program reads.
  static png_text chunk_of(const PictureText& text) {
    const bool ascii = std::all_of(text.text.begin(), text.text.end(), [](char c) { return c > 0; });
    png_text chunk{};
    chunk.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    chunk.key = const_cast<char*>(text.keyword.c_str());  // libpng only reads them
    chunk.text = const_cast<char*>(text.text.c_str());
    return chunk;
  }

  // Sets the jump, so it holds no object with a destructor.
  bool write(const Samples& samples, std::span<const std::uint8_t> compressed) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_write_fn(png_, &out_, append, [](png_structp) {});
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(samples.size.width),
                 static_cast<png_uint_32>(samples.size.height), samples.depth, samples.color_type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png_, kBest);
    if (!texts_.empty()) png_set_text(png_, info_, texts_.data(), static_cast<int>(texts_.size()));
    png_write_info(png_, info_);
    if (compressed.empty()) {
      write_rows(samples);
    } else {
      write_compressed(compressed);
    }
    return true;
  }

  void write_rows(const Samples& samples) {
    const std::size_t row_bytes = samples.bytes.size() / static_cast<std::size_t>(samples.size.height);
    for (int y = 0; y < samples.size.height; ++y) {
      png_write_row(png_, samples.bytes.data() + static_cast<std::size_t>(y) * row_bytes);
    }
    png_write_end(png_, info_);
  }

  void write_compressed(std::span<const std::uint8_t> compressed) {
    constexpr std::size_t kLongestChunk = std::size_t{1} << 30;  // bytes; the format's limit is 2^31 - 1
    while (!compressed.empty()) {
      const auto chunk = compressed.first(std::min(compressed.size(), kLongestChunk));
      png_write_chunk(png_, reinterpret_cast<png_const_bytep>("IDAT"), chunk.data(), chunk.size());
      compressed = compressed.subspan(chunk.size());
    }
    png_write_chunk(png_, reinterpret_cast<png_const_bytep>("IEND"), nullptr, 0);
  }

  static constexpr int kBest = 9;  // zlib's level
  Message message_{};
  std::vector<std::byte> out_;
  std::vector<png_text> texts_;
  png_structp png_;
  png_infop info_;
};

}  // namespace

DecodedFile decode_png(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  return PngReader(file, name).decode(options);
}

std::vector<std::byte> encode_png(const Image& image, std::span<const PictureText> texts) {
  return PngWriter().encode({image.size(), 8, PNG_COLOR_TYPE_RGB, {}}, run_deflate(average_filtered(image)), texts);
}

std::vector<std::byte> encode_png(std::span<const std::uint16_t> levels, Size size,
                                  std::span<const PictureText> texts) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(2 * levels.size());
  for (const std::uint16_t level : levels) {  // big-endian
    bytes.push_back(static_cast<std::uint8_t>(level >> 8));
    bytes.push_back(static_cast<std::uint8_t>(level & 0xFF));
  }
  return PngWriter().encode({size, 16, PNG_COLOR_TYPE_GRAY, bytes}, texts);
}

}  // namespace fovea
