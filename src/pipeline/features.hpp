// Which numbers of a forward pass `embed` keeps.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"

namespace fovea {

enum class FeaturePool {
  kHead,         // what the head reads, projected where the model projects (CLIP): [D]
  kClassToken,   // after the final norm: [D]
  kPatchMean,    // the average of the patch tokens after the final norm: [D]
  kPatchTokens,  // all of them: [T, D]
};
inline constexpr std::array kFeaturePools{FeaturePool::kHead, FeaturePool::kClassToken, FeaturePool::kPatchMean,
                                          FeaturePool::kPatchTokens};
[[nodiscard]] std::string_view name(FeaturePool pool) noexcept;  // "head", "cls", "mean", "tokens"

/// Of one image.
/// @throws Error  kUsage if the model has no class token and the pool asks for it.
[[nodiscard]] std::vector<std::size_t> feature_shape(const ModelInfo& model, FeaturePool pool);

/// @param result  with its tokens, unless the pool is kHead
[[nodiscard]] std::vector<float> features_of(ForwardResult result, const Architecture& architecture, FeaturePool pool);

}  // namespace fovea
