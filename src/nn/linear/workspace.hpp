// What every operation of one session shares: the stream it runs on and scratch memory.
#pragma once

#include <cstddef>
#include <memory>

namespace fovea::nn {

/// Not shared between threads. Must outlive the operations that were made with it.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  void reserve_scratch(std::size_t bytes);
  struct Impl;
  [[nodiscard]] Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace fovea::nn
