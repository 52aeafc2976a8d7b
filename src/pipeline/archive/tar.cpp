#include "pipeline/archive/tar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace fovea {
namespace {

constexpr std::size_t kBlock = 512;                  // bytes; all of an archive is made of these
constexpr std::uint64_t kMostNameBytes = 1U << 20U;  // of a long name, or of a pax header

/// What completes "the archive …".
struct Damage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Header = std::span<const std::byte, kBlock>;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A field up to its first NUL.
std::string_view field(Header header, std::size_t at, std::size_t bytes) {
  const std::string_view all = text_of(header.subspan(at, bytes));
  return all.substr(0, std::min(all.find('\0'), all.size()));
}

/// Octal digits, or, where the first bit is set, a big-endian number.
std::uint64_t number(Header header, std::size_t at, std::size_t bytes) {
  const auto first = std::to_integer<unsigned>(header[at]);
  if (first >= 0x80) {
    std::uint64_t value = first & 0x7FU;
    for (std::size_t i = at + 1; i < at + bytes; ++i) {
      if (value >> 55U != 0) throw Damage("is damaged: a size is negative or too large");
      value = value << 8U | std::to_integer<std::uint64_t>(header[i]);
    }
    return value;
  }
  std::string_view digits = field(header, at, bytes);
  while (digits.starts_with(' ')) digits.remove_prefix(1);
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  if (!digits.empty() && (error != std::errc() || end != digits.data() + digits.size())) {
    throw Damage("is damaged: a header holds no octal number where one belongs");
  }
  return value;
}

/// The sum of all bytes, the eight of the checksum counted as spaces. Old programs summed signed bytes.
bool has_its_checksum(Header header) {
  constexpr std::size_t kAt = 148;
  constexpr std::size_t kBytes = 8;
  std::int64_t plain = kBytes * std::int64_t{' '};
  std::int64_t with_signs = plain;
  for (std::size_t i = 0; i < kBlock; ++i) {
    if (i >= kAt && i < kAt + kBytes) continue;
    const auto byte = std::to_integer<unsigned char>(header[i]);
    plain += byte;
    with_signs += static_cast<signed char>(byte);
  }
  const auto stored = static_cast<std::int64_t>(number(header, kAt, kBytes));
  return stored == plain || stored == with_signs;
}

/// The records "LENGTH KEY=VALUE\n" of a pax header.
std::map<std::string, std::string> pax_records(std::string_view text) {
  std::map<std::string, std::string> records;
  while (!text.empty()) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || length > text.size() || length < digits + 2 || text[digits] != ' ' ||
        text[length - 1] != '\n') {
      throw Damage("is damaged: a pax header holds what is no record");
    }
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) throw Damage("is damaged: a record of a pax header has no value");
    records.insert_or_assign(std::string(record.substr(0, equals)), std::string(record.substr(equals + 1)));
    text.remove_prefix(length);
  }
  return records;
}

class TarReader {
 public:
  explicit TarReader(std::span<const std::byte> archive) : archive_(archive) {}

  TarListing list() {
    TarListing listing;
    try {
      while (next(listing.members)) {
      }
    } catch (const Damage& damage) {
      listing.damage = damage.what();
    }
    return listing;
  }

 private:
  /// False at the end, which is an empty block.
  bool next(std::vector<TarMember>& members) {
    if (archive_.size() - at_ < kBlock) {
      throw Damage(
          fmt::format("is cut short: it ends at byte {}, expected an empty block at the end", archive_.size()));
    }
    const Header header(archive_.subspan(at_).first<kBlock>());
    if (std::all_of(header.begin(), header.end(), [](std::byte byte) { return byte == std::byte{0}; })) return false;
    if (!has_its_checksum(header)) {
      throw Damage(fmt::format("is damaged: the header at byte {} has another checksum than it says", at_));
    }
    at_ += kBlock;
    add(header, members);
    return true;
  }

