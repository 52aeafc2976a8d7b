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

/// Called block by block, first to last, and within a block for each image of the batch, in order.
/// The view is valid only during the call.
using AttentionObserver = std::function<void(std::size_t image, const AttentionView&)>;

/// Called with the tokens of one image, [N, D]: first as they enter block 0 (`block` 0), then as they leave each block
/// (`block` 1 to depth). The view is valid only during the call.
using TokenObserver = std::function<void(std::size_t image, std::size_t block, MatrixView<const float> tokens)>;

/// Called with the attention pool's weights for one image, [H, n]; tokens that the pool does not attend to are left
/// out.
using PoolObserver = std::function<void(std::size_t image, MatrixView<const float> weights)>;

/// Token reduction (hard attention): the model continues with fewer tokens. At most one of `keep` and `merge` may be
/// set. Supported models use the class token for the read-out, with or without a distillation token and registers, and
/// add position embeddings to their tokens. No training is needed.
struct TokenReduction {
  /// EViT (Liang et al. 2022): the share, in (0, 1], of patch tokens that continue after the attention of blocks L/4,
  /// L/2 and 3L/4. The ⌈keep · T⌉ tokens with the most attention from the class token, averaged over heads, stay; the
  /// rest become one token, their sum weighted by that attention, unless that would save no token. 1: all stay.
  double keep = 1.0;
  /// ToMe (Bolya et al. 2023): the number of tokens that are merged, after the attention of each block, into the tokens
  /// most like them by the mean of their keys over heads. A merged token counts in later attention as many times as it
  /// has parts.
  std::size_t merge = 0;
  /// With keep: draw the tokens at random, without replacement, in proportion to the attention, instead of taking the
  /// top.
  bool sample = false;
  std::uint64_t seed = 0;
  /// Which of several draws with one seed. A draw depends on the seed, this number and the image, but not on the
  /// image's place in a batch.
  std::uint64_t draw = 0;
  [[nodiscard]] bool active() const noexcept { return keep != 1.0 || merge > 0 || sample; }
};

/// One image's tokens after a stage: prefix tokens first, then patches and the tokens that patches became part of.
struct ReducedTokens {
  std::size_t block = 0;                        // tokens are as they leave this block; the last block drops none
  std::size_t tokens = 0;                       // N, prefix and fused tokens included
  std::span<const std::size_t> token_of_patch;  // [T] the token, out of N, that a patch is part of
  std::span<const float> share;                 // [T] the patch's share in that token; the shares in one token sum to 1
  std::span<const std::uint8_t> kept;           // [T] 1: continues, alone or merged; 0: fused with the rest
};
/// Called after each stage that reduced the tokens. The spans are valid only during the call.
using ReductionObserver = std::function<void(std::size_t image, const ReducedTokens&)>;

/// What to compute in addition to the logits.
struct ForwardRequest {
  AttentionObserver attention;
  AttentionDetail attention_detail;  // with `reduction` or `keep_for_gradients` every head is shown anyway
  TokenObserver tokens;
  /// Whether `tokens` needs what leaves the last block, of which the read-out may ignore most; if false, the observer
  /// may not be shown that.
  bool unread_tokens = true;
  PoolObserver pool_attention;
  bool keep_tokens = false;  // fill ForwardResult::tokens
  /// Attention and tokens are then reported over all N tokens of the model: a patch attends as the token it is part of
  /// does, and receives its share of what that token receives, so rows still sum to 1. Not allowed together with
  /// keep_for_gradients.
  TokenReduction reduction;
  ReductionObserver reduced;
  bool keep_for_gradients = false;  // store what Session::gradients needs; for one image at a time
};

/// The score to differentiate: a weighted sum of logits. One class: {{c, 1}}; "why a rather than b": {{a, 1}, {b, -1}}.
struct ScoreTerm {
  std::size_t class_index = 0;
  float weight = 1.0F;
};
using ScoreSeed = std::vector<ScoreTerm>;

/// A score that is no sum of logits, such as the cosine to a text's embedding, given by its gradient.
struct OutputScore {
  enum class Reads { kLogits, kFeatures };  // which part of ForwardResult
  Reads reads = Reads::kFeatures;
  /// @param output    [C] (logits) or [feature_dim] (features)
  /// @param gradient  same size as output; overwritten
  std::function<void(std::span<const float> output, std::span<float> gradient)> gradient;
};

