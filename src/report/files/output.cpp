#include "report/files/output.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ios>
#include <system_error>

#include "fovea/error.hpp"

namespace fovea {

void emit(std::ostream& out, std::string_view text) {
  errno = 0;
  bool written = false;
  try {
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    written = out.good();
  } catch (const std::ios_base::failure&) {  // raised by a stream that is set to throw
    written = false;
  }
  if (written) return;
  const std::string reason = errno != 0 ? std::generic_category().message(errno) : "stream failed";
  throw Error(ErrorCode::kOutput,
              fmt::format("results: write is incomplete ({}), expected {} more bytes", reason, text.size()),
              "check that the disk is not full, or choose another place with -o");
}

std::string shortest(float value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::string(text.data(), end) : std::string();
}

}  // namespace fovea
