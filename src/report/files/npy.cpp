// numpy's array file (numpy/lib/format.py): magic, version, header length, a Python dict as text, then the values.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "fovea/error.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied in memory order");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;  // alignment of the first value
constexpr std::size_t kMaxRank = 32;    // numpy's NPY_MAXDIMS

[[noreturn]] void refuse(std::string_view name, const std::string& what) {
  throw Error(ErrorCode::kDecode, fmt::format("{}: {}", name, what),
              "numpy.save(FILE, numpy.ascontiguousarray(x, dtype='<f4')) writes such a file");
}

/// Parses the header's dict, e.g. {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, strictly.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  std::vector<std::size_t> shape() {
    expect('{');
    bool seen_descr = false;
    bool seen_order = false;
    bool seen_shape = false;
    std::vector<std::size_t> shape;
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !seen_descr) {
        seen_descr = true;
        if (const std::string_view descr = quoted(); descr != "<f4") {
          refuse(name_, fmt::format("type is '{}', expected '<f4' (little-endian float32)", descr));
        }
      } else if (key == "fortran_order" && !seen_order) {
        seen_order = true;
        if (!accept_word("False")) refuse(name_, "fortran_order is not False, expected False (C order)");
      } else if (key == "shape" && !seen_shape) {
        seen_shape = true;
        shape = tuple();
      } else {
        refuse(name_, fmt::format("header key is '{}', expected descr, fortran_order and shape once each", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!text_.empty()) refuse(name_, "header is longer than its dict, expected nothing after the dict");
    if (!seen_descr || !seen_order || !seen_shape) {
      refuse(name_, "header is incomplete, expected descr, fortran_order and shape");
    }
    return shape;
  }

 private:
  void skip_space() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\n')) text_.remove_prefix(1);
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  bool accept(char c) { return accept_word(std::string_view(&c, 1)); }
  void expect(char c) {
    if (!accept(c)) refuse(name_, fmt::format("header is not an array's dict, expected '{}'", c));
  }
  std::string_view quoted() {
    const char mark = accept('\'') ? '\'' : '"';
    if (mark == '"') expect('"');
    const std::size_t end = text_.find(mark);
    if (end == std::string_view::npos) refuse(name_, "header is cut short, expected a closing quote");
    const std::string_view word = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return word;
  }
  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> sizes;
    expect('(');
    while (!accept(')')) {
      std::size_t size = 0;
      skip_space();
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (error != std::errc{}) refuse(name_, "shape has an entry that is not a size, expected whole numbers");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      sizes.push_back(size);
      if (sizes.size() > kMaxRank) refuse(name_, fmt::format("rank is over {}, expected at most that", kMaxRank));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  std::string_view text_;
  std::string_view name_;
};

/// The header's text and the bytes after it.
struct Parts {
  std::string_view header;
  std::string_view values;
};

Parts split(std::string_view file, std::string_view name) {
  if (!file.starts_with(kMagic)) refuse(name, "file is not a .npy file, expected numpy's magic bytes");
  const auto byte = [&](std::size_t at) { return std::size_t{static_cast<unsigned char>(file[at])}; };
  const std::size_t length_at = kMagic.size() + 2;
  const std::size_t version = file.size() > length_at ? byte(kMagic.size()) : 0;
  if (version < 1 || version > 3) refuse(name, fmt::format(".npy version is {}, expected 1, 2 or 3", version));
  const std::size_t header_at = length_at + (version == 1 ? 2 : 4);
  if (file.size() < header_at) refuse(name, "header is cut short, expected its length");
  std::size_t length = 0;
  for (std::size_t at = header_at; at-- > length_at;) length = length << 8 | byte(at);
  if (length > file.size() - header_at) {
    refuse(name, fmt::format("header is {} bytes, expected {}", file.size() - header_at, length));
  }
  return {file.substr(header_at, length), file.substr(header_at + length)};
}

/// @param descr  numpy's name of the type, e.g. "<f4"
std::string header_of(std::string_view descr, std::span<const std::size_t> shape, std::size_t least_bytes) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                                   fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  const std::size_t prefix = kMagic.size() + 4;  // version and length, two bytes each
  const std::size_t aligned = ((prefix + header.size() + 1) / kAlignment + 1) * kAlignment;  // as numpy pads
  header.resize(std::max(aligned, least_bytes) - prefix - 1, ' ');
  header += '\n';
  std::string file(kMagic);
  file += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
  return file + header;
}

template <typename T>
std::string array_of(std::string_view descr, std::span<const T> values, std::span<const std::size_t> shape) {
  assert(std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()) == values.size());
  std::string file = header_of(descr, shape, 0);
  const std::size_t values_at = file.size();
  file.resize(values_at + values.size_bytes());
  if (!values.empty()) std::memcpy(file.data() + values_at, values.data(), values.size_bytes());
  return file;
}

}  // namespace

std::string npy_f32_header(std::span<const std::size_t> shape, std::size_t least_bytes) {
  return header_of("<f4", shape, least_bytes);
}

std::string npy_f32(std::span<const float> values, std::span<const std::size_t> shape) {
  return array_of("<f4", values, shape);
}

std::string npy_u8(std::span<const std::uint8_t> values, std::span<const std::size_t> shape) {
  return array_of("|u1", values, shape);
}

NpyView view_npy_f32(std::span<const std::byte> file, std::string_view name) {
  const Parts parts = split({reinterpret_cast<const char*>(file.data()), file.size()}, name);
  NpyView array{HeaderReader(parts.header, name).shape(), {}};
  std::size_t count = 1;
  for (const std::size_t size : array.shape) {
    if (size != 0 && count > std::numeric_limits<std::size_t>::max() / sizeof(float) / size) {
      refuse(name, fmt::format("shape is ({}), expected one that fits in memory", fmt::join(array.shape, ", ")));
    }
    count *= size;
  }
  if (parts.values.size() != count * sizeof(float)) {
    refuse(name, fmt::format("values are {} bytes, expected {} for shape ({})", parts.values.size(),
                             count * sizeof(float), fmt::join(array.shape, ", ")));
  }
  array.values = std::as_bytes(std::span(parts.values));
  return array;
}

NpyArray parse_npy_f32(std::span<const std::byte> file, std::string_view name) {
  NpyView view = view_npy_f32(file, name);
  NpyArray array{std::move(view.shape), std::vector<float>(view.values.size() / sizeof(float))};
  if (!array.values.empty()) std::memcpy(array.values.data(), view.values.data(), view.values.size());
  return array;
}

}  // namespace fovea
