#include "base/process/input_stream.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "base/process/interrupt.hpp"

namespace fovea {
namespace {

constexpr int kLookUp = 50;  // ms; how often a reader that waits asks whether it should stop

/// Until there is something to read, or the end.
void wait_for_input(int descriptor) {
  pollfd input{descriptor, POLLIN, 0};
  do {
    stop_if_interrupted();
  } while (::poll(&input, 1, kLookUp) == 0);
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// @throws Error  kUnreadable for UTF-16.
std::string without_mark(std::string text, std::string_view name) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw Error(ErrorCode::kUnreadable, fmt::format("{}: text is UTF-16, expected UTF-8", name),
                "save it as UTF-8; in PowerShell: Set-Content -Encoding utf8");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

}  // namespace

std::vector<std::byte> read_stream(int descriptor, std::string_view name, std::size_t most) {
  constexpr std::size_t kChunk = std::size_t{1} << 16;
  std::vector<std::byte> content;
  std::size_t done = 0;
  while (true) {
    wait_for_input(descriptor);
    if (content.size() < done + kChunk) content.resize(std::max(2 * done, done + kChunk));
    const ssize_t got = ::read(descriptor, content.data() + done, content.size() - done);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("{}: cannot be read: {}", name, std::generic_category().message(errno)));
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
    if (done > most) {
      throw Error(ErrorCode::kTooLarge, fmt::format("{}: it goes on after {} bytes, expected its end", name, most),
                  "a file has no such limit; that of a picture on standard input grows with --max-pixels");
    }
  }
  content.resize(done);
  return content;
}

std::string read_standard_input() {
  constexpr std::string_view kName = "standard input";
  return without_mark(text_of(read_stream(STDIN_FILENO, kName, kMostTextBytes)), kName);
}

std::string read_named_text(const std::filesystem::path& file) {
  struct stat status {};
  // A FIFO is waited for until somebody opens it to write.
  const bool waits = ::stat(file.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
  const OpenFile opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | (waits ? 0 : O_NONBLOCK)));
  const bool is_there = opened.descriptor() >= 0 && ::fstat(opened.descriptor(), &status) == 0;
  const bool streams = is_there && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode));
  const std::string name = printable(file);
  return without_mark(streams ? text_of(read_stream(opened.descriptor(), name, kMostTextBytes)) : read_text_file(file),
                      name);
}

}  // namespace fovea
