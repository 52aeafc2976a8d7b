// The features that `embed` writes.
#pragma once

#include <cstddef>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/features.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"

namespace fovea {

/// The shape of the features of one image.
/// @throws Error  kUsage if the model has no class token and the pool asks for it.
[[nodiscard]] std::vector<std::size_t> feature_shape(const ModelInfo& model, FeaturePool pool);

/// Whether it is computed from all tokens, which a forward pass keeps only if it is asked to.
[[nodiscard]] constexpr bool reads_tokens(FeaturePool pool) {
  return pool != FeaturePool::kHead && pool != FeaturePool::kHeadInput;
}
/// @param result  with its tokens, if the pool reads them
[[nodiscard]] std::vector<float> features_of(ForwardResult result, const Architecture& architecture, FeaturePool pool);

}  // namespace fovea
