#include "base/output/output_place.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>

#include "base/files.hpp"

namespace fovea {

namespace fs = std::filesystem;

namespace {

constexpr int kMostLinks = 40;  // as the kernel follows

/// N of /proc/self/fd/N and of what leads there, as /dev/fd/N does. Opened by its path it would have an offset of its
/// own, at the file's beginning, and a socket could not be opened at all.
std::optional<int> own_descriptor(const fs::path& path) {
  std::error_code failed;
  const fs::path folder = fs::canonical(path.parent_path(), failed);
  if (failed || folder != fs::canonical("/proc/self/fd", failed) || failed) return std::nullopt;
  const std::string name = path.filename().string();
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? std::optional(number) : std::nullopt;
}

int checked(int descriptor, const fs::path& path) {
  if (descriptor < 0) fail_to_write(path, errno);
  return descriptor;
}

/// Through the descriptor's name, because an address has room for 107 bytes only.
int connect_to_socket(const fs::path& path) {
  const int file = checked(::open(path.c_str(), O_PATH | O_CLOEXEC), path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("/proc/self/fd/{}", file);
  std::copy(name.begin(), name.end(), address.sun_path);
  const int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected =
      connection >= 0 && ::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  ::close(file);
  if (connected) return connection;
  if (connection >= 0) ::close(connection);
  fail_to_write(path, error);
}

/// A container may be given one file: rename() does not replace what something is mounted on.
bool is_mount(const fs::path& file) {
  struct statx status {};
  return ::statx(AT_FDCWD, file.c_str(), AT_NO_AUTOMOUNT, 0, &status) == 0 &&
         (status.stx_attributes_mask & status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

OutputPlace place_of(const fs::path& file, const struct stat& status) {
  if (S_ISREG(status.st_mode)) {
    if (!is_mount(file)) return {file, status.st_mode & 07777U, std::nullopt};
    throw RefusedFile(ErrorCode::kOutput,
                      fmt::format("{}: is a mount of its own, expected a file in a folder", printable(file)),
                      "mount the folder in place of the file");
  }
  if (S_ISDIR(status.st_mode)) fail_to_write(file, EISDIR);
  if (S_ISBLK(status.st_mode)) {
    throw RefusedFile(ErrorCode::kOutput,
                      fmt::format("{}: is a block device, expected a file, a FIFO or a socket", printable(file)));
  }
  if (S_ISSOCK(status.st_mode)) return {file, std::nullopt, connect_to_socket(file)};
  return {file, std::nullopt, checked(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY), file)};
}

}  // namespace

OutputPlace open_place(const fs::path& path) {
  fs::path file = path;
  if (file.filename().empty()) fail_to_write(path, EISDIR);
  for (int links = 0; links < kMostLinks; ++links) {
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) fail_to_write(path, errno);  // a name that the disk refuses
      return {file, std::nullopt, std::nullopt};
    }
    if (!S_ISLNK(status.st_mode)) return place_of(file, status);
    if (const auto number = own_descriptor(file)) {
      return {file, std::nullopt, checked(::fcntl(*number, F_DUPFD_CLOEXEC, 3), path)};
    }
    std::error_code failed;
    const fs::path target = fs::read_symlink(file, failed);
    if (failed) fail_to_write(path, failed.value());
    file = file.parent_path() / target;  // an absolute target replaces all of it
  }
  fail_to_write(path, ELOOP);
}

}  // namespace fovea
