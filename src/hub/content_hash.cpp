#include "hub/content_hash.hpp"

#include <fmt/format.h>
#include <nettle/sha1.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <vector>

#include "base/open_file.hpp"
#include "base/process/interrupt.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

namespace fovea {
namespace {

/// As it lies on the disk, a piece at a time.
template <typename Take>
void read_through(const OpenFile& file, const std::filesystem::path& path, const Take& take) {
  std::vector<std::byte> piece(std::size_t{1} << 20U);
  for (;;) {
    stop_if_interrupted();
    const ssize_t got = ::read(file.descriptor(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw unreadable(path, errno);
    if (got == 0) return;
    take(std::span(piece).first(static_cast<std::size_t>(got)));
  }
}

}  // namespace

std::string git_blob_hash(const std::filesystem::path& file) {
  const OpenFile opened = open_regular_file(file);
  sha1_ctx context{};
  sha1_init(&context);
  const auto add = [&](std::span<const std::byte> bytes) {
    sha1_update(&context, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
  };
  const std::string header = fmt::format("blob {}", opened.size());
  add(std::as_bytes(std::span(header.c_str(), header.size() + 1)));
  read_through(opened, file, add);
  std::array<std::uint8_t, SHA1_DIGEST_SIZE> digest{};
  sha1_digest(&context, digest.size(), digest.data());
  return hex_text(digest);
}

std::string file_sha256(const std::filesystem::path& file) {
  const OpenFile opened = open_regular_file(file);
  Sha256 hash;
  read_through(opened, file, [&](std::span<const std::byte> bytes) { hash.update(bytes); });
  return hash.hex();
}

}  // namespace fovea
