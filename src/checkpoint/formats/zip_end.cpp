#include "checkpoint/formats/zip_end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr std::uint32_t kZip64End = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kZip64LocatorBytes = 20;
constexpr std::size_t kMaxCommentBytes = 0xFFFF;

/// The end record is the last thing in the file, apart from a comment.
std::size_t find_end_record(std::span<const std::byte> file, const std::string& path) {
  if (file.size() >= kEndBytes) {
    const std::size_t last = file.size() - kEndBytes;
    const std::size_t first = last - std::min(last, kMaxCommentBytes);
    for (std::size_t at = last + 1; at-- > first;) {
      if (zip_signature(file, at) != kZipEnd) continue;
      const auto comment_bytes =
          std::to_integer<std::size_t>(file[at + 20]) | std::to_integer<std::size_t>(file[at + 21]) << 8U;
      if (comment_bytes == last - at) return at;
    }
  }
  fail_zip(path, "the zip archive has no directory at its end, expected one (is the file cut short?)");
}

[[noreturn]] void fail_split(const std::string& path) {
  fail_zip(path, "the zip archive is split over several files, expected a single one");
}

/// Replaces `directory`; returns where the zip64 end record begins.
std::size_t read_zip64_end(std::span<const std::byte> file, const std::string& path, std::size_t locator,
                           ZipDirectory& directory) {
  ByteReader reader = zip_part(file, locator, kZip64LocatorBytes, path, "zip64 locator");
  reader.skip(8);
  const auto record = reader.read<std::uint64_t>();
  if (record > locator || zip_signature(file, record) != kZip64End) {
    fail_zip(path, fmt::format("the zip64 end record is not at byte {}, where the locator says it is", record));
  }
  ByteReader end = zip_part(file, record, locator - record, path, "zip64 end record");
  end.skip(4 + 8 + 2 + 2);  // signature, size of the record, versions
  const auto disk = end.read<std::uint32_t>();
  const auto directory_disk = end.read<std::uint32_t>();
  const auto entries_here = end.read<std::uint64_t>();
  directory.entries = end.read<std::uint64_t>();
  directory.size = end.read<std::uint64_t>();
  directory.offset = end.read<std::uint64_t>();
  if (disk != 0 || directory_disk != 0 || entries_here != directory.entries) fail_split(path);
  return record;
}

}  // namespace

ZipDirectory find_zip_directory(std::span<const std::byte> file, const std::string& path) {
  const std::size_t end_record = find_end_record(file, path);
  ByteReader reader = zip_part(file, end_record, kEndBytes, path, "end record");
  reader.skip(4);
  const auto disk = reader.read<std::uint16_t>();
  const auto directory_disk = reader.read<std::uint16_t>();
  const auto entries_here = reader.read<std::uint16_t>();
  ZipDirectory directory;
  directory.entries = reader.read<std::uint16_t>();
  directory.size = reader.read<std::uint32_t>();
  directory.offset = reader.read<std::uint32_t>();
  std::uint64_t directory_limit = end_record;
  if (end_record >= kZip64LocatorBytes && zip_signature(file, end_record - kZip64LocatorBytes) == kZip64Locator) {
    directory_limit = read_zip64_end(file, path, end_record - kZip64LocatorBytes, directory);
  } else if (disk != 0 || directory_disk != 0 || entries_here != directory.entries) {
    fail_split(path);
  }
  if (directory.offset > directory_limit || directory.size > directory_limit - directory.offset) {
    fail_zip(path, fmt::format("the directory lies at byte {} and has {} bytes, expected it to end before byte {}",
                               directory.offset, directory.size, directory_limit));
  }
  return directory;
}

std::uint32_t zip_signature(std::span<const std::byte> file, std::size_t at) noexcept {
  std::uint32_t signature = 0;
  if (file.size() >= sizeof signature && at <= file.size() - sizeof signature) {
    std::memcpy(&signature, file.data() + at, sizeof signature);
  }
  return signature;
}

ByteReader zip_part(std::span<const std::byte> file, std::uint64_t offset, std::uint64_t size, const std::string& path,
                    const char* part) {
  if (offset > file.size() || size > file.size() - offset) {
    fail_zip(path, fmt::format("the {} lies at byte {} and has {} bytes, expected within the file's {}", part, offset,
                               size, file.size()));
  }
  return {file.subspan(offset, size), fmt::format("{}: the {}", path, part)};
}

void fail_zip(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path, what),
              "the file is damaged or cut short: download it again, or save it again");
}

}  // namespace fovea
