// The first frame of a GIF on its canvas, as Pillow composes it: by default neither replaced nor blended.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "image/codec/byte_reader.hpp"
#include "image/codec/formats.hpp"
#include "image/codec/packed.hpp"

namespace fovea {
namespace {

constexpr std::string_view kGif = "GIF";

/// Walks over a GIF's blocks; the end of the file is an error.
class Walker {
 public:
  Walker(std::span<const std::byte> file, std::string_view name) : file_(file), name_(name) {}

  std::uint64_t next(std::size_t width = 1) {
    const auto value = read_uint(file_, at_, width, Endian::kLittle);
    if (!value) throw damaged(name_, kGif, "the file ends before its first frame does");
    at_ += width;
    return *value;
  }
  std::span<const std::byte> next_bytes(std::size_t count) {
    if (count > file_.size() - at_) throw damaged(name_, kGif, "the file ends before its first frame does");
    at_ += count;
    return file_.subspan(at_ - count, count);
  }
  /// The payload of sub-blocks up to the empty one.
  std::vector<std::byte> next_sub_blocks() {
    std::vector<std::byte> payload;
    while (const auto size = static_cast<std::size_t>(next())) {
      const auto block = next_bytes(size);
      payload.insert(payload.end(), block.begin(), block.end());
    }
    return payload;
  }

 private:
  std::span<const std::byte> file_;
  std::string_view name_;
  std::size_t at_ = 0;
};

/// The colours that these flags announce, if any. A table that gives each index its own grey counts for nothing, as in
/// Pillow.
std::optional<Palette> next_palette(Walker& walker, std::uint64_t flags) {
  constexpr std::uint64_t kHasTable = 0x80;
  if ((flags & kHasTable) == 0) return std::nullopt;
  Palette palette{};
  const std::size_t colors = std::size_t{2} << (flags & 7);
  bool gray = true;
  for (std::size_t i = 0; i < colors; ++i) {
    for (std::uint8_t& channel : palette[i]) {
      channel = static_cast<std::uint8_t>(walker.next());
      gray = gray && channel == i;
    }
  }
  return gray ? std::nullopt : std::optional(palette);
}

struct Frame {
  std::size_t left = 0;  // of the canvas
  std::size_t top = 0;
  std::size_t width = 0;
  std::size_t height = 0;
  bool interlaced = false;
};

/// Undoes LZW (GIF89a, appendix F): strings are kept as a last index and the code of what comes before it.
class LzwDecoder {
 public:
  LzwDecoder(std::span<const std::byte> codes, unsigned literal_bits)
      : codes_(codes), literal_bits_(literal_bits), clear_(std::size_t{1} << literal_bits) {
    for (std::size_t i = 0; i < clear_; ++i) strings_[i] = {0, static_cast<std::uint8_t>(i), 1};
    reset();
  }

  /// The next string of indices, none where the codes end or make no sense. The view holds until the next call.
  std::span<const std::uint8_t> next() {
    for (;;) {
      const auto code = next_code();
      if (!code || *code == clear_ + 1) return {};
      if (*code != clear_) return expand(*code);
      reset();
    }
  }

 private:
  static constexpr unsigned kMostBits = 12;
  static constexpr std::size_t kMostCodes = std::size_t{1} << kMostBits;
  struct String {
    std::uint16_t before = 0;
    std::uint8_t last = 0;
    std::uint16_t length = 0;
  };

  void reset() {
    known_ = clear_ + 2;
    width_ = literal_bits_ + 1;
    before_.reset();
  }

  std::optional<std::size_t> next_code() {
    if (bit_ + width_ > 8 * codes_.size()) return std::nullopt;
    std::size_t code = 0;
    for (unsigned i = 0; i < width_; ++i, ++bit_) {
      code |= (std::to_integer<std::size_t>(codes_[bit_ / 8]) >> (bit_ % 8) & 1U) << i;
    }
    return code;
  }

  std::span<const std::uint8_t> expand(std::size_t code) {
    if (!before_) {
      if (code >= clear_) return {};
      before_ = code;
      out_[0] = static_cast<std::uint8_t>(code);
      return std::span(out_).first(1);
    }
    if (code > known_ || code >= kMostCodes) return {};
    // A code that is made only now is the string before it with its own first index at the end.
    const bool made_now = code == known_;
    const std::size_t length = strings_[made_now ? *before_ : code].length + std::size_t{made_now};
    std::size_t at = made_now ? length - 1 : length;
    for (std::size_t i = made_now ? *before_ : code; at > 0; i = strings_[i].before) out_[--at] = strings_[i].last;
    if (made_now) out_[length - 1] = out_[0];
    if (known_ < kMostCodes) {
      strings_[known_] = {static_cast<std::uint16_t>(*before_), out_[0],
                          static_cast<std::uint16_t>(strings_[*before_].length + 1)};
      ++known_;
      if (known_ == std::size_t{1} << width_ && width_ < kMostBits) ++width_;
    }
    before_ = code;
    return std::span(out_).first(length);
  }

