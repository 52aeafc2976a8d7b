#include "cli/terminal/output_stream.hpp"

#include <fmt/core.h>
#include <sys/poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "fovea/error.hpp"

namespace fovea::cli {

int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EAGAIN) {  // another program has made the pipe or terminal that both share non-blocking
      pollfd output{descriptor, POLLOUT, 0};
      ::poll(&output, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      return errno;
    }
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

bool DescriptorBuffer::send() {
  const int error = write_all(descriptor_, {pbase(), static_cast<std::size_t>(pptr() - pbase())});
  if (error != 0) {
    if (error_ == 0) error_ = error;
    return false;
  }
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  return true;
}

DescriptorBuffer::int_type DescriptorBuffer::overflow(int_type c) {
  if (error_ != 0 || !send()) return traits_type::eof();
  if (!traits_type::eq_int_type(c, traits_type::eof())) {
    *pptr() = traits_type::to_char_type(c);
    pbump(1);
  }
  return traits_type::not_eof(c);
}

int DescriptorBuffer::sync() {
  return error_ == 0 && send() ? 0 : -1;
}

bool print(std::string_view text) {
  DescriptorStream out(STDOUT_FILENO);
  out << text << std::flush;
  if (out.error() == 0 || out.error() == EPIPE) return out.error() == 0;
  throw Error(ErrorCode::kOutput,
              fmt::format("standard output: cannot be written: {}", std::generic_category().message(out.error())));
}

}  // namespace fovea::cli
