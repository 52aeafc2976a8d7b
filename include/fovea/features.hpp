// Which features of a picture are read.
#pragma once

#include <array>
#include <string_view>

namespace fovea {

enum class FeaturePool {
  kHead,         // what the head reads, projected where the model projects (CLIP): [feature_dim]
  kClassToken,   // the class token after the final norm: [D]
  kPatchMean,    // the mean of the patch tokens after the final norm: [D]
  kHeadInput,    // what the head reads, before any projection: [pooled_dim]
  kPatchTokens,  // all patch tokens after the final norm: [T, D]
};
/// Those that `embed` writes.
inline constexpr std::array kFeaturePools{FeaturePool::kHead, FeaturePool::kClassToken, FeaturePool::kPatchMean,
                                          FeaturePool::kPatchTokens};
[[nodiscard]] std::string_view name(FeaturePool pool) noexcept;  // "head", "cls", "mean", "input", "tokens"

}  // namespace fovea
