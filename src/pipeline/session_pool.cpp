#include "pipeline/session_pool.hpp"

#include <algorithm>
#include <utility>

#include "base/process/threads.hpp"
#include "fovea/machine.hpp"

namespace fovea {

std::shared_ptr<Session> SessionPool::borrow(std::size_t max_batch, std::size_t threads) {
  set_compute_threads(static_cast<int>(threads));
  std::unique_ptr<Session> session;
  {
    const std::lock_guard lock(mutex_);
    const auto fits = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& idle) {
      return idle.threads == threads && idle.session->max_batch() == max_batch;
    });
    if (fits != idle_.end()) {
      session = std::move(fits->session);
      idle_.erase(fits);
    }
  }
  if (!session) {
    session = std::make_unique<Session>(model_, max_batch);
    require_threads(threads - 1);
  }
  return {session.release(), [this, threads](Session* used) { give_back(threads, std::unique_ptr<Session>(used)); }};
}

void SessionPool::give_back(std::size_t threads, std::unique_ptr<Session> session) {
  const std::lock_guard lock(mutex_);
  idle_.push_back({threads, std::move(session)});
}

}  // namespace fovea
