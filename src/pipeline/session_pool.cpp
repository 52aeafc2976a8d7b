#include "pipeline/session_pool.hpp"

#include <algorithm>
#include <utility>

#include "base/process/threads.hpp"
#include "fovea/architecture.hpp"
#include "fovea/machine.hpp"

namespace fovea {

Runner SessionPool::borrow(Size fed, std::size_t max_batch, std::size_t threads) {
  set_compute_threads(static_cast<int>(threads));
  std::optional<Idle> found = take(fed, max_batch, threads);
  if (!found) {
    const auto model = has_sizes() ? model_->at(fed) : model_;
    found = Idle{threads, model, std::make_unique<Session>(model, max_batch)};
    require_threads(threads - 1);
  }
  const std::shared_ptr<const VisionTransformer> model = found->model;
  return {model, {found->session.release(), [this, threads, model](Session* used) {
                    give_back({threads, model, std::unique_ptr<Session>(used)});
                  }}};
}

std::optional<SessionPool::Idle> SessionPool::take(Size fed, std::size_t max_batch, std::size_t threads) {
  const std::lock_guard lock(mutex_);
  const auto fits = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& idle) {
    return idle.threads == threads && idle.session->max_batch() == max_batch &&
           (!has_sizes() || idle.model->architecture().image_size == fed);
  });
  if (fits == idle_.end()) return std::nullopt;
  Idle found = std::move(*fits);
  idle_.erase(fits);
  return found;
}

void SessionPool::give_back(Idle used) {
  std::optional<Idle> oldest;  // is freed after the lock
  const std::lock_guard lock(mutex_);
  if (has_sizes() && idle_.size() >= kMostIdleSizes) {
    oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }
  idle_.push_back(std::move(used));
}

SizedRunner::SizedRunner(SessionPool& pool, std::size_t max_batch, std::size_t threads)
    : pool_(pool), max_batch_(max_batch), threads_(threads) {
  const Architecture& a = pool.model().architecture();
  if (a.max_patches == 0) runner_ = pool.borrow(a.image_size, max_batch, threads);
}

const Runner& SizedRunner::at(Size fed) {
  const Architecture& a = pool_.model().architecture();
  if (a.max_patches > 0 && (!runner_.model || runner_.model->architecture().image_size != fed)) {
    runner_ = {};  // back in the pool before another one is made
    runner_ = pool_.borrow(fed, max_batch_, threads_);
  }
  return runner_;
}

}  // namespace fovea