/// ∂score/∂A of one block, last block first. The views are valid only during the call.
/// @param gradient  [H, N, N]
using GradientObserver = std::function<void(const AttentionView& attention, std::span<const float> gradient)>;
/// ∂score/∂A of the attention pool. Called before any block's gradient.
/// @param attention, gradient  [H, n], over the last n tokens
using PoolGradientObserver = std::function<void(MatrixView<const float> attention, MatrixView<const float> gradient)>;
/// The output of the last block's first norm, and the score's gradient there: the features of Grad-CAM.
/// @param features, gradient  [N, D]
using FeatureGradientObserver = std::function<void(MatrixView<const float> features, MatrixView<const float> gradient)>;

/// One block's ∂score/∂A and the relevance of A (Chefer et al. 2021), in double; last block first.
/// @param gradient, relevance  [H, N, N]; valid only during the call
using RelevanceObserver =
    std::function<void(std::size_t block, std::span<const double> gradient, std::span<const double> relevance)>;

/// Called last, with the score's gradient at the input.
/// @param gradient  [T, 3·P·P], of the patches that the forward pass was fed; valid only during the call
using PixelGradientObserver = std::function<void(std::span<const float> gradient)>;

/// Last block first. The views are valid only during the call.
using ScoreTermObserver = std::function<void(const ScoreTerms& terms)>;

/// What to compute in the backward pass. Nothing else is computed.
struct GradientRequest {
  Gradients gradients = Gradients::kTrue;
  float gamma = 0;  // LRP-γ in the MLPs and the heads (AttnLRP's for ViTs: 0.05); only with Gradients::kLibra
  ScoreTermObserver score_terms;  // only with Gradients::kLibra
  GradientObserver attention;
  PoolGradientObserver pool;
  FeatureGradientObserver features;
  PixelGradientObserver pixels;  // only with first_block 0
  /// Gradients of scores read from each block's own output through the model's final norm and head (LeGrad), instead of
  /// the score after the last block. Last block first.
  GradientObserver layer_attention;
  std::size_t first_block = 0;  // earlier blocks are left out
};

struct ForwardResult {
  Logits logits;                // [C]; empty without a head
  std::vector<float> pooled;    // [pooled_dim] input of the head; of the first head if there are two
  std::vector<float> features;  // [feature_dim] the same, projected if the model has a projection
  std::vector<float> tokens;    // [N, D] after the final norm; empty unless asked for
};

/// Activations and compiled primitives, reused for any number of images. Each inference thread needs its own.
class Session {
 public:
  Session(std::shared_ptr<const VisionTransformer> model, std::size_t max_batch);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  [[nodiscard]] std::size_t max_batch() const noexcept;
  /// @param patches  [n, T, 3·P·P], normalised, each patch channel-major (3, P, P); 1 <= n <= max_batch.
  /// @return         n rows of logits.
  /// @throws Error   kShape if patches is not a whole number of images, or more than max_batch.
  [[nodiscard]] std::vector<Logits> run(std::span<const float> patches, const AttentionObserver& observe = {});
  /// Runs the model and also computes what the request asks for; observers change no bit of the logits.
  /// @throws Error   kUsage for a reduction that the model or the rest of the request does not allow.
  [[nodiscard]] std::vector<ForwardResult> forward(std::span<const float> patches, const ForwardRequest& request = {});
  /// Runs the model on some patches of one image. The tokens of the other ones are left out after the embedding; those
  /// that stay keep their positions.
  /// @param patches  [T, 3·P·P]
  /// @param kept     [n, k], which patches stay, in each row from the first to the last; any n
  /// @return         n results, without tokens
  /// @throws Error   kUsage, as require_droppable()
  [[nodiscard]] std::vector<ForwardResult> forward_some(std::span<const float> patches,
                                                        MatrixView<const std::size_t> kept);
  /// Gradients of a score with respect to the attention matrices, for the image of the last forward pass, which must
  /// have been run with keep_for_gradients. The backward weights are packed at first use and shared by all sessions.
  /// @throws Error   kShape if nothing was kept; kUsage for a class that the model does not have.
  void gradients(const ScoreSeed& seed, const GradientRequest& request);
  void gradients(const OutputScore& score, const GradientRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Before any work: whether the model can run on some of its patches.
/// @throws Error  kUsage where positions are no part of the tokens, or an attention pool reads them.
void require_droppable(const ModelInfo& model);

/// Layer-wise relevance propagation (LRP, alpha 1, beta 0) of a score. It runs in double, because float does not
/// conserve relevance well enough to be reproducible. Reads the weights from the checkpoint at first use and keeps
/// them, in double, for all images.
/// @param patches  [T, 3·P·P], one image
/// @throws Error   kUsage for a model that the rules do not cover, naming the part that they lack.
void propagate_relevance(const VisionTransformer& model, std::span<const float> patches, const ScoreSeed& seed,
                         const RelevanceObserver& observe);

}  // namespace fovea
