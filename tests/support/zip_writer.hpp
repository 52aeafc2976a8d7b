// Writes zip archives, valid and invalid.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fovea::test {

struct ZipEntry {
  std::string name;
  std::string content;
  bool deflated = false;
  bool zip64 = false;            // sizes and offset go into the directory's zip64 field
  std::size_t padding = 0;       // bytes of an extra field before the content, as PyTorch aligns storages
  std::string local_extra = {};  // fields in the member's own header
  std::uint16_t flags = 0;       // 1: encrypted
  // Values that the headers give instead of the true ones.
  std::optional<std::uint16_t> method = {};
  std::optional<std::uint32_t> crc32 = {};
  std::optional<std::uint64_t> size = {};
  std::optional<std::uint64_t> compressed_size = {};
  std::optional<std::uint64_t> header_offset = {};
  std::optional<std::string> local_name = {};
};

struct ZipEnd {
  bool zip64 = false;  // ends as PyTorch's archives do
  std::string comment = {};
  // Values to write instead of the true ones.
  std::optional<std::uint64_t> entries = {};
  std::optional<std::uint64_t> directory_size = {};
  std::optional<std::uint64_t> directory_offset = {};
  std::optional<std::uint64_t> zip64_record = {};
};

[[nodiscard]] std::string make_zip(const std::vector<ZipEntry>& entries, const ZipEnd& end = {});

/// The lowest `count` bytes of `number`, little-endian.
[[nodiscard]] std::string little_endian(std::uint64_t number, std::size_t count);

}  // namespace fovea::test
