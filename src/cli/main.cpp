#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "cli/app.hpp"
#include "cli/standard_streams.hpp"
#include "cli/terminal/interrupt.hpp"

namespace {

constexpr int kInternalError = 3;

/// Where an exception finds no handler: before run_app(), or in a library's function that may not throw. Nothing may
/// allocate here.
[[noreturn]] void end_without_handler() {
  std::string_view text = "fovea: error: internal: an exception has no handler\n";
  try {
    if (std::current_exception()) std::rethrow_exception(std::current_exception());
  } catch (const std::bad_alloc&) {
    text = "fovea: error: memory: there is not enough of it\nhint: -t 1 --batch 1 needs the least memory\n";
  } catch (...) {
  }
  static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) < 0);
  ::_exit(kInternalError);
}

bool ended = false;  // by itself

/// libgomp ends the process with exit code 1 where it finds no memory, wherever the program is.
void explain_foreign_exit() {
  if (ended) return;
  constexpr std::string_view kText =
      "fovea: error: memory: a library found none and ended the program\nhint: -t 1 --batch 1 needs the least memory\n";
  static_cast<void>(::write(STDERR_FILENO, kText.data(), kText.size()) < 0);
  ::_exit(kInternalError);
}

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate(end_without_handler);
  if (!fovea::cli::open_standard_streams()) return kInternalError;
#ifdef FOVEA_LEAVES_EARLY
  fovea::cli::allow_early_end();
#endif
  std::atexit(explain_foreign_exit);
  const int code = fovea::cli::run_app(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  ended = true;
  return fovea::cli::end_early(code);
}
