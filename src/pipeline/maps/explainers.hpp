// The explainers of one image, one for each method of a plan.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "fovea/explain.hpp"
#include "pipeline/maps/map_plan.hpp"

namespace fovea {

using Explainers = std::vector<std::unique_ptr<Explainer>>;

/// One explainer for each method, null for methods of the other kind.
[[nodiscard]] Explainers make_explainers(const MapPlan& plan, const TokenLayout& layout, bool class_specific);

/// Calls `feed` for the explainer of each method that has this need.
template <typename Feed>
void feed_each(const MapPlan& plan, const Explainers& explainers, bool Evidence::*need, Feed feed) {
  for (std::size_t m = 0; m < explainers.size(); ++m) {
    if (explainers[m] && plan.methods[m]->needs.*need) feed(*explainers[m]);
  }
}

/// The map of method `index`, which has seen everything.
/// @throws Error  kBackend if a value is NaN or infinite.
[[nodiscard]] Heatmap heatmap_of(const MapPlan& plan, const Explainers& explainers, std::size_t index);

}  // namespace fovea
