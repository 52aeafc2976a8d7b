// JPEG through libjpeg-turbo, with its own error reporting: what is merely warned about there, but means that pixels
// were made up, is an error here.
#include <cstddef>
#include <cstdio>
// jpeglib.h wants the two above, jerror.h wants jpeglib.h.
#include <jpeglib.h>
//
#include <jerror.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <string>
#include <vector>

#include "image/codec/byte_reader.hpp"
#include "image/codec/encode.hpp"
#include "image/codec/exif.hpp"
#include "image/codec/formats.hpp"

namespace fovea {
namespace {

/// libjpeg's error manager, with the way out of a C library: a jump to the caller of the C function.
struct ErrorManager {
  jpeg_error_mgr base{};
  std::jmp_buf jump{};
  std::array<char, JMSG_LENGTH_MAX> message{};
};

ErrorManager& manager_of(j_common_ptr codec) {
  return *reinterpret_cast<ErrorManager*>(codec->err);
}

[[noreturn]] void fail(j_common_ptr codec) {
  ErrorManager& errors = manager_of(codec);
  errors.base.format_message(codec, errors.message.data());
  std::longjmp(errors.jump, 1);
}

/// Warnings after which libjpeg invents pixels.
bool loses_pixels(int code) {
  constexpr std::array kLosing{JWRN_HIT_MARKER,  JWRN_HUFF_BAD_CODE,  JWRN_JPEG_EOF,
                               JWRN_MUST_RESYNC, JWRN_ARITH_BAD_CODE, JWRN_BOGUS_PROGRESSION};
  return std::find(kLosing.begin(), kLosing.end(), code) != kLosing.end();
}

void on_message(j_common_ptr codec, int level) {
  if (level < 0 && loses_pixels(codec->err->msg_code)) fail(codec);
}

jpeg_error_mgr* install(ErrorManager& errors) {
  jpeg_error_mgr* base = jpeg_std_error(&errors.base);
  base->error_exit = fail;
  base->emit_message = on_message;
  base->output_message = [](j_common_ptr) {};
  return base;
}

/// A small progressive file of endless scans over a huge picture would keep a core busy for minutes.
void limit_scans(j_common_ptr codec) {
  constexpr int kMostScans = 500;
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number <= kMostScans) return;
  ErrorManager& errors = manager_of(codec);
  std::snprintf(errors.message.data(), errors.message.size(), "it has more than %d scans", kMostScans);
  std::longjmp(errors.jump, 1);
}

class JpegReader {
 public:
  JpegReader(std::span<const std::byte> file, std::string_view name) : file_(file), name_(name) {
    codec_.err = install(errors_);
  }
  ~JpegReader() { jpeg_destroy_decompress(&codec_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  ScaledFile decode(const DecodeOptions& options, const EighthsRule& eighths) {
    if (!read_header()) throw error();
    ScaledFile file;
    file.whole = checked_size(codec_.image_width, codec_.image_height, name_, options);
    file.decoded.orientation = orientation();
    if (options.exif == ExifMode::kApply) file.whole = upright(file.whole, file.decoded.orientation);
    file.eighths = eighths(file.whole);
    if (!scale(file.eighths)) throw error();
    const Size size{static_cast<int>(codec_.output_height), static_cast<int>(codec_.output_width)};
    file.decoded.image = Image(size);
    const bool four_channels = codec_.num_components == 4;
    if (four_channels) inks_.resize(static_cast<std::size_t>(size.width) * 4);
    if (!read_pixels(file.decoded.image)) throw error();
    return file;
  }

 private:
  // The functions that set the jump hold no object with a destructor: a jump would skip it.
  bool read_header() {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_decompress(&codec_);
    progress_.progress_monitor = limit_scans;
    codec_.progress = &progress_;
    jpeg_mem_src(&codec_, reinterpret_cast<const unsigned char*>(file_.data()), file_.size());
    jpeg_save_markers(&codec_, JPEG_APP0 + 1, 0xFFFF);  // EXIF and XMP
    jpeg_read_header(&codec_, TRUE);
    return true;
  }

  bool scale(int eighths) {
    if (setjmp(errors_.jump) != 0) return false;
    codec_.scale_num = static_cast<unsigned>(eighths);
    codec_.scale_denom = 8;
    jpeg_calc_output_dimensions(&codec_);
    return true;
  }

  bool read_pixels(Image& image) {
    if (setjmp(errors_.jump) != 0) return false;
    codec_.out_color_space = inks_.empty() ? JCS_RGB : JCS_CMYK;
    jpeg_start_decompress(&codec_);
    while (codec_.output_scanline < codec_.output_height) {
      std::uint8_t* row = image.row(static_cast<int>(codec_.output_scanline));
      JSAMPROW target = inks_.empty() ? row : inks_.data();
      jpeg_read_scanlines(&codec_, &target, 1);
      if (!inks_.empty()) convert_inks(row);
    }
    jpeg_finish_decompress(&codec_);  // reads up to the end marker, and misses it if it is not there
    return true;
  }

  /// Photoshop stores inks inverted, and Pillow takes every four-channel JPEG so.
  void convert_inks(std::uint8_t* rgb) const {
    for (std::size_t i = 0; i < inks_.size(); i += 4, rgb += 3) {
      const auto black = static_cast<std::uint8_t>(255 - inks_[i + 3]);
      for (std::size_t c = 0; c < 3; ++c) rgb[c] = from_cmyk(static_cast<std::uint8_t>(255 - inks_[i + c]), black);
    }
  }

  /// EXIF that one segment is too short for goes on in the next; of XMP packets the last counts.
  [[nodiscard]] int orientation() const {
    constexpr std::string_view kExif("Exif\0\0", 6);
    constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
    std::vector<std::byte> exif;
    std::span<const std::byte> xmp;
    for (auto marker = codec_.marker_list; marker != nullptr; marker = marker->next) {
      const std::span block(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
      if (has_bytes(block, kExif)) {
        const auto begin = block.begin() + static_cast<std::ptrdiff_t>(exif.empty() ? 0 : kExif.size());
        exif.insert(exif.end(), begin, block.end());
      } else if (has_bytes(block, kXmp)) {
        xmp = block.subspan(kXmp.size());
      }
    }
    return orientation_of(exif, xmp);
  }

  [[nodiscard]] Error error() const { return damaged(name_, "JPEG", errors_.message.data()); }

  std::span<const std::byte> file_;
  std::string_view name_;
  ErrorManager errors_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct codec_{};
  std::vector<std::uint8_t> inks_;  // one row of CMYK, where the file has four channels
};

class JpegWriter {
 public:
  JpegWriter() { codec_.err = install(errors_); }
  ~JpegWriter() {
    jpeg_destroy_compress(&codec_);
    std::free(buffer_);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg allocated it
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  std::vector<std::byte> encode(const Image& image, int quality, std::span<const PictureText> texts) {
    comments_.reserve(texts.size());
    for (const PictureText& text : texts) comments_.push_back(text.keyword + ": " + text.text);
    if (!write(image, quality)) throw Error(ErrorCode::kOutput, std::string("JPEG: ") + errors_.message.data());
    const auto* begin = reinterpret_cast<const std::byte*>(buffer_);
    return {begin, begin + size_};
  }

 private:
  bool write(const Image& image, int quality) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_compress(&codec_);
    jpeg_mem_dest(&codec_, &buffer_, &size_);
    codec_.image_width = static_cast<JDIMENSION>(image.size().width);
    codec_.image_height = static_cast<JDIMENSION>(image.size().height);
    codec_.input_components = 3;
    codec_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&codec_);
    jpeg_set_quality(&codec_, quality, TRUE);
    jpeg_start_compress(&codec_, TRUE);
    for (const std::string& comment : comments_) {
      constexpr std::size_t kLongest = 65'533;  // bytes of a segment
      jpeg_write_marker(&codec_, JPEG_COM, reinterpret_cast<const JOCTET*>(comment.data()),
                        static_cast<unsigned>(std::min(comment.size(), kLongest)));
    }
    while (codec_.next_scanline < codec_.image_height) {
      // libjpeg's pointer is not const, but it only reads.
      auto* row = const_cast<JSAMPROW>(image.row(static_cast<int>(codec_.next_scanline)));
      jpeg_write_scanlines(&codec_, &row, 1);
    }
    jpeg_finish_compress(&codec_);
    return true;
  }

  ErrorManager errors_;
  std::vector<std::string> comments_;
  jpeg_compress_struct codec_{};
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

DecodedFile decode_jpeg(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  return JpegReader(file, name).decode(options, [](Size) { return 8; }).decoded;
}

ScaledFile decode_jpeg(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options,
                       const EighthsRule& eighths) {
  return JpegReader(file, name).decode(options, eighths);
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality, std::span<const PictureText> texts) {
  return JpegWriter().encode(image, quality, texts);
}

}  // namespace fovea
