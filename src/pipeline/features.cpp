#include "pipeline/features.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {

std::string_view name(FeaturePool pool) noexcept {
  switch (pool) {
    case FeaturePool::kHead: return "head";
    case FeaturePool::kClassToken: return "cls";
    case FeaturePool::kPatchMean: return "mean";
    case FeaturePool::kHeadInput: return "input";
    case FeaturePool::kPatchTokens: return "tokens";
  }
  return "";
}

std::vector<std::size_t> feature_shape(const ModelInfo& model, FeaturePool pool) {
  const Architecture& a = model.architecture;
  if (pool == FeaturePool::kClassToken && a.num_prefix_tokens == a.num_register_tokens) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: the model has no class token, expected one for --pool cls", printable(model.path)),
                fmt::format("--pool head is its {}", name(a.read_out)));
  }
  if (pool == FeaturePool::kHead) return {a.feature_dim()};
  if (pool == FeaturePool::kHeadInput) return {a.pooled_dim()};
  if (pool == FeaturePool::kPatchTokens && a.max_patches > 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: each picture has as many patch tokens as its shape gives it, expected the same number "
                            "of all for --pool tokens",
                            printable(model.path)),
                "--image-size HxW feeds all pictures at one size; --pool mean is the average patch token");
  }
  if (pool == FeaturePool::kPatchTokens) return {a.grid().size(), a.embed_dim};
  return {a.embed_dim};
}

std::vector<float> features_of(ForwardResult result, const Architecture& architecture, FeaturePool pool) {
  if (pool == FeaturePool::kHead) return std::move(result.features);
  if (pool == FeaturePool::kHeadInput) {
    // Each of two heads reads its own token: where both are the same head, they read the tokens' mean.
    const bool two_heads = architecture.read_out == ReadOut::kClassAndDistToken;
    return std::move(two_heads ? result.features : result.pooled);
  }
  const std::size_t width = architecture.embed_dim;
  std::vector<float>& tokens = result.tokens;  // [N, D], the class token first
  if (pool == FeaturePool::kClassToken) {
    tokens.resize(width);
    return std::move(tokens);
  }
  tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(architecture.num_prefix_tokens * width));
  if (pool == FeaturePool::kPatchTokens) return std::move(tokens);
  std::vector<double> sums(width, 0.0);
  for (std::size_t i = 0; i < tokens.size(); ++i) sums[i % width] += static_cast<double>(tokens[i]);
  std::vector<float> mean(width);
  const std::size_t rows = tokens.size() / width;
  const auto patches = static_cast<double>(rows);
  for (std::size_t i = 0; i < width; ++i) mean[i] = static_cast<float>(sums[i] / patches);
  return mean;
}

}  // namespace fovea
