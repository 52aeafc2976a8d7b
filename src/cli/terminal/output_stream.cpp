#include "cli/terminal/output_stream.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "fovea/error.hpp"

namespace fovea::cli {

bool DescriptorBuffer::send() {
  const char* begin = pbase();
  while (begin < pptr()) {
    const ssize_t written = ::write(descriptor_, begin, static_cast<std::size_t>(pptr() - begin));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      if (error_ == 0) error_ = errno;
      return false;
    }
    begin += written;
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
