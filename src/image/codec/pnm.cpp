// Portable bit, grey, pix and float maps as Pillow's PpmImagePlugin reads them, scaled from any maxval.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "image/codec/byte_reader.hpp"
#include "image/codec/formats.hpp"
#include "image/codec/packed.hpp"

namespace fovea {
namespace {

constexpr std::string_view kPnm = "PNM";

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The words of a header or of a text raster, where a comment from '#' to the end of its line counts for nothing.
class Words {
 public:
  Words(std::string_view text, std::size_t at) : text_(text), at_(at) {}
  [[nodiscard]] std::size_t at() const { return at_; }

  /// Reads the white space after the word, too; at most ten characters.
  std::string next() {
    std::string word;
    for (char c = 0; word.size() <= kLongest && next_character(c);) {
      if (!is_space(c)) {
        word += c;
      } else if (!word.empty()) {
        break;
      }
    }
    return word;
  }
  /// '\0' at the end of the text
  char next_letter() {
    for (char c = 0; next_character(c);) {
      if (!is_space(c)) return c;
    }
    return '\0';
  }
  std::optional<std::uint64_t> next_number() {
    const std::string word = next();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (word.size() > kLongest || error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return number;
  }

 private:
  static constexpr std::size_t kLongest = 10;
  bool next_character(char& c) {
    while (at_ < text_.size() && text_[at_] == '#') {
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size() - 1) + 1;
    }
    if (at_ >= text_.size()) return false;
    c = text_[at_++];
    return true;
  }
  std::string_view text_;
  std::size_t at_;
};

class PnmReader {
 public:
  PnmReader(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options)
      : file_(file), name_(name), words_(as_text(file), 3), gray16_(options.gray16) {
    const std::uint64_t width = header_number();
    size_ = checked_size(width, header_number(), name, options);
  }

  Image decode() {
    const char kind = as_text(file_)[1];
    switch (kind) {
      case '1': return text_bits();
      case '4': return packed_bits();
      case 'f': return floats();
      default: break;
    }
    const bool color = kind == '3' || kind == '6';
    const std::uint64_t maxval = header_number();
    if (maxval == 0 || maxval > 65535) {
      throw damaged(name_, kPnm, fmt::format("its maxval is {}, expected 1 to 65535", maxval));
    }
    return kind <= '3' ? text_samples(color, maxval) : binary_samples(color, maxval);
  }

 private:
  std::uint64_t header_number() {
    const auto number = words_.next_number();
    if (!number) throw damaged(name_, kPnm, "its header is cut short or says no size");
    return *number;
  }

  /// What follows the header.
  [[nodiscard]] std::span<const std::byte> raster(std::size_t row_bytes) const {
    const std::span<const std::byte> rest = file_.subspan(words_.at());
    if (rest.size() / row_bytes < static_cast<std::size_t>(size_.height)) {
      throw damaged(name_, kPnm, "the file ends too early");
    }
    return rest;
  }

  static Palette black_is_one() {
    Palette palette{};
    palette[0].fill(255);
    return palette;
  }

  [[nodiscard]] Image packed_bits() const {
    const std::size_t row_bytes = packed_bytes(static_cast<std::size_t>(size_.width), 1);
    const std::span<const std::byte> rows = raster(row_bytes);
    Image image(size_);
    for (int y = 0; y < size_.height; ++y) {
      unpack_row(rows.subspan(static_cast<std::size_t>(y) * row_bytes, row_bytes), 1, black_is_one(), image, y);
    }
    return image;
  }

  /// White space between the digits is optional.
  Image text_bits() {
    static_cast<void>(raster(static_cast<std::size_t>(size_.width)));  // at least one byte for each
    Image image(size_);
    std::uint8_t* rgb = image.pixels().data();
    for (std::size_t i = 0; i < image.pixels().size() / 3; ++i) {
      const char bit = words_.next_letter();
      if (bit == '\0') throw damaged(name_, kPnm, "the file ends too early");
      if (bit != '0' && bit != '1') throw damaged(name_, kPnm, "a pixel is neither 0 nor 1");
      for (int c = 0; c < 3; ++c) *rgb++ = bit == '0' ? 255 : 0;
    }
    return image;
  }