  std::span<const std::byte> codes_;
  unsigned literal_bits_;
  std::size_t clear_;
  std::array<String, kMostCodes> strings_{};
  std::array<std::uint8_t, kMostCodes + 1> out_{};
  std::size_t known_ = 0;  // codes so far
  unsigned width_ = 0;     // bits of a code
  std::optional<std::size_t> before_;
  std::size_t bit_ = 0;
};

/// The row that is stored as the i-th: an interlaced frame has every eighth row first, then those half-way between,
/// and so on.
std::size_t row_of(std::size_t i, const Frame& frame) {
  if (!frame.interlaced) return i;
  struct Pass {
    std::size_t begin, step;
  };
  for (const Pass pass : {Pass{0, 8}, Pass{4, 8}, Pass{2, 4}, Pass{1, 2}}) {
    const std::size_t rows = pass.begin < frame.height ? (frame.height - pass.begin + pass.step - 1) / pass.step : 0;
    if (i < rows) return pass.begin + i * pass.step;
    i -= rows;
  }
  return frame.height - 1;
}

/// The frame lies within the image.
void draw(LzwDecoder& indices, const Frame& frame, const Palette& palette, std::string_view name, Image& image) {
  const std::size_t total = frame.width * frame.height;
  for (std::size_t done = 0; done < total;) {
    const std::span<const std::uint8_t> string = indices.next();
    if (string.empty()) throw damaged(name, kGif, "its first frame is cut short or broken");
    for (const std::uint8_t index : string.first(std::min(string.size(), total - done))) {
      const std::size_t y = frame.top + row_of(done / frame.width, frame);
      const std::size_t x = frame.left + done % frame.width;
      std::copy(palette[index].begin(), palette[index].end(), image.row(static_cast<int>(y)) + 3 * x);
      ++done;
    }
  }
}

/// What stands before the first frame: the index that is transparent, which Pillow fills the canvas with.
std::size_t skip_to_frame(Walker& walker, std::string_view name) {
  constexpr std::uint64_t kExtension = 0x21;
  constexpr std::uint64_t kGraphicControl = 0xF9;
  constexpr std::uint64_t kFrame = 0x2C;
  constexpr std::uint64_t kTrailer = 0x3B;
  std::size_t transparent = 0;
  for (std::uint64_t kind = walker.next(); kind != kFrame; kind = walker.next()) {  // other bytes are passed over
    if (kind == kTrailer) throw damaged(name, kGif, "it holds no frame");
    if (kind != kExtension) continue;
    const std::uint64_t extension = walker.next();
    const std::vector<std::byte> payload = walker.next_sub_blocks();
    if (extension != kGraphicControl || payload.size() < 4) continue;
    if ((payload[0] & std::byte{1}) != std::byte{0}) transparent = std::to_integer<std::size_t>(payload[3]);
  }
  return transparent;
}

}  // namespace

bool is_gif(std::span<const std::byte> file) {
  return has_bytes(file, "GIF87a") || has_bytes(file, "GIF89a");
}

DecodedFile decode_gif(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  Walker walker(file, name);
  walker.next_bytes(6);
  const std::uint64_t screen_width = walker.next(2);
  const std::uint64_t screen_height = walker.next(2);
  static_cast<void>(checked_size(screen_width, screen_height, name, options));
  const std::uint64_t screen_flags = walker.next();
  walker.next(2);  // background and aspect ratio, which Pillow does not use
  const std::optional<Palette> global = next_palette(walker, screen_flags);
  const std::size_t transparent = skip_to_frame(walker, name);

  Frame frame;
  for (std::size_t* field : {&frame.left, &frame.top, &frame.width, &frame.height}) {
    *field = static_cast<std::size_t>(walker.next(2));
  }
  const std::uint64_t flags = walker.next();
  frame.interlaced = (flags & 0x40) != 0;
  const std::optional<Palette> local = next_palette(walker, flags);
  const auto literal_bits = static_cast<unsigned>(walker.next());
  if (literal_bits < 1 || literal_bits > 8) {
    throw damaged(name, kGif, fmt::format("its indices have {} bits", literal_bits));
  }
  // A frame that does not fit makes the canvas larger.
  const Size canvas = checked_size(std::max<std::uint64_t>(screen_width, frame.left + frame.width),
                                   std::max<std::uint64_t>(screen_height, frame.top + frame.height), name, options);
  const Palette palette = local ? *local : global.value_or(gray_ramp(8));
  const std::vector<std::byte> codes = walker.next_sub_blocks();

  DecodedFile decoded{Image(canvas), 1};
  const std::span<std::uint8_t> pixels = decoded.image.pixels();
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = palette[transparent][i % 3];
  LzwDecoder indices(codes, literal_bits);
  draw(indices, frame, palette, name, decoded.image);
  return decoded;
}

}  // namespace fovea
