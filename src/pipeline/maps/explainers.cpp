#include "pipeline/maps/explainers.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/numerics.hpp"
#include "fovea/error.hpp"

namespace fovea {

Explainers make_explainers(const MapPlan& plan, const TokenLayout& layout, bool class_specific) {
  Explainers explainers;
  explainers.reserve(plan.methods.size());
  for (const ExplainMethod* method : plan.methods) {
    const bool wanted = method->needs.class_specific() == class_specific;
    explainers.push_back(wanted ? method->make(plan.options, layout) : nullptr);
  }
  return explainers;
}

Heatmap heatmap_of(const MapPlan& plan, const Explainers& explainers, std::size_t index) {
  Heatmap heatmap = explainers[index]->heatmap();
  if (all_finite(heatmap.values)) return heatmap;
  throw Error(ErrorCode::kBackend,
              fmt::format("{}: the map has NaN or infinity, expected finite numbers", plan.methods[index]->name),
              "gradients are too large for float32: another --method, or `fovea classify`, may still work");
}

}  // namespace fovea
