// Explanations: attention in, one number for each patch out.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/tensor.hpp"

namespace fovea {

/// One value for each patch, row-major [grid.rows, grid.cols], raw: no min-max, no clipping.
struct Heatmap {
  PatchGrid grid;
  std::vector<float> values;
};

/// A token that the read-out looks at, and its share in it.
struct ReadOutToken {
  std::size_t token = 0;
  float weight = 1.0F;
};

/// How the tokens of one image are laid out, and which of them are read out.
struct TokenLayout {
  std::size_t num_blocks = 0;
  std::size_t num_heads = 0;
  std::size_t num_prefix = 1;  // tokens before the patches (class token, registers, ...)
  PatchGrid grid;
  /// Class token: {{0, 1}}; two heads: half of tokens 0 and 1; average of patches: 1/T of each. Empty: an attention
  /// pool reads out, and says which tokens when it is observed.
  std::vector<ReadOutToken> read_out{{0, 1.0F}};
  [[nodiscard]] std::size_t tokens() const noexcept { return num_prefix + grid.size(); }
};

enum class HeadFusion { kMean, kMax, kMin };

struct ExplainOptions {
  HeadFusion head_fusion = HeadFusion::kMean;
};

/// Combines the evidence of one image into a map. Feed it each block once, first to last.
class Explainer {
 public:
  virtual ~Explainer() = default;
  virtual void observe(const AttentionView& attention) = 0;
  /// The attention pool's weights, after the last block, where the read-out is one.
  /// @param weights  [num_heads, n], of the last n tokens
  virtual void observe_pool(MatrixView<const float> weights) = 0;
  /// Call after the last block.
  [[nodiscard]] virtual Heatmap heatmap() = 0;
};

/// One row of the registry.
struct ExplainMethod {
  std::string_view name;   // as in --method
  std::string_view title;  // as in a caption: "attention rollout"
  std::string_view shows;  // one sentence: what the map says, and what it does not
  std::string_view reference;
  /// Which of its variants these options ask for, e.g. "mean heads, residual 0.5".
  std::string (*variant)(const ExplainOptions&);
  std::unique_ptr<Explainer> (*make)(const ExplainOptions&, const TokenLayout&);
};

/// All methods, in the order of methods.def; the first is the default.
[[nodiscard]] std::span<const ExplainMethod> explain_methods();
/// @throws Error  kUsage for an unknown name, with the nearest one as the hint.
[[nodiscard]] const ExplainMethod& explain_method(std::string_view name);

}  // namespace fovea
