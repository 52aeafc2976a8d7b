// The end of a zip archive, from which it is read: where the central directory lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "checkpoint/byte_reader.hpp"

namespace fovea {

inline constexpr std::uint32_t kZipEnd = 0x06054b50;  // signature of the end record

struct ZipDirectory {
  std::uint64_t entries = 0;
  std::uint64_t size = 0;  // bytes
  std::uint64_t offset = 0;
};
/// Reads the end record and, where there is one, the zip64 end record.
/// @throws Error  kCheckpoint: the end record is missing or damaged, or the archive is split over several files.
[[nodiscard]] ZipDirectory find_zip_directory(std::span<const std::byte> file, const std::string& path);

/// The four bytes at `at`, or 0 beyond the file's end.
[[nodiscard]] std::uint32_t zip_signature(std::span<const std::byte> file, std::size_t at) noexcept;
/// A reader of one part of the file.
/// @param part    "end record", for messages
/// @throws Error  kCheckpoint: the part does not lie within the file.
[[nodiscard]] ByteReader zip_part(std::span<const std::byte> file, std::uint64_t offset, std::uint64_t size,
                                  const std::string& path, const char* part);
/// @throws Error  kCheckpoint: "<path>: <what>"; the archive is damaged.
[[noreturn]] void fail_zip(const std::string& path, const std::string& what);

}  // namespace fovea
