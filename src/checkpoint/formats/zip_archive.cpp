#include "checkpoint/formats/zip_archive.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "checkpoint/byte_reader.hpp"
#include "checkpoint/formats/zip_end.hpp"

namespace fovea {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::size_t kLocalHeaderBytes = 30;
constexpr std::size_t kCentralHeaderBytes = 46;
constexpr std::size_t kPrefetchedBytes = 256;  // a member's header and its array's header
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kIn64 = 0xFFFF'FFFF;  // "the number is in the zip64 extra field"
constexpr std::uint16_t kEncrypted = 1;       // bit of the flags
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
// DEFLATE's best case is 258 bytes from two bits (zlib's technical notes: 1032:1).
constexpr std::size_t kMaxDeflateRatio = 1032;

/// A row of the central directory.
struct Entry {
  std::string_view name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;
  std::uint64_t header_offset = 0;
};

class DirectoryReader {
 public:
  DirectoryReader(std::span<const std::byte> file, const std::string& path) : file_(file), path_(path) {}

  [[nodiscard]] std::vector<ZipMember> members() {
    const ZipDirectory directory = find_zip_directory(file_, path_);
    ByteReader reader = zip_part(file_, directory.offset, directory.size, path_, "central directory");
    if (directory.entries > directory.size / kCentralHeaderBytes) {
      fail(fmt::format("the directory of {} bytes claims {} members, expected at most {}", directory.size,
                       directory.entries, directory.size / kCentralHeaderBytes));
    }
    std::vector<Entry> entries;
    entries.reserve(directory.entries);
    for (std::uint64_t i = 0; i < directory.entries; ++i) entries.push_back(read_entry(reader));
    prefetch_headers(entries);
    std::vector<ZipMember> found;
    found.reserve(entries.size());
    used_.reserve(entries.size());
    for (const Entry& entry : entries) {
      ZipMember member = locate(entry, directory.offset);
      if (!member.name.ends_with('/')) found.push_back(std::move(member));
    }
    check_overlaps();
    sort_by_name(found);
    return found;
  }

 private:
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::string_view name;
  };

  [[noreturn]] void fail(const std::string& what) const { fail_zip(path_, what); }
  [[noreturn]] void fail(const Entry& entry, const std::string& what) const {
    fail(fmt::format("member '{}' {}", printable(entry.name), what));
  }

  [[nodiscard]] Entry read_entry(ByteReader& reader) const {
    const std::size_t at = reader.at();
    if (reader.read<std::uint32_t>() != kCentralHeader) {
      fail(fmt::format("byte {} of the directory does not begin a member's header, expected one", at));
    }
    Entry entry;
    reader.skip(2 + 2);  // versions
    entry.flags = reader.read<std::uint16_t>();
    entry.method = reader.read<std::uint16_t>();
    reader.skip(2 + 2);  // time, date
    entry.crc32 = reader.read<std::uint32_t>();
    entry.compressed_size = reader.read<std::uint32_t>();
    entry.size = reader.read<std::uint32_t>();
    const auto name_bytes = reader.read<std::uint16_t>();
    const auto extra_bytes = reader.read<std::uint16_t>();
    const auto comment_bytes = reader.read<std::uint16_t>();
    reader.skip(2 + 2 + 4);  // disk, attributes
    entry.header_offset = reader.read<std::uint32_t>();
    entry.name = reader.take_text(name_bytes);
    if (entry.name.empty() || !is_utf8(entry.name) || entry.name.find('\0') != std::string_view::npos) {
      fail(entry, "has no valid name, expected UTF-8");
    }
    read_extra_fields(entry, reader.take(extra_bytes));
    reader.skip(comment_bytes);
    return entry;
  }

  /// Numbers that do not fit into 32 bits are in the zip64 field, in this order; each is present only if needed.
  void read_extra_fields(Entry& entry, std::span<const std::byte> bytes) const {
    ByteReader reader(bytes, fmt::format("{}: the extra field of member '{}'", path_, printable(entry.name)));
    while (reader.left() >= 4) {
      const auto kind = reader.read<std::uint16_t>();
      const auto size = reader.read<std::uint16_t>();
      ByteReader field(reader.take(size),
                       fmt::format("{}: the zip64 field of member '{}'", path_, printable(entry.name)));
      if (kind != kZip64Extra) continue;
      for (std::uint64_t* number : {&entry.size, &entry.compressed_size, &entry.header_offset}) {
        if (*number == kIn64) *number = field.read<std::uint64_t>();
      }
    }
  }

  /// Prefetches the pages of all local headers at once. Reading them one by one from a disk would cost a seek, and a
  /// read-ahead into the content, for each.
  void prefetch_headers(std::span<const Entry> entries) const {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (const Entry& entry : entries) {
      if (entry.header_offset >= file_.size()) continue;  // locate() reports it
      const std::size_t bytes = std::min<std::size_t>(file_.size() - entry.header_offset, kPrefetchedBytes);
      const auto begin = reinterpret_cast<std::uintptr_t>(file_.data() + entry.header_offset);
      const std::uintptr_t aligned = begin / page * page;
      // This is only advice: if it fails, only time is lost.
      static_cast<void>(
          ::posix_madvise(reinterpret_cast<void*>(aligned), begin - aligned + bytes, POSIX_MADV_WILLNEED));
    }
  }

