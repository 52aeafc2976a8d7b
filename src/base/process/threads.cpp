#include "base/process/threads.hpp"

#include <fmt/core.h>

#include <latch>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "fovea/error.hpp"

namespace fovea {

void require_threads(std::size_t count) {
  std::latch all_started(1);
  std::vector<std::thread> threads;
  threads.reserve(count);
  std::string reason;
  try {
    while (threads.size() < count) threads.emplace_back([&] { all_started.wait(); });
  } catch (const std::system_error& error) {
    reason = error.code().message();
  }
  all_started.count_down();
  for (std::thread& thread : threads) thread.join();
  if (reason.empty()) return;
  throw Error(ErrorCode::kBackend,
              fmt::format("threads: {} can be started, expected {}: {}", threads.size(), count, reason),
              "-t 1 needs the fewest; `ulimit -u`, `ulimit -v` and a container's limit of pids bound them");
}

}  // namespace fovea
