// Explanations: attention in, one number for each patch out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

/// Programs whose rollout can be reproduced for papers that used them.
enum class RolloutCompat {
  kPaper,       // Abnar & Zuidema 2020, section 3
  kVitExplain,  // jacobgil/vit-explain, vit_rollout.py, its normalisation of columns included
  kChefer,      // hila-chefer/Transformer-Explainability, baselines/ViT/ViT_explanation_generator.py
};

/// A patch, not a pixel.
struct PatchPosition {
  std::size_t row = 0;
  std::size_t col = 0;
};

/// Options of all methods; each reads those that concern it and says them in its variant.
struct ExplainOptions {
  HeadFusion head_fusion = HeadFusion::kMean;  // rollout, attention, token-rank
  // Rollout.
  bool renormalize = false;  // rows of maximum or minimum over heads, which do not sum to 1, are divided by their sums
  /// Share of each row's patches, the smallest, that counts as 0; [0, 1). None: 0, of vit-explain its own 0.9.
  std::optional<float> discard;
  float residual = 0.5F;  // weight of the identity beside the attention; [0, 1)
  RolloutCompat compat = RolloutCompat::kPaper;
  std::size_t start_block = 0;  // blocks before it are left out; gradient methods too
  // Attention, token-rank.
  std::optional<std::size_t> block;    // none: the last
  std::optional<std::size_t> head;     // none: all, fused
  std::optional<PatchPosition> query;  // whose attention; none: the tokens that are read out
  std::optional<float> mass;           // keep the fewest patches that hold this share (DINO); (0, 1]
  // Controls that run the model again.
  std::size_t occlusion_window = 3;  // patches a side
  std::size_t rise_masks = 1000;
  std::uint64_t seed = 0;
};

/// What a method has to see of the model.
struct Evidence {
  bool attention = false;        // of every block, and of the pool
  bool gradients = false;        // of the score with respect to those
  bool layer_gradients = false;  // of scores read from each block
  bool features = false;         // what the last block's attention reads, and the score's gradient there
  bool relevance = false;        // propagated through the model in double
  bool reruns = false;           // the score of changed inputs

  /// Whether the map is about one class.
  [[nodiscard]] bool class_specific() const noexcept {
    return gradients || layer_gradients || features || relevance || reruns;
  }
  /// Whether one pass back through the model gives what is needed.
  [[nodiscard]] bool backward() const noexcept { return gradients || layer_gradients || features; }
};

/// What the model says of the explained class, or of one class against another.
struct ClassScore {
  float score = 0;        // the logit, or the difference of two
  float probability = 0;  // of the class; against another one, sigmoid(score)
};

/// Runs the model again.
/// @param patches  [n, T, 3·P·P], normalised: 0 is the mean colour
/// @return         n scores
using RunAgain = std::function<std::vector<ClassScore>(std::span<const float> patches)>;

/// Combines the evidence of one image into a map. It overrides what its method's row says it needs and is fed nothing
/// else, each block once: with attention first to last, with gradients and relevance last to first.
class Explainer {
 public:
  virtual ~Explainer() = default;

  virtual void observe(const AttentionView& attention);
  /// Of what it observes there.
  [[nodiscard]] virtual AttentionDetail attention_detail() const { return {}; }
  /// The attention pool's weights, after the last block, where the read-out is one.
  /// @param weights  [num_heads, n], of the last n tokens
  virtual void observe_pool(MatrixView<const float> weights);

  /// @param gradient  ∂score/∂A, [H, N, N]
  virtual void observe_gradient(const AttentionView& attention, std::span<const float> gradient);
  /// Before any block's, where the read-out is an attention pool.
  virtual void observe_pool_gradient(MatrixView<const float> weights, MatrixView<const float> gradient);
  /// @param gradient  ∂s/∂A, [H, N, N], of the score s that this block's own output gives
  virtual void observe_layer_gradient(const AttentionView& attention, std::span<const float> gradient);
  /// Grad-CAM's features.
  /// @param features, gradient  [N, D]
  virtual void observe_features(MatrixView<const float> features, MatrixView<const float> gradient);
  /// @param gradient, relevance  of block's attention, [H, N, N]
  virtual void observe_relevance(std::size_t block, std::span<const double> gradient,
                                 std::span<const double> relevance);

  /// @param patches  [T, 3·P·P], normalised: the image that is explained
  /// @param most     images that `run` takes at once
  virtual void rerun(std::span<const float> patches, std::size_t most, const RunAgain& run);

  /// After everything was observed.
  [[nodiscard]] virtual Heatmap heatmap() = 0;
};

/// One row of the registry.
struct ExplainMethod {
  std::string_view name;   // as in --method
  std::string_view title;  // as in a caption: "attention rollout"
  std::string_view shows;  // one sentence: what the map says, and what it does not
  std::string_view costs;  // beside the forward pass, e.g. "one pass back"
  std::string_view reference;
  Evidence needs;
  /// Which of its variants these options ask for, e.g. "mean heads, residual 0.5".
  std::string (*variant)(const ExplainOptions&);
  /// @throws Error  kUsage for options that do not fit the layout, e.g. a block that the model does not have.
  std::unique_ptr<Explainer> (*make)(const ExplainOptions&, const TokenLayout&);
};

/// All methods, in the order of methods.def; the first is the default.
[[nodiscard]] std::span<const ExplainMethod> explain_methods();
/// @throws Error  kUsage for an unknown name, with the nearest one as the hint.
[[nodiscard]] const ExplainMethod& explain_method(std::string_view name);

}  // namespace fovea
