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

/// One value for each patch, row-major [grid.rows, grid.cols], raw: no min-max, no clipping. With
/// ExplainOptions::shifts one for each pixel of the network's input.
struct Heatmap {
  PatchGrid grid;
  std::vector<float> values;
};

/// A token that the read-out uses, and its weight there.
struct ReadOutToken {
  std::size_t token = 0;
  float weight = 1.0F;
};

/// How the tokens of one image are laid out, and which of them the read-out uses.
struct TokenLayout {
  std::size_t num_blocks = 0;
  std::size_t num_heads = 0;
  std::size_t num_prefix = 1;  // tokens before the patches (class token, registers, ...)
  PatchGrid grid;
  /// Class token: {{0, 1}}. Two heads: tokens 0 and 1 at 1/2 each. Mean over patches: each at 1/T. Empty: an attention
  /// pool, which reports its weights when it is observed.
  std::vector<ReadOutToken> read_out{{0, 1.0F}};
  std::size_t num_pool_heads = 0;  // of the attention pool; 0: as many as the blocks
  std::size_t num_registers = 0;   // of the prefix tokens
  [[nodiscard]] std::size_t tokens() const noexcept { return num_prefix + grid.size(); }
  [[nodiscard]] std::size_t pool_heads() const noexcept { return num_pool_heads > 0 ? num_pool_heads : num_heads; }
};

/// Published programs whose rollout can be reproduced, for papers that used them.
enum class RolloutCompat {
  kPaper,       // Abnar & Zuidema 2020, section 3
  kVitExplain,  // jacobgil/vit-explain, vit_rollout.py, including its column normalisation
  kChefer,      // hila-chefer/Transformer-Explainability, baselines/ViT/ViT_explanation_generator.py
};

/// A position in units of patches, not pixels.
struct PatchPosition {
  std::size_t row = 0;
  std::size_t col = 0;
};

/// What a score is made of: patches + prefix + biases is the score, but for rounding.
struct ScoreSum {
  double patches = 0;  // the sum of the map
  double prefix = 0;   // class token, distillation token, registers
  double biases = 0;
  double score = 0;  // the logit of the target, or the difference of two
};

/// What a score is made of in one block (LibraGrad). As tokens enter it: patches + prefix + biases + earlier is the
/// score. What a head brings is Σ ∂score/∂A ⊙ A over the read-out's rows; every number is linear in the score, so that
/// those of a contrast of two classes are the differences of the classes' own.
struct BlockContributions {
  std::size_t block = 0;
  std::vector<float> patches;        // [T]
  std::vector<double> prefix;        // [P], of each prefix token
  double biases = 0;                 // of this block's biases and of all that follow
  double earlier = 0;                // of class tokens that a head reads before this block
  std::vector<float> heads;          // [H, T], what each head brings from each patch to the read-out
  std::vector<double> heads_prefix;  // [H], from all prefix tokens together, the read-out's own among them
};

/// The options of all methods; each method reads those that apply to it and names them in its variant.
struct ExplainOptions {
  HeadFusion head_fusion = HeadFusion::kMean;  // rollout, attention, token-rank
  // Rollout.
  bool renormalize = false;  // rows of the maximum or minimum over heads do not sum to 1; divide each by its sum
  /// Share, in [0, 1), of each row's patches that counts as 0, smallest first. None: 0, or 0.9 for vit-explain as in
  /// its code.
  std::optional<float> discard;
  float residual = 0.5F;  // weight of the identity beside the attention; [0, 1)
  RolloutCompat compat = RolloutCompat::kPaper;
  std::size_t start_block = 0;             // earlier blocks are left out, for gradient methods too
  Gradients gradients = Gradients::kTrue;  // of generic, grad-rollout, grad-cam, legrad
  float gamma = 0;                         // GradientRequest::gamma of every pass with libra gradients
  /// Libra: a map of pixels, the mean over shifts² moved images, from half a patch up and left to half a patch down and
  /// right. Odd; 1: the image as it is. 0: a map of patches.
  std::size_t shifts = 0;
  // Attention, token-rank.
  std::optional<std::size_t> block;    // none: the last
  std::optional<std::size_t> head;     // none: all, fused
  std::optional<PatchPosition> query;  // whose attention is shown; none: the read-out tokens'
  std::optional<float> mass;           // keep the fewest patches that hold this share (DINO); (0, 1]
  // Controls that rerun the model.
  std::size_t occlusion_window = 3;  // patches a side
  std::optional<std::size_t> masks;  // none: 1000 for rise, 512 for tis
  std::uint64_t seed = 0;
};

/// What a method needs to see of the model.
struct Evidence {
  bool attention = false;        // every block's attention, and the attention pool's
  bool gradients = false;        // the score's gradient with respect to those attentions
  bool layer_gradients = false;  // gradients of scores read from each block
  bool features = false;         // the input of the last block's attention, and the score's gradient there
  bool score_terms = false;      // what the score is made of at each block's input
  bool pixels = false;           // with ExplainOptions::shifts, in place of score_terms: gradients of moved images
  bool relevance = false;        // relevance propagated through the model, in double
  bool reruns = false;           // scores of changed inputs
  bool subsets = false;          // scores of some patches alone, and the tokens that leave each block
  bool probabilities = false;    // of the class, in reruns: a model whose outputs are values has none

