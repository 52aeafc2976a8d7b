#include "support/zip_writer.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace fovea::test {
namespace {

const Bytef* bytes_of(const std::string& text) {
  return reinterpret_cast<const Bytef*>(text.data());
}

/// A raw DEFLATE stream.
std::string deflate_raw(const std::string& content) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib cannot deflate");
  }
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = const_cast<Bytef*>(bytes_of(content));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("zlib did not deflate all");
  return out;
}

std::string saturated(std::uint64_t number, bool in_zip64) {
  return little_endian(in_zip64 ? std::numeric_limits<std::uint32_t>::max() : number, 4);
}

}  // namespace

std::string little_endian(std::uint64_t number, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(number >> (8U * i) & 0xFFU);
  return bytes;
}

std::string make_zip(const std::vector<ZipEntry>& entries, const ZipEnd& end) {
  std::string file;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    const std::string packed = entry.deflated ? deflate_raw(entry.content) : entry.content;
    const auto method = little_endian(entry.method.value_or(entry.deflated ? 8 : 0), 2);
    const auto checksum = static_cast<std::uint32_t>(
        crc32(0, entry.content.empty() ? Z_NULL : bytes_of(entry.content), static_cast<uInt>(entry.content.size())));
    const auto crc = little_endian(entry.crc32.value_or(checksum), 4);
    const std::uint64_t size = entry.size.value_or(entry.content.size());
    const std::uint64_t compressed_size = entry.compressed_size.value_or(packed.size());
    const std::uint64_t offset = entry.header_offset.value_or(file.size());
    const std::string sizes = saturated(compressed_size, entry.zip64) + saturated(size, entry.zip64);
    const std::string local_name = entry.local_name.value_or(entry.name);
    std::string local_extra = entry.local_extra;
    if (entry.padding >= 4) {
      local_extra += "FB" + little_endian(entry.padding - 4, 2) + std::string(entry.padding - 4, 'Z');
    }
    std::string extra;
    if (entry.zip64) {
      extra = little_endian(1, 2) + little_endian(24, 2) + little_endian(size, 8) + little_endian(compressed_size, 8) +
              little_endian(offset, 8);
    }
    const std::string times(4, '\0');
    const std::string version = little_endian(20, 2);
    const std::string flags = little_endian(entry.flags, 2);
    directory += "PK\1\2" + version + version + flags + method + times + crc + sizes +
                 little_endian(entry.name.size(), 2) + little_endian(extra.size(), 2) + std::string(10, '\0') +
                 saturated(offset, entry.zip64) + entry.name + extra;
    file += "PK\3\4" + version + flags + method + times + crc + sizes + little_endian(local_name.size(), 2) +
            little_endian(local_extra.size(), 2) + local_name + local_extra + packed;
  }
  const std::uint64_t count = end.entries.value_or(entries.size());
  const std::uint64_t size = end.directory_size.value_or(directory.size());
  const std::uint64_t offset = end.directory_offset.value_or(file.size());
  file += directory;
  if (end.zip64) {
    const std::uint64_t record = end.zip64_record.value_or(file.size());
    file += "PK\6\6" + little_endian(44, 8) + little_endian(45, 2) + little_endian(45, 2) + std::string(8, '\0') +
            little_endian(count, 8) + little_endian(count, 8) + little_endian(size, 8) + little_endian(offset, 8);
    file += "PK\6\7" + std::string(4, '\0') + little_endian(record, 8) + little_endian(1, 4);
  }
  const auto in_16_bits = little_endian(end.zip64 ? 0xFFFFU : count, 2);
  return file + "PK\5\6" + std::string(4, '\0') + in_16_bits + in_16_bits + saturated(size, end.zip64) +
         saturated(offset, end.zip64) + little_endian(end.comment.size(), 2) + end.comment;
}

}  // namespace fovea::test
