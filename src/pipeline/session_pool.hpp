// Sessions that outlive the call that made them.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/session.hpp"

namespace fovea {

/// Compiling a session's primitives takes as long as running some pictures. Any number of threads may use one pool.
class SessionPool {
 public:
  explicit SessionPool(std::shared_ptr<const VisionTransformer> model) : model_(std::move(model)) {}

  [[nodiscard]] const VisionTransformer& model() const noexcept { return *model_; }
  /// A session for this thread alone; it goes back to the pool, which must still be there, when the pointer goes.
  /// @param max_batch  images at once
  /// @param threads    compute threads that it was, or is now, compiled for
  [[nodiscard]] std::shared_ptr<Session> borrow(std::size_t max_batch, std::size_t threads);

 private:
  struct Idle {
    std::size_t threads = 0;
    std::unique_ptr<Session> session;
  };
  void give_back(std::size_t threads, std::unique_ptr<Session> session);

  std::shared_ptr<const VisionTransformer> model_;
  std::mutex mutex_;
  std::vector<Idle> idle_;
};

}  // namespace fovea
