#include "base/files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/open_file.hpp"
#include "base/pending_file.hpp"
#include "base/text.hpp"

namespace fovea {

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
      throw Error(
          ErrorCode::kOutput,
          fmt::format("{}: cannot be created: {} is a file, expected a folder", printable(folder), printable(part)),
          "choose another place with -o");
    }
    if (part == part.parent_path()) break;
  }
  throw unwritable(folder, error ? error.value() : ENOTDIR);
}

Error unwritable(const std::filesystem::path& path, int error_number) {
  return Error(ErrorCode::kOutput,
               fmt::format("{}: cannot be written: {}", printable(path), std::generic_category().message(error_number)),
               error_number == ENOSPC || error_number == EFBIG || error_number == EDQUOT
                   ? "free some space, or choose another place with -o"
                   : "choose another place with -o");
}

void replace_file(const std::filesystem::path& path, std::span<const std::byte> content) {
  PendingFile file(path);
  file.append(content);
  file.commit();
}

void replace_file(const std::filesystem::path& path, std::string_view content) {
  replace_file(path, std::as_bytes(std::span(content)));
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
