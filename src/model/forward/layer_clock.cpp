#include "model/forward/layer_clock.hpp"

#include "base/numerics.hpp"
#include "model/forward/layer_cost.hpp"

namespace fovea {

void LayerClock::before(const LayerCall& /*layer*/) {
  start_ = std::chrono::steady_clock::now();
}

void LayerClock::after(const LayerCall& layer) {
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start_;
  pass_[{cost_kind(layer.kind, layer.leading_only), layer.block}] += took.count();
}

void LayerClock::end_pass() {
  for (const auto& [layer, ms] : pass_) passes_[layer].push_back(ms);
  pass_.clear();
}

std::map<LayerKind, double> LayerClock::median_ms() const {
  std::map<LayerKind, double> by_kind;
  for (const auto& [layer, ms] : passes_) by_kind[layer.first] += quantile(ms, 0.5);
  return by_kind;
}

}  // namespace fovea
