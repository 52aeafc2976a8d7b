// Sessions that outlive the call that made them.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"

namespace fovea {

/// A model of one size, and what a thread runs it with.
struct Runner {
  std::shared_ptr<const VisionTransformer> model;
  std::shared_ptr<Session> session;
};

/// Compiling a session's primitives takes as long as running some pictures. Any number of threads may use one pool.
class SessionPool {
 public:
  /// Where each picture has a size of its own, a folder has hundreds of sizes. So many sessions wait for another
  /// picture of their size; the one that has waited longest goes first. What oneDNN has compiled for it stays in
  /// oneDNN's cache.
  static constexpr std::size_t kMostIdleSizes = 4;

  explicit SessionPool(std::shared_ptr<const VisionTransformer> model) : model_(std::move(model)) {}

  [[nodiscard]] const VisionTransformer& model() const noexcept { return *model_; }
  /// A session for this thread alone; it goes back to the pool, which must still be there, when the pointer goes.
  /// @param fed        px, the size of the pictures; a model of one size has its own
  /// @param max_batch  images at once
  /// @param threads    compute threads that it was, or is now, compiled for
  [[nodiscard]] Runner borrow(Size fed, std::size_t max_batch, std::size_t threads);

 private:
  struct Idle {
    std::size_t threads = 0;
    std::shared_ptr<const VisionTransformer> model;
    std::unique_ptr<Session> session;
  };
  [[nodiscard]] bool has_sizes() const noexcept { return model_->architecture().max_patches > 0; }
  [[nodiscard]] std::optional<Idle> take(Size fed, std::size_t max_batch, std::size_t threads);
  void give_back(Idle used);

  std::shared_ptr<const VisionTransformer> model_;
  std::mutex mutex_;
  std::vector<Idle> idle_;  // the one that has waited longest first
};

/// One thread's way to its sessions: it keeps the one for the size that it was last asked for.
class SizedRunner {
 public:
  /// The session of a model of one size is made now.
  SizedRunner(SessionPool& pool, std::size_t max_batch, std::size_t threads);
  /// @param fed  px, the size of the pictures to be run
  [[nodiscard]] const Runner& at(Size fed);

 private:
  SessionPool& pool_;
  std::size_t max_batch_;
  std::size_t threads_;
  Runner runner_;
};

}  // namespace fovea