  /// Checks the entry against the local header and the file.
  [[nodiscard]] ZipMember locate(const Entry& entry, std::uint64_t limit) {
    if ((entry.flags & kEncrypted) != 0) fail(entry, "is encrypted, expected plain content");
    if (entry.method != kStored && entry.method != kDeflated) {
      fail(entry, fmt::format("is compressed by method {}, expected 0 (stored) or 8 (deflated)", entry.method));
    }
    if (entry.header_offset > limit || limit - entry.header_offset < kLocalHeaderBytes ||
        zip_signature(file_, entry.header_offset) != kLocalHeader) {
      fail(entry, fmt::format("has no header at byte {}, expected one", entry.header_offset));
    }
    ByteReader local = zip_part(file_, entry.header_offset, limit - entry.header_offset, path_, "local header");
    local.skip(4 + 2 + 2);  // signature, version, flags
    const auto method = local.read<std::uint16_t>();
    local.skip(2 + 2 + 4 + 4 + 4);  // time, date, and what may follow the content instead: checksum, sizes
    const auto name_bytes = local.read<std::uint16_t>();
    const auto extra_bytes = local.read<std::uint16_t>();
    if (local.take_text(name_bytes) != entry.name || method != entry.method) {
      fail(entry, "has another name or method in its own header than in the directory, expected the same");
    }
    local.skip(extra_bytes);
    if (entry.compressed_size > local.left()) {
      fail(entry, fmt::format("has {} bytes, expected at most the {} up to the directory", entry.compressed_size,
                              local.left()));
    }
    check_size(entry);
    const std::uint64_t begin = entry.header_offset + local.at();
    used_.push_back({entry.header_offset, begin + entry.compressed_size, entry.name});
    return {std::string(entry.name),
            file_.subspan(begin, entry.compressed_size),
            entry.size,
            entry.crc32,
            entry.method == kDeflated,
            fmt::format("{}: member '{}'", path_, printable(entry.name))};
  }

  void check_size(const Entry& entry) const {
    if (entry.method == kStored && entry.size != entry.compressed_size) {
      fail(entry, fmt::format("has {} bytes, expected {} because it is stored", entry.compressed_size, entry.size));
    }
    if (entry.method == kDeflated && entry.size / kMaxDeflateRatio > entry.compressed_size) {
      fail(entry, fmt::format("claims {} bytes, expected at most {} from a deflated {}", entry.size,
                              entry.compressed_size * kMaxDeflateRatio, entry.compressed_size));
    }
  }

  /// Small archives can expand to huge ones by letting members share bytes, so no byte may belong to two.
  void check_overlaps() {
    std::sort(used_.begin(), used_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    const auto overlap =
        std::adjacent_find(used_.begin(), used_.end(), [](const Range& a, const Range& b) { return a.end > b.begin; });
    if (overlap != used_.end()) {
      fail(fmt::format("member '{}' overlaps member '{}', expected each to have bytes of its own",
                       printable(overlap->name), printable(std::next(overlap)->name)));
    }
  }

  void sort_by_name(std::vector<ZipMember>& found) const {
    std::sort(found.begin(), found.end(), [](const ZipMember& a, const ZipMember& b) { return a.name < b.name; });
    const auto repeated = std::adjacent_find(found.begin(), found.end(),
                                             [](const ZipMember& a, const ZipMember& b) { return a.name == b.name; });
    if (repeated != found.end())
      fail(fmt::format("member '{}' appears twice, expected once", printable(repeated->name)));
  }

  std::span<const std::byte> file_;
  const std::string& path_;
  std::vector<Range> used_;
};

}  // namespace

bool is_zip(std::span<const std::byte> file) noexcept {
  const std::uint32_t signature = zip_signature(file, 0);
  return signature == kLocalHeader || signature == kZipEnd;
}

std::string_view first_member_name(std::span<const std::byte> file) noexcept {
  if (file.size() < kLocalHeaderBytes || zip_signature(file, 0) != kLocalHeader) return {};
  const auto name_bytes = std::to_integer<std::size_t>(file[26]) | std::to_integer<std::size_t>(file[27]) << 8U;
  if (name_bytes > file.size() - kLocalHeaderBytes) return {};
  return {reinterpret_cast<const char*>(file.data()) + kLocalHeaderBytes, name_bytes};
}

std::vector<ZipMember> read_zip_directory(std::span<const std::byte> file, const std::string& path) {
  return DirectoryReader(file, path).members();
}

const ZipMember* find_member(std::span<const ZipMember> members, std::string_view name) noexcept {
  const auto at = std::lower_bound(members.begin(), members.end(), name,
                                   [](const ZipMember& member, std::string_view key) { return member.name < key; });
  return at != members.end() && at->name == name ? &*at : nullptr;
}

}  // namespace fovea