  /// Pillow scales what has more than 8 bits to 16 where it is grey and to 8 where it is coloured.
  [[nodiscard]] std::uint8_t scaled(std::uint64_t value, std::uint64_t maxval, bool color) const {
    const bool wide = maxval > 255 && !color;
    const double most = wide ? 65535 : 255;
    const double level = std::nearbyint(static_cast<double>(value) / static_cast<double>(maxval) * most);
    const auto whole = static_cast<std::uint16_t>(std::min(level, most));
    return wide ? gray_byte(whole, gray16_) : static_cast<std::uint8_t>(whole);
  }

  template <typename NextSample>
  [[nodiscard]] Image samples(bool color, NextSample next) const {
    Image image(size_);
    std::span<std::uint8_t> out = image.pixels();
    for (std::size_t i = 0; i < out.size(); i += color ? 1 : 3) {
      out[i] = next();
      if (!color) out[i + 1] = out[i + 2] = out[i];
    }
    return image;
  }

  Image text_samples(bool color, std::uint64_t maxval) {
    const auto width = static_cast<std::size_t>(size_.width);
    static_cast<void>(raster(color ? 3 * width : width));  // at least one byte for each
    return samples(color, [&] {
      const auto value = words_.next_number();
      if (!value) throw damaged(name_, kPnm, "its numbers end too early or are none");
      if (*value > maxval) throw damaged(name_, kPnm, fmt::format("a value is {}, its maxval {}", *value, maxval));
      return scaled(*value, maxval, color);
    });
  }

  [[nodiscard]] Image binary_samples(bool color, std::uint64_t maxval) const {
    const std::size_t sample_bytes = maxval > 255 ? 2 : 1;
    const std::size_t row_bytes = static_cast<std::size_t>(size_.width) * (color ? 3 : 1) * sample_bytes;
    const std::span<const std::byte> rows = raster(row_bytes);
    return samples(color, [&, at = std::size_t{0}]() mutable {
      const std::uint64_t value = *read_uint(rows, at, sample_bytes, Endian::kBig);
      at += sample_bytes;
      return scaled(value, maxval, color);
    });
  }

  /// Rows from the bottom up, big-endian where the scale is positive; Pillow keeps the scale itself apart.
  Image floats() {
    std::string word = words_.next();
    double scale = 0;
    const char* end = word.data() + word.size();
    const auto [stopped, error] = std::from_chars(word.data() + (word.starts_with('+') ? 1 : 0), end, scale);
    if (error != std::errc{} || stopped != end || scale == 0 || !std::isfinite(scale)) {
      throw damaged(name_, kPnm, "its scale is no finite number or zero");
    }
    const std::size_t row_bytes = static_cast<std::size_t>(size_.width) * 4;
    const std::span<const std::byte> rows = raster(row_bytes);
    Image image(size_);
    for (int y = 0; y < size_.height; ++y) {
      std::uint8_t* rgb = image.row(size_.height - 1 - y);
      for (std::size_t x = 0; x < static_cast<std::size_t>(size_.width); ++x) {
        const std::size_t at = static_cast<std::size_t>(y) * row_bytes + 4 * x;
        const auto bits =
            static_cast<std::uint32_t>(*read_uint(rows, at, 4, scale < 0 ? Endian::kLittle : Endian::kBig));
        for (int c = 0; c < 3; ++c) *rgb++ = clipped_byte(std::bit_cast<float>(bits));
      }
    }
    return image;
  }

  std::span<const std::byte> file_;
  std::string_view name_;
  Words words_;
  Gray16 gray16_;
  Size size_;
};

}  // namespace

bool is_pnm(std::span<const std::byte> file) {
  const std::string_view text = as_text(file);
  return text.size() > 2 && text[0] == 'P' && ((text[1] >= '1' && text[1] <= '6') || text[1] == 'f') &&
         is_space(text[2]);
}

DecodedFile decode_pnm(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  return {PnmReader(file, name, options).decode(), 1};
}

}  // namespace fovea
