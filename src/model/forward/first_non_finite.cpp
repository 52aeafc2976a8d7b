#include "model/forward/first_non_finite.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/numerics.hpp"
#include "fovea/error.hpp"
#include "model/forward/layer_cost.hpp"

namespace fovea {

bool all_finite(const std::vector<ForwardResult>& results) noexcept {
  return std::all_of(results.begin(), results.end(), [](const ForwardResult& result) {
    return all_finite(result.logits) && all_finite(result.features) && all_finite(result.pooled) &&
           all_finite(result.tokens);
  });
}

void FirstNonFinite::before(const LayerCall& layer) {
  if (found_ || layer.kind != LayerKind::kPatchEmbed || all_finite(layer.in)) return;
  found_ = true;
  place_ = "the picture after preprocessing";
}

void FirstNonFinite::fail() const {
  throw Error(ErrorCode::kBackend,
              fmt::format("scores: the first NaN or infinity comes from {}, expected finite numbers", place_),
              "the weights are damaged, or --mean and --std are not the model's");
}

void FirstNonFinite::after(const LayerCall& layer) {
  if (found_ || all_finite(layer.out)) return;
  found_ = true;
  place_ = layer.kind == LayerKind::kPatchEmbed || layer.kind == LayerKind::kReadOut
               ? "the " + name(layer.kind, a_)
               : fmt::format("{} of block {}", name(layer.kind, a_), layer.block);
}

}  // namespace fovea
