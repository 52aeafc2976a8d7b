#include "base/files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/open_file.hpp"
#include "base/output/temporary_file.hpp"
#include "base/text.hpp"

namespace fovea {
namespace {

/// What is wrong with a name or with what lies in its way. All else (no room, a disk that fails or may only be read, no
/// memory) would stop the next file, too.
bool concerns_one_file(int error_number) {
  constexpr std::array kOfOneFile{ENAMETOOLONG, EINVAL, EILSEQ, ENOENT, ENOTDIR, EISDIR,     EEXIST,      ELOOP,
                                  EACCES,       EPERM,  EBUSY,  ENXIO,  ETXTBSY, EPROTOTYPE, ECONNREFUSED};
  return std::find(kOfOneFile.begin(), kOfOneFile.end(), error_number) != kOfOneFile.end();
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const OpenFile file = open_regular_file(path);
  std::vector<std::byte> content(file.size());
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::read(file.descriptor(), content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw unreadable(path, errno);
    if (got == 0) break;  // it shrank while being read
    done += static_cast<std::size_t>(got);
  }
  content.resize(done);
  return content;
}

std::string read_text_file(const std::filesystem::path& path) {
  const std::vector<std::byte> content = read_file(path);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

void make_folders(const std::filesystem::path& folder) {
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error && std::filesystem::is_directory(folder, error)) return;
  for (std::filesystem::path part = folder; !part.empty(); part = part.parent_path()) {
    std::error_code ignored;
    if (std::filesystem::exists(part, ignored) && !std::filesystem::is_directory(part, ignored)) {
      throw RefusedFile(
          ErrorCode::kOutput,
          fmt::format("{}: cannot be created: {} is a file, expected a folder", printable(folder), printable(part)),
          "choose another place with -o");
    }
    if (part == part.parent_path()) break;
  }
  fail_to_write(folder, error ? error.value() : ENOTDIR);
}

void check_writable(const std::filesystem::path& folder) {
  make_folders(folder);
  const TemporaryFile probe = create_temporary(folder, folder);
  ::unlink(probe.path.c_str());
  ::close(probe.descriptor);
}

void fail_to_write(const std::filesystem::path& path, int error_number) {
  const std::string message =
      fmt::format("{}: cannot be written: {}", printable(path), std::generic_category().message(error_number));
  const bool lacks_room = error_number == ENOSPC || error_number == EFBIG || error_number == EDQUOT;
  const std::string hint =
      lacks_room ? "free some space, or choose another place with -o" : "choose another place with -o";
  if (concerns_one_file(error_number)) throw RefusedFile(ErrorCode::kOutput, message, hint);
  throw Error(ErrorCode::kOutput, message, hint);
}

void replace_file(const std::filesystem::path& path, std::span<const std::byte> content, Sync sync) {
  PendingFile file(path);
  file.append(content);
  file.commit(sync);
}

void replace_file(const std::filesystem::path& path, std::string_view content, Sync sync) {
  replace_file(path, std::as_bytes(std::span(content)), sync);
}

std::string printable(const std::filesystem::path& path) {
  const std::string& bytes = path.native();
  const bool utf8 = is_utf8(bytes);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    // U+0080 to U+009F are control characters too: C2 80 to C2 9F.
    const auto before = i > 0 ? static_cast<unsigned char>(bytes[i - 1]) : 0U;
    const auto after = i + 1 < bytes.size() ? static_cast<unsigned char>(bytes[i + 1]) : 0U;
    const bool c1 = (byte == 0xC2 && after < 0xA0) || (before == 0xC2 && byte < 0xA0);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && (!utf8 || c1))) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += bytes[i];
    }
  }
  return text;
}

}  // namespace fovea
