#include "checkpoint/formats/npy_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/byte_reader.hpp"
#include "checkpoint/tensor_layout.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr std::string_view kNumpyMagic = "\x93NUMPY";
constexpr std::size_t kMaxTextBytes = 10'000;

struct NumpyType {
  std::string_view descr;
  DType dtype;
};
// numpy has no bfloat16 and stores it as a two-byte "void". big_vision's loader reads V2 as bfloat16, too.
constexpr std::array<NumpyType, 15> kTypes{{{"<f8", DType::kF64},
                                            {"<f4", DType::kF32},
                                            {"<f2", DType::kF16},
                                            {"|V2", DType::kBF16},
                                            {"<V2", DType::kBF16},
                                            {"<i8", DType::kI64},
                                            {"<i4", DType::kI32},
                                            {"<i2", DType::kI16},
                                            {"|i1", DType::kI8},
                                            {"<u8", DType::kU64},
                                            {"<u4", DType::kU32},
                                            {"<u2", DType::kU16},
                                            {"|u1", DType::kU8},
                                            {"|b1", DType::kBool},
                                            {"|?", DType::kBool}}};

/// Parses the literal {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }: keys in any order, each exactly
/// once.
class LiteralParser {
 public:
  LiteralParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  [[nodiscard]] NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      parse_item(quoted());
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (at_ != text_.size()) fail("ends after its dictionary");
    if (!dtype_ || !fortran_order_ || !shape_) fail("has the keys descr, fortran_order and shape");
    return {*dtype_, *fortran_order_, *shape_, 0};
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{} has a header that is {} at character {}, expected one that {}", where_,
                            at_ < text_.size() ? fmt::format("'{}'", printable(std::string(text_.substr(at_, 20))))
                                               : "at its end",
                            at_, expected),
                "the file is damaged or was not written by numpy: save it again");
  }

  void parse_item(std::string_view key) {
    expect(':');
    if (key == "descr" && !dtype_) {
      dtype_ = parse_dtype();
    } else if (key == "fortran_order" && !fortran_order_) {
      fortran_order_ = parse_bool();
    } else if (key == "shape" && !shape_) {
      shape_ = parse_shape();
    } else {
      fail("has the keys descr, fortran_order and shape once each");
    }
  }

  [[nodiscard]] DType parse_dtype() {
    if (peek() != '\'' && peek() != '"') fail("names one type (arrays of structures are not supported)");
    const auto descr = quoted();
    const auto found =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const NumpyType& type) { return type.descr == descr; });
    if (found != kTypes.end()) return found->dtype;
    throw Error(
        ErrorCode::kCheckpoint,
        fmt::format("{} has numpy's type '{}', expected little-endian floats or integers (such as '<f4')", where_,
                    printable(std::string(descr))),
        descr.ends_with('O') ? "Python objects are never loaded: save plain arrays" : "save it again as float32");
  }

  [[nodiscard]] bool parse_bool() {
    skip_spaces();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    fail("says True or False here");
  }

  [[nodiscard]] std::vector<std::size_t> parse_shape() {
    std::vector<std::size_t> shape;
    shape.reserve(kMaxRank);
    expect('(');
    while (!accept(')')) {
      if (shape.size() == kMaxRank) fail(fmt::format("has a shape of at most {} axes", kMaxRank));
      shape.push_back(number());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  [[nodiscard]] std::size_t number() {
    skip_spaces();
    std::size_t value = 0;
    const char* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, value);
    if (error != std::errc{}) fail("has sizes from 0 to 2^64 - 1");
    at_ = static_cast<std::size_t>(stop - text_.data());
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote sizes so
    return value;
  }

  [[nodiscard]] std::string_view quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("has a quoted word here");
    const auto end = text_.find(quote, ++at_);
    if (end == std::string_view::npos) fail("closes its quotes");
    const auto word = text_.substr(at_, end - at_);
    at_ = end + 1;
    return word;
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  [[nodiscard]] char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  [[nodiscard]] bool accept(char wanted) {
    const bool found = peek() == wanted && at_ < text_.size();
    if (found) ++at_;
    return found;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("has '{}' here", wanted));
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::optional<DType> dtype_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<std::size_t>> shape_;
};

}  // namespace

std::size_t npy_header_bytes(std::span<const std::byte> prefix, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{} {}", where, what), "save it again with numpy.savez");
  };
  ByteReader reader(prefix, where);
  if (reader.left() < kNumpyMagic.size() || reader.take_text(kNumpyMagic.size()) != kNumpyMagic) {
    fail("does not begin with \\x93NUMPY, expected a .npy array");
  }
  const auto major = reader.read<std::uint8_t>();
  const auto minor = reader.read<std::uint8_t>();
  if (major < 1 || major > 3 || minor != 0) {
    fail(fmt::format("has .npy version {}.{}, expected 1.0, 2.0 or 3.0", major, minor));
  }
  const std::size_t length = major == 1 ? reader.read<std::uint16_t>() : reader.read<std::uint32_t>();
  if (length > kMaxTextBytes) fail(fmt::format("has a header of {} bytes, expected at most {}", length, kMaxTextBytes));
  return reader.at() + length;
}

NpyHeader parse_npy_header(std::span<const std::byte> beginning, const std::string& where) {
  ByteReader reader(beginning, where);
  const std::size_t bytes = npy_header_bytes(beginning, where);
  const std::size_t prefix = beginning[kNumpyMagic.size()] == std::byte{1} ? kNpyPrefixBytes - 2 : kNpyPrefixBytes;
  reader.skip(prefix);
  NpyHeader header = LiteralParser(reader.take_text(bytes - prefix), where).parse();
  header.bytes = bytes;
  return header;
}

}  // namespace fovea