  /// Whether the map explains one class.
  [[nodiscard]] bool class_specific() const noexcept { return backward() || relevance || reruns || subsets; }
  /// Whether one backward pass gives what is needed.
  [[nodiscard]] bool backward() const noexcept { return reads_gradients() || score_terms; }
  /// Whether ExplainOptions::gradients changes the map.
  [[nodiscard]] bool reads_gradients() const noexcept { return gradients || layer_gradients || features; }
};

/// The model's score for the explained class, or for one class against another.
struct ClassScore {
  float score = 0;        // the logit, or the difference of two
  float probability = 0;  // softmax or sigmoid of the class; against another class: sigmoid(score)
};

/// Runs the model again.
/// @param patches  [n, T, 3·P·P], normalised: 0 is the mean colour
/// @return         n scores
using RunAgain = std::function<std::vector<ClassScore>(std::span<const float> patches)>;

/// Runs the model on some patches of the image, without the tokens of the other ones.
/// @param kept  [n, k], which patches stay, in each row from the first to the last
/// @return      n scores
using RunSome = std::function<std::vector<ClassScore>(MatrixView<const std::size_t> kept)>;

/// An image that was moved, and the score's gradient there.
struct MovedImage {
  int down = 0;   // px by which its content was moved up: its pixel (y, x) is (y + down, x + right) of the image
  int right = 0;  // px, likewise
  std::span<const float> patches;   // [T, 3·P·P], normalised
  std::span<const float> gradient;  // [T, 3·P·P], of the score with libra gradients
};

/// Combines the evidence of one image into a map. A method overrides the observers that its registry row asks for and
/// only those are called, once for each block: first to last for attention, last to first for gradients and relevance.
class Explainer {
 public:
  virtual ~Explainer() = default;

  virtual void observe(const AttentionView& attention);
  /// How much of the attention observe() needs.
  [[nodiscard]] virtual AttentionDetail attention_detail() const { return {}; }
  /// The attention pool's weights, after the last block; only for models with such a pool.
  /// @param weights  [num_heads, n], of the last n tokens
  virtual void observe_pool(MatrixView<const float> weights);

  /// @param gradient  ∂score/∂A, [H, N, N]
  virtual void observe_gradient(const AttentionView& attention, std::span<const float> gradient);
  /// Called before any block's gradient; only for models with an attention pool.
  virtual void observe_pool_gradient(MatrixView<const float> weights, MatrixView<const float> gradient);
  /// @param gradient  ∂s/∂A, [H, N, N], where s is the score computed from this block's own output
  virtual void observe_layer_gradient(const AttentionView& attention, std::span<const float> gradient);
  /// The last block's features, for Grad-CAM.
  /// @param features, gradient  [N, D]
  virtual void observe_features(MatrixView<const float> features, MatrixView<const float> gradient);
  /// Last block first.
  virtual void observe_score_terms(const ScoreTerms& terms);
  /// Once for each of ExplainOptions::shifts² moves.
  virtual void observe_pixels(const MovedImage& moved);
  /// @param gradient, relevance  both for this block's attention, [H, N, N]
  virtual void observe_relevance(std::size_t block, std::span<const double> gradient,
                                 std::span<const double> relevance);

  /// @param patches  [T, 3·P·P], normalised: the image that is explained
  /// @param most     the most images that `run` accepts at once
  virtual void rerun(std::span<const float> patches, std::size_t most, const RunAgain& run);

  /// The image's tokens, [N, D], as they leave each block; first to last, and before run_some().
  virtual void observe_tokens(std::size_t block, MatrixView<const float> tokens);
  virtual void run_some(const RunSome& run);

  /// Called once, after everything was observed.
  [[nodiscard]] virtual Heatmap heatmap() = 0;
  /// After heatmap(): what makes up the score, without the score itself; none for most methods.
  [[nodiscard]] virtual std::optional<ScoreSum> sum() const { return std::nullopt; }
};

/// What a map answers.
enum class Question {
  kWhere,   // where the model looked, whatever it saw there
  kWhy,     // what its score for a class is made of
  kWhatIf,  // what happens to the score where patches are hidden
};

/// One row of the registry.
struct ExplainMethod {
  std::string_view name;   // as in --method
  std::string_view title;  // as in a caption: "attention rollout"
  Question question = Question::kWhere;
  std::string_view shows;  // one sentence: what the map shows, and what it does not
  std::string_view costs;  // in addition to the forward pass, e.g. "one backward pass"
  std::string_view reference;
  bool is_signed = false;  // values below 0 speak against the class
  Evidence needs;
  /// Describes the variant that these options select, e.g. "mean heads, residual 0.5".
  std::string (*variant)(const ExplainOptions&);
  /// @throws Error  kUsage for options that do not fit the layout, e.g. a block that the model does not have.
  std::unique_ptr<Explainer> (*make)(const ExplainOptions&, const TokenLayout&);
  /// The options that the method reads, by their names on the command line: "head-fusion".
  std::vector<std::string_view> reads = {};
};

/// All methods, in the order of methods.def; the first is the default.
[[nodiscard]] std::span<const ExplainMethod> explain_methods();
/// @throws Error  kUsage for an unknown name, with the nearest one as the hint.
[[nodiscard]] const ExplainMethod& explain_method(std::string_view name);

}  // namespace fovea
