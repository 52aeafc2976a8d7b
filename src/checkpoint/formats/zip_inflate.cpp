// Reads members of zip archives through zlib.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "checkpoint/formats/zip_archive.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::kCheckpoint, what, "the file is damaged: download it again, or save it again");
}

/// A raw DEFLATE stream, read from memory.
class InflateStream {
 public:
  explicit InflateStream(const ZipMember& member) : member_(member), input_(member.content) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) {
      throw Error(ErrorCode::kBackend, fmt::format("{}: zlib could not start to inflate it", member.where));
    }
  }
  ~InflateStream() { inflateEnd(&stream_); }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  /// Fills `out` from the stream; returns the number of bytes written.
  [[nodiscard]] std::size_t read(std::span<std::byte> out) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    std::size_t filled = 0;
    while (filled < out.size() && !ended_) {
      if (stream_.avail_in == 0 && !input_.empty()) {
        stream_.avail_in = static_cast<uInt>(std::min(input_.size(), kMost));
        // zlib does not write to its input, although its type is not const.
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input_.data()));
        input_ = input_.subspan(stream_.avail_in);
      }
      const auto room = static_cast<uInt>(std::min(out.size() - filled, kMost));
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
      stream_.avail_out = room;
      const int result = ::inflate(&stream_, Z_NO_FLUSH);
      filled += room - stream_.avail_out;
      ended_ = result == Z_STREAM_END;
      if (result != Z_OK && !ended_) {
        fail(fmt::format("{} is not a valid DEFLATE stream, expected {} bytes from it ({})", member_.where,
                         member_.size, stream_.msg == nullptr ? "it ends too early" : stream_.msg));
      }
    }
    return filled;
  }

 private:
  const ZipMember& member_;
  std::span<const std::byte> input_;
  z_stream stream_{};
  bool ended_ = false;
};

}  // namespace

std::vector<std::byte> read_member(const ZipMember& member) {
  if (!member.deflated) return {member.content.begin(), member.content.end()};
  InflateStream stream(member);
  std::vector<std::byte> bytes(member.size);
  const std::size_t filled = stream.read(bytes);
  std::byte more{};
  if (filled < bytes.size() || stream.read({&more, 1}) > 0) {
    fail(fmt::format("{} inflates to {} bytes, expected {}", member.where,
                     filled < bytes.size() ? fmt::to_string(filled) : "more", bytes.size()));
  }
  const auto checksum = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (checksum != member.crc32) {
    fail(fmt::format("{} has CRC-32 {:08x}, expected {:08x}", member.where, checksum, member.crc32));
  }
  return bytes;
}

std::vector<std::byte> read_beginning(const ZipMember& member, std::size_t count) {
  std::vector<std::byte> bytes(std::min(count, member.size));
  if (!member.deflated) {
    std::copy_n(member.content.begin(), bytes.size(), bytes.begin());
  } else {
    InflateStream stream(member);
    bytes.resize(stream.read(bytes));
  }
  return bytes;
}

}  // namespace fovea
