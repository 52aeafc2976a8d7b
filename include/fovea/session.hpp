// A running copy of a model: the forward pass, its observers, and gradients of its scores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/tensor.hpp"

namespace fovea {

/// Raw scores, one for each class, before softmax.
using Logits = std::vector<float>;

/// Called for each block, first to last, and in it for each image of the batch, in order.
/// The view is valid only during the call.
using AttentionObserver = std::function<void(std::size_t image, const AttentionView&)>;

/// Called with the tokens of one image, [N, D]: first as they enter block 0 (`block` 0), then as they leave each block
/// (`block` 1 to depth). The view is valid only during the call.
using TokenObserver = std::function<void(std::size_t image, std::size_t block, MatrixView<const float> tokens)>;

/// Called with the attention pool's weights for one image, [H, n]; tokens that it does not see are left out.
using PoolObserver = std::function<void(std::size_t image, MatrixView<const float> weights)>;

/// Hard attention: the model goes on with fewer tokens. At most one of `keep` and `merge` is given. Works with models
/// that are read out at the class token, with or without a distillation token and registers, and whose positions are
/// in their tokens; no training is needed.
struct TokenReduction {
  /// EViT (Liang et al. 2022): the share, in (0, 1], of patch tokens that goes on behind the attention of blocks L/4,
  /// L/2 and 3L/4, ⌈keep · T⌉ by the class token's attention, mean over heads; the others become one token, their sum
  /// weighted by that attention, unless that leaves no fewer. 1: all.
  double keep = 1.0;
  /// ToMe (Bolya et al. 2023): behind the attention of each block so many tokens are merged into those that are most
  /// like them, by the keys' mean over heads; a merged token weighs in the attention as what it was made of.
  std::size_t merge = 0;
  /// With keep: tokens are drawn at random, without replacement, in proportion to the attention, in place of the top.
  bool sample = false;
  std::uint64_t seed = 0;
  /// Which of several draws with one seed. A draw depends on these two and the image, not on its place in a batch.
  std::uint64_t draw = 0;
  [[nodiscard]] bool active() const noexcept { return keep != 1.0 || merge > 0 || sample; }
};

/// What a stage left of one image's tokens: prefix tokens first, then patches and what they became part of.
struct ReducedTokens {
  std::size_t block = 0;   // it leaves this block so; nothing is left out behind the last attention
  std::size_t tokens = 0;  // N, prefix and fused tokens included
  std::span<const std::size_t> token_of_patch;  // [T] the token, of N, that a patch is part of
  std::span<const float> share;                 // [T] its share in it; the shares of one token sum to 1
  std::span<const std::uint8_t> kept;  // [T] whether it goes on as itself or merged (0: it was swept up with the rest)
};
/// Called after each stage that left fewer tokens. The spans are valid only during the call.
using ReductionObserver = std::function<void(std::size_t image, const ReducedTokens&)>;

/// What to compute beside the logits.
struct ForwardRequest {
  AttentionObserver attention;
  AttentionDetail attention_detail;  // with `reduction` or `keep_for_gradients` each head is shown all the same
  TokenObserver tokens;
  PoolObserver pool_attention;
  bool keep_tokens = false;  // ForwardResult::tokens
  /// Attention and tokens are then shown un-merged, over all N tokens of the model: a patch attends as the token that
  /// it is part of does, and receives its share of what that token receives, so rows still sum to 1. Not together with
  /// keep_for_gradients.
  TokenReduction reduction;
  ReductionObserver reduced;
  bool keep_for_gradients = false;  // what Session::gradients needs; for one image at a time
};

/// The score that is differentiated: a sum of logits. One class: {{c, 1}}; "why a rather than b": {{a, 1}, {b, -1}}.
struct ScoreTerm {
  std::size_t class_index = 0;
  float weight = 1.0F;
};
using ScoreSeed = std::vector<ScoreTerm>;

/// A score that is no sum of logits, such as the cosine to a text's embedding, as its gradient.
struct OutputScore {
  enum class Reads { kLogits, kFeatures };  // of ForwardResult
  Reads reads = Reads::kFeatures;
  /// @param output    [C] or [feature_dim]
  /// @param gradient  as output; overwritten
  std::function<void(std::span<const float> output, std::span<float> gradient)> gradient;
};

/// ∂score/∂A of one block, last block first. The views are valid only during the call.
/// @param gradient  [H, N, N]
using GradientObserver = std::function<void(const AttentionView& attention, std::span<const float> gradient)>;
/// ∂score/∂A of the attention pool, before any block's.
/// @param attention, gradient  [H, n], of the last n tokens
using PoolGradientObserver = std::function<void(MatrixView<const float> attention, MatrixView<const float> gradient)>;
/// The output of the last block's first norm, and ∂score/∂ it: Grad-CAM's features.
/// @param features, gradient  [N, D]
using FeatureGradientObserver = std::function<void(MatrixView<const float> features, MatrixView<const float> gradient)>;

/// ∂score/∂A and the relevance of A (Chefer et al. 2021) of one block, last block first, in double.
/// @param gradient, relevance  [H, N, N]; valid only during the call
using RelevanceObserver =
    std::function<void(std::size_t block, std::span<const double> gradient, std::span<const double> relevance)>;

/// What to compute on the way back. Whatever is not asked for is not computed.
struct GradientRequest {
  GradientObserver attention;
  PoolGradientObserver pool;
  FeatureGradientObserver features;
  /// Of scores read from each block's own output through the model's final norm and head (LeGrad), in place of the
  /// score behind the last block. Last block first.
  GradientObserver layer_attention;
  std::size_t first_block = 0;  // blocks before it are left out
};

struct ForwardResult {
  Logits logits;                // [C]; empty without a head
  std::vector<float> pooled;    // [pooled_dim] what the head reads; of two heads the first's
  std::vector<float> features;  // [feature_dim] the same, projected where the model projects
  std::vector<float> tokens;    // [N, D] after the final norm; empty unless asked for
};

/// One for each inference thread: activations and compiled primitives, reused for any number of images.
class Session {
 public:
  Session(std::shared_ptr<const VisionTransformer> model, std::size_t max_batch);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  [[nodiscard]] std::size_t max_batch() const noexcept;
  /// @param patches  [n, T, 3·P·P], normalised, each patch channel-major (3, P, P); 1 <= n <= max_batch.
  /// @return         n rows of logits.
  /// @throws Error   kShape if patches is no whole number of images or too many of them.
  [[nodiscard]] std::vector<Logits> run(std::span<const float> patches, const AttentionObserver& observe = {});
  /// The same with everything that can be asked for; observing more changes no bit of the logits.
  /// @throws Error   kUsage for a reduction that this model, or the rest of the request, does not allow.
  [[nodiscard]] std::vector<ForwardResult> forward(std::span<const float> patches, const ForwardRequest& request = {});
  /// Gradients of a score with respect to attention matrices, of the image of the last forward pass, which was asked to
  /// keep what they need. Weights for the way back are packed at first use, shared by all sessions.
  /// @throws Error   kShape if nothing was kept, kUsage for a class that the model does not have.
  void gradients(const ScoreSeed& seed, const GradientRequest& request);
  void gradients(const OutputScore& score, const GradientRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Layer-wise relevance propagation (LRP, alpha 1, beta 0) of a score, in double: in float it does not reproduce
/// itself. Reads the weights from the checkpoint at first use and keeps them, in double, for all images.
/// @param patches  [T, 3·P·P], of one image
/// @throws Error   kUsage for a model that the rules are not defined for, naming what it has.
void propagate_relevance(const VisionTransformer& model, std::span<const float> patches, const ScoreSeed& seed,
                         const RelevanceObserver& observe);

}  // namespace fovea
