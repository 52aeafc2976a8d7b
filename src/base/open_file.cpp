#include "base/open_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/files.hpp"

namespace fovea {
namespace {

std::string_view kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

Error unreadable(const std::filesystem::path& path, int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  if (error_number == ENOENT || error_number == ENOTDIR) {
    std::error_code ignored;
    if (std::filesystem::is_symlink(std::filesystem::symlink_status(path, ignored))) {
      return Error(ErrorCode::kNotFound, fmt::format("{}: is a link to a file that does not exist", printable(path)));
    }
    return Error(ErrorCode::kNotFound, fmt::format("{}: no such file", printable(path)));
  }
  const char* hint = error_number == EACCES ? "check its permissions" : "";
  return Error(ErrorCode::kUnreadable, fmt::format("{}: cannot be read: {}", printable(path), reason), hint);
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
