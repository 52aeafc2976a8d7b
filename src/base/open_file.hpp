// An open regular file. Everything that reads goes through here, so that nothing blocks on a FIFO.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "fovea/error.hpp"

namespace fovea {

class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  OpenFile& operator=(OpenFile&&) = delete;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }  // bytes

 private:
  friend OpenFile open_regular_file(const std::filesystem::path& path);
  int descriptor_;
  std::size_t size_ = 0;
};

/// @throws Error  kNotFound, or kUnreadable if the path is no regular file or may not be read.
[[nodiscard]] OpenFile open_regular_file(const std::filesystem::path& path);

/// Whether something is at this path.
/// @throws Error  kUnreadable where the system cannot tell: a configuration that cannot be looked up is not missing.
[[nodiscard]] bool is_there(const std::filesystem::path& path);

/// The next step after "no such file", where the spelling tells it: a URL, a pattern, `~` or a variable that the shell
/// has not replaced, a path of Windows, a dash or a quotation mark of a text program. Else empty.
[[nodiscard]] std::string hint_for_missing(std::string_view path);

/// The error for an errno of a file that cannot be read.
[[nodiscard]] Error unreadable(const std::filesystem::path& path, int error_number);

}  // namespace fovea