  void add(Header header, std::vector<TarMember>& members) {
    const char type = std::to_integer<char>(header[156]);
    switch (type) {
      case 'L': {  // GNU's: the next member's name
        const std::string_view text = text_of(content(short_size(header)));
        long_name_ = std::string(text.substr(0, std::min(text.find('\0'), text.size())));
        return;
      }
      case 'x': pax_ = pax_records(text_of(content(short_size(header)))); return;
      case 'g': global_ = pax_records(text_of(content(short_size(header)))); return;
      case '\0':
      case '0':
      case '7': return add_file(header, {}, members);
      case 'S': return add_file(header, "is a sparse file", members);
      case '1':
      case '2': {
        members.push_back({name_of(header), at_, 0, "is a link"});
        break;
      }
      case '3':
      case '4':
      case '5':
      case '6': break;                                       // devices, folders: they have no content
      default: static_cast<void>(content(size_of(header)));  // of some program's own
    }
    forget();
  }

  void add_file(Header header, std::string refused, std::vector<TarMember>& members) {
    std::string name = name_of(header);
    if (pax_.contains("GNU.sparse.major") || pax_.contains("GNU.sparse.map") || pax_.contains("GNU.sparse.size")) {
      refused = "is a sparse file";
    }
    const std::uint64_t bytes = size_of(header);
    if (header[482] != std::byte{0} && refused == "is a sparse file" && pax_.empty()) {
      throw Damage("has a sparse file of many pieces, which is not read");
    }
    const std::uint64_t offset = at_;
    static_cast<void>(content(bytes));
    if (!name.ends_with('/')) members.push_back({std::move(name), offset, bytes, std::move(refused)});
    forget();
  }

  [[nodiscard]] std::string name_of(Header header) const {
    if (const auto path = pax_.find("path"); path != pax_.end()) return path->second;
    if (long_name_) return *long_name_;
    const std::string name(field(header, 0, 100));
    const std::string_view prefix = field(header, 345, 155);
    const bool is_ustar = text_of(header.subspan(257, 6)) == std::string_view("ustar\0", 6);
    return is_ustar && !prefix.empty() ? fmt::format("{}/{}", prefix, name) : name;
  }

  [[nodiscard]] std::uint64_t size_of(Header header) const {
    const auto own = pax_.find("size");
    const auto found = own != pax_.end() ? own : global_.find("size");
    if (found == (own != pax_.end() ? pax_.end() : global_.end())) return number(header, 124, 12);
    std::uint64_t size = 0;
    const std::string& digits = found->second;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      throw Damage("is damaged: the size in a pax header is no number");
    }
    return size;
  }

  static std::uint64_t short_size(Header header) {
    const std::uint64_t size = number(header, 124, 12);
    if (size > kMostNameBytes) throw Damage("is damaged: a name is longer than 1 MB");
    return size;
  }

  /// The next bytes; goes on behind the block that they end in.
  std::span<const std::byte> content(std::uint64_t bytes) {
    const std::uint64_t rest = archive_.size() - at_;
    if (bytes > rest) {
      throw Damage(fmt::format("is cut short: the file at byte {} has {} bytes, expected {}", at_, rest, bytes));
    }
    const auto found = archive_.subspan(at_, static_cast<std::size_t>(bytes));
    const std::uint64_t padded = (bytes + kBlock - 1) / kBlock * kBlock;
    at_ += static_cast<std::size_t>(std::min(padded, rest));
    return found;
  }

  void forget() {
    pax_.clear();
    long_name_.reset();
  }

  std::span<const std::byte> archive_;
  std::size_t at_ = 0;
  std::map<std::string, std::string> global_;  // pax headers for all that follows
  std::map<std::string, std::string> pax_;     // and for the next member
  std::optional<std::string> long_name_;       // of the next member
};

}  // namespace

TarListing list_tar(std::span<const std::byte> archive) {
  return TarReader(archive).list();
}

}  // namespace fovea
