#include "checkpoint/formats/zip_archive.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "checkpoint/byte_reader.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kZip64End = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::size_t kLocalHeaderBytes = 30;
constexpr std::size_t kCentralHeaderBytes = 46;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kPrefetchedBytes = 256;  // a member's header and that of the array in it
constexpr std::size_t kZip64LocatorBytes = 20;
constexpr std::size_t kMaxCommentBytes = 0xFFFF;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kIn64 = 0xFFFF'FFFF;  // "the number is in the zip64 extra field"
constexpr std::uint16_t kEncrypted = 1;       // bit of the flags
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr const char* kDamagedHint = "the file is damaged or cut short: download it again, or save it again";
// 258 bytes for two bits is the most that DEFLATE can do (zlib's technical notes: 1032:1).
constexpr std::size_t kMaxDeflateRatio = 1032;

std::uint32_t signature_at(std::span<const std::byte> file, std::size_t at) noexcept {
  std::uint32_t signature = 0;
  if (file.size() >= sizeof signature && at <= file.size() - sizeof signature) {
    std::memcpy(&signature, file.data() + at, sizeof signature);
  }
  return signature;
}

/// Where the central directory lies.
struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t size = 0;  // bytes
  std::uint64_t offset = 0;
};

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
    const Directory directory = find_directory();
    ByteReader reader = reader_at(directory.offset, directory.size, "central directory");
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

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path_, what), kDamagedHint);
  }
  [[noreturn]] void fail(const Entry& entry, const std::string& what) const {
    fail(fmt::format("member '{}' {}", printable(entry.name), what));
  }

  [[nodiscard]] ByteReader reader_at(std::uint64_t offset, std::uint64_t size, const char* part) const {
    if (offset > file_.size() || size > file_.size() - offset) {
      fail(fmt::format("the {} lies at byte {} and has {} bytes, expected within the file's {}", part, offset, size,
                       file_.size()));
    }
    return {file_.subspan(offset, size), fmt::format("{}: the {}", path_, part)};
  }

  /// The end record is the last thing in the file but for a comment.
  [[nodiscard]] std::size_t find_end_record() const {
    if (file_.size() >= kEndBytes) {
      const std::size_t last = file_.size() - kEndBytes;
      const std::size_t first = last - std::min(last, kMaxCommentBytes);
      for (std::size_t at = last + 1; at-- > first;) {
        if (signature_at(file_, at) != kEnd) continue;
        const auto comment_bytes =
            std::to_integer<std::size_t>(file_[at + 20]) | std::to_integer<std::size_t>(file_[at + 21]) << 8U;
        if (comment_bytes == last - at) return at;
      }
    }
    fail("the zip archive has no directory at its end, expected one (is the file cut short?)");
  }

  [[nodiscard]] Directory find_directory() const {
    const std::size_t end_record = find_end_record();
    ByteReader reader = reader_at(end_record, kEndBytes, "end record");
    reader.skip(4);
    const auto disk = reader.read<std::uint16_t>();
    const auto directory_disk = reader.read<std::uint16_t>();
    const auto entries_here = reader.read<std::uint16_t>();
    Directory directory;
    directory.entries = reader.read<std::uint16_t>();
    directory.size = reader.read<std::uint32_t>();
    directory.offset = reader.read<std::uint32_t>();
    std::uint64_t directory_limit = end_record;
    if (end_record >= kZip64LocatorBytes && signature_at(file_, end_record - kZip64LocatorBytes) == kZip64Locator) {
      directory_limit = read_zip64_end(end_record - kZip64LocatorBytes, directory);
    } else if (disk != 0 || directory_disk != 0 || entries_here != directory.entries) {
      fail("the zip archive is split over several files, expected a single one");
    }
    if (directory.offset > directory_limit || directory.size > directory_limit - directory.offset) {
      fail(fmt::format("the directory lies at byte {} and has {} bytes, expected it to end before byte {}",
                       directory.offset, directory.size, directory_limit));
    }
    return directory;
  }

  /// Replaces `directory`; returns where the zip64 end record begins.
  [[nodiscard]] std::uint64_t read_zip64_end(std::size_t locator, Directory& directory) const {
    ByteReader reader = reader_at(locator, kZip64LocatorBytes, "zip64 locator");
    reader.skip(8);
    const auto record = reader.read<std::uint64_t>();
    if (record > locator || signature_at(file_, record) != kZip64End) {
      fail(fmt::format("the zip64 end record is not at byte {}, where the locator says it is", record));
    }
    ByteReader end = reader_at(record, locator - record, "zip64 end record");
    end.skip(4 + 8 + 2 + 2);  // signature, size of the record, versions
    const auto disk = end.read<std::uint32_t>();
    const auto directory_disk = end.read<std::uint32_t>();
    const auto entries_here = end.read<std::uint64_t>();
    directory.entries = end.read<std::uint64_t>();
    directory.size = end.read<std::uint64_t>();
    directory.offset = end.read<std::uint64_t>();
    if (disk != 0 || directory_disk != 0 || entries_here != directory.entries) {
      fail("the zip archive is split over several files, expected a single one");
    }
    return record;
  }

  [[nodiscard]] Entry read_entry(ByteReader& reader) const {
    const std::size_t at = reader.at();
    if (reader.read<std::uint32_t>() != kCentralHeader) {
      fail(fmt::format("no member is described at byte {} of the directory, expected one", at));
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

  /// Numbers that do not fit into 32 bits are in the zip64 field, in this order, each only if it is needed.
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

  /// Asks for the pages of all local headers at once. Reading them one after the other from a disk would take a seek,
  /// and a read-ahead into the content, for each.
  void prefetch_headers(std::span<const Entry> entries) const {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (const Entry& entry : entries) {
      if (entry.header_offset >= file_.size()) continue;  // locate refuses it
      const std::size_t bytes = std::min<std::size_t>(file_.size() - entry.header_offset, kPrefetchedBytes);
      const auto begin = reinterpret_cast<std::uintptr_t>(file_.data() + entry.header_offset);
      const std::uintptr_t aligned = begin / page * page;
      // Mere advice: where it fails, nothing is lost but time.
      static_cast<void>(
          ::posix_madvise(reinterpret_cast<void*>(aligned), begin - aligned + bytes, POSIX_MADV_WILLNEED));
    }
  }

  /// Holds the entry against the local header and the file.
  [[nodiscard]] ZipMember locate(const Entry& entry, std::uint64_t limit) {
    if ((entry.flags & kEncrypted) != 0) fail(entry, "is encrypted, expected plain content");
    if (entry.method != kStored && entry.method != kDeflated) {
      fail(entry, fmt::format("is compressed by method {}, expected 0 (stored) or 8 (deflated)", entry.method));
    }
    if (entry.header_offset > limit || limit - entry.header_offset < kLocalHeaderBytes ||
        signature_at(file_, entry.header_offset) != kLocalHeader) {
      fail(entry, fmt::format("has no header at byte {}, expected one", entry.header_offset));
    }
    ByteReader local = reader_at(entry.header_offset, limit - entry.header_offset, "local header");
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

  /// Bytes that belong to two members are how small archives become huge ones.
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
      fail(fmt::format("member '{}' is there twice, expected once", printable(repeated->name)));
  }

  std::span<const std::byte> file_;
  const std::string& path_;
  std::vector<Range> used_;
};

}  // namespace

bool is_zip(std::span<const std::byte> file) noexcept {
  const std::uint32_t signature = signature_at(file, 0);
  return signature == kLocalHeader || signature == kEnd;
}

std::string_view first_member_name(std::span<const std::byte> file) noexcept {
  if (file.size() < kLocalHeaderBytes || signature_at(file, 0) != kLocalHeader) return {};
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
