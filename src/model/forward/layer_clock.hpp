// A hook with a clock: how long each layer of the forward pass takes.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "model/forward/forward_hook.hpp"

namespace fovea {

class LayerClock final : public ForwardHook {
 public:
  void before(const LayerCall& layer) override;
  void after(const LayerCall& layer) override;
  /// A forward pass is done: what its layers took is noted.
  void end_pass();
  /// Forgets all passes so far, such as the first, in which operations are compiled.
  void restart() noexcept { passes_.clear(); }

  /// By kind (see cost_kind()), for the whole batch: the sum over blocks of each block's median over the passes. A
  /// layer is short, and most of its runs are undisturbed even where hardly any whole pass is.
  [[nodiscard]] std::map<LayerKind, double> median_ms() const;

 private:
  using Layer = std::pair<LayerKind, std::size_t>;  // and its block
  std::chrono::steady_clock::time_point start_;
  std::map<Layer, double> pass_;                 // ms of the pass that runs
  std::map<Layer, std::vector<double>> passes_;  // ms of each pass
};

}  // namespace fovea
