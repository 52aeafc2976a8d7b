#include "base/open_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/files.hpp"
#include "base/text.hpp"

namespace fovea {
namespace {

std::string_view kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// R"(C:\photos\cat.jpg)" and "C:/photos/cat.jpg" to "/mnt/c/photos/cat.jpg", R"(photos\cat.jpg)" to "photos/cat.jpg".
std::string with_slashes(std::string_view path) {
  std::string text(path);
  std::replace(text.begin(), text.end(), '\\', '/');
  if (text.size() < 3 || text[1] != ':' || text[2] != '/') return text;
  return fmt::format("/mnt/{}{}", to_lower(text.substr(0, 1)), text.substr(2));
}

bool has_drive(std::string_view path) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return path.size() > 2 && is_letter(path[0]) && path[1] == ':';
}

bool is_pattern(std::string_view path) {
  const auto has = [&](std::string_view part) { return path.find(part) != std::string_view::npos; };
  return has("*") || has("?") || (has("[") && has("]")) || (has("{") && has(",") && has("}"));
}

/// Dashes and quotation marks that text programs and web pages put in place of "-" and "\"".
constexpr std::array<std::string_view, 5> kTypography{"\u2013", "\u2014", "\u2212", "\u201C", "\u201E"};

}  // namespace

std::string hint_for_missing(std::string_view path) {
  constexpr std::string_view kFileUrl = "file://";
  const auto has = [&](std::string_view part) { return path.find(part) != std::string_view::npos; };
  if (path.starts_with(kFileUrl)) {
    return fmt::format("leave out {}: {}", kFileUrl, printable(path.substr(kFileUrl.size())));
  }
  if (has("://") || path.starts_with("www."))
    return "only models of a hub are downloaded: download the file first, then name it";
  if (path.starts_with("~")) return "the shell replaces ~ only at the start of a word and outside quotes: write $HOME";
  if (has_drive(path) && (path[2] == '\\' || path[2] == '/')) {
    return fmt::format("this is a path of Windows; WSL has it as {}", printable(with_slashes(path)));
  }
  if (has_drive(path) && path[0] < 'a') {
    return "this looks like a path of Windows without its \\, which the shell takes away: WSL has C:\\ as /mnt/c/";
  }
  if (has("\\")) return fmt::format("folders are separated by /: {}", printable(with_slashes(path)));
  if (has("$")) return "the shell replaces $NAME only outside single quotes";
  if (is_pattern(path)) {
    return "the shell replaces a pattern only outside quotes, and only where a file fits; a folder can be named, too";
  }
  for (const std::string_view mark : kTypography) {
    if (path.starts_with(mark)) return "its first character is a typographic one: type - or \" on the keyboard";
  }
  return {};
}

Error unreadable(const std::filesystem::path& path, int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  if (error_number == ENOENT || error_number == ENOTDIR) {
    std::error_code ignored;
    if (std::filesystem::is_symlink(std::filesystem::symlink_status(path, ignored))) {
      return Error(ErrorCode::kNotFound, fmt::format("{}: is a link to a file that does not exist", printable(path)));
    }
    return Error(ErrorCode::kNotFound, fmt::format("{}: no such file", printable(path)),
                 hint_for_missing(path.native()));
  }
  const char* hint = error_number == EACCES ? "check its permissions" : "";
  return Error(ErrorCode::kUnreadable, fmt::format("{}: cannot be read: {}", printable(path), reason), hint);
}

bool is_there(const std::filesystem::path& path) {
  std::error_code failed;
  const bool there = std::filesystem::exists(path, failed);
  if (failed) throw unreadable(path, failed.value());
  return there;
}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

OpenFile open_regular_file(const std::filesystem::path& path) {
  // O_NONBLOCK: otherwise opening a FIFO without a writer would block.
  OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.descriptor() < 0 || ::fstat(file.descriptor(), &status) != 0) throw unreadable(path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: is {}, expected a regular file", printable(path), kind(status.st_mode)));
  }
  file.size_ = static_cast<std::size_t>(status.st_size);
  return file;
}

}  // namespace fovea
