// A std::ostream on a file descriptor that remembers why it failed.
#pragma once

#include <array>
#include <ostream>
#include <streambuf>
#include <string_view>

namespace fovea::cli {

/// Writes all of `text`. A descriptor that does not block is waited for.
/// @return  0, or the errno of the write that failed
[[nodiscard]] int write_all(int descriptor, std::string_view text);

class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor) : descriptor_(descriptor) {
    setp(buffer_.data(), buffer_.data() + buffer_.size());
  }
  /// The errno of the first write that failed; 0 if none did.
  [[nodiscard]] int error() const noexcept { return error_; }

 protected:
  int_type overflow(int_type c) override;
  int sync() override;

 private:
  bool send();

  int descriptor_;
  int error_ = 0;
  std::array<char, 1 << 14> buffer_{};
};

class DescriptorStream : public std::ostream {
 public:
  explicit DescriptorStream(int descriptor) : std::ostream(nullptr), buffer_(descriptor) { rdbuf(&buffer_); }
  [[nodiscard]] int error() const noexcept { return buffer_.error(); }

 private:
  DescriptorBuffer buffer_;
};

/// Writes `text` to standard output immediately.
/// @return        false if the reader has closed the pipe.
/// @throws Error  kOutput for any other failure.
bool print(std::string_view text);

}  // namespace fovea::cli
