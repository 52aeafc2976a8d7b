// The one exception type that leaves the library.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace fovea {

enum class ErrorCode {
  kUsage,       // the caller asked for something that makes no sense
  kNotFound,    // no such file
  kUnreadable,  // the file exists, but cannot be read as a regular file
  kDecode,      // the file is not an image, or is damaged
  kTooLarge,    // more pixels than the caller allows
  kCheckpoint,  // the checkpoint is damaged or fits no known model
  kShape,       // the sizes do not fit together
  kBackend,     // a compute library failed
  kOutput,      // the results could not be written
};

/// The name used in records: `usage not_found unreadable decode too_large checkpoint shape backend output`.
[[nodiscard]] std::string_view name(ErrorCode code) noexcept;

/// what() reads `<file>: <thing> is <actual>, expected <wanted>`; hint() says what the user can do next.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, std::string hint = {})
      : std::runtime_error(message), code_(code), hint_(std::move(hint)) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  ErrorCode code_;
  std::string hint_;
};

}  // namespace fovea
