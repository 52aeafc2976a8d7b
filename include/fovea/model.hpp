// A Vision Transformer: what it is (ModelInfo), its weights (VisionTransformer) and a running copy (Session).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
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

/// The nonlinearity of an MLP; for a linear layer, what follows its bias.
enum class Activation {
  kNone,
  kGelu,       // x Φ(x), exact (erf)
  kGeluTanh,   // the approximation with tanh ("gelu_tanh", "gelu_new", "gelu_pytorch_tanh")
  kQuickGelu,  // x σ(1.702 x), OpenAI's CLIP
  kSilu,       // x σ(x)
};
[[nodiscard]] std::string_view name(Activation activation) noexcept;  // "gelu"

/// How the features that the head reads come out of the tokens.
enum class ReadOut {
  kClassToken,
  kClassAndDistToken,  // a head for each, logits averaged (DeiT, distilled)
  kPatchMean,          // average of the patch tokens
  kClassAndPatchMean,  // class token (of the last `read_out_blocks` blocks) beside the mean patch token (DINOv2)
  kAttentionPool,      // a learned query attends to the tokens (SigLIP)
};
[[nodiscard]] std::string_view name(ReadOut read_out) noexcept;  // "class token"

/// Rotary position embedding of queries and keys (Su et al. 2021), as timm's eva.py has it.
enum class Rope {
  kNone,
  kEva02,   // "cat": neighbouring pairs, positions scaled to a 16x16 grid
  kDinoV3,  // rotate-half, positions at patch centres in [-1, 1]
};

/// How a family resamples learned position embeddings to another grid.
enum class PosEmbedResampling {
  kTimm,           // bicubic, antialiased (timm resample_abs_pos_embed)
  kGoogle,         // bilinear, of Google's .npz (timm _load_weights)
  kBicubic,        // bicubic (transformers interpolate_pos_encoding)
  kBicubicOffset,  // bicubic with the 0.1 that DINO and DINOv2 add to the new size
  kAntialiased,    // bicubic, antialiased (DINOv2 with registers)
  kFixed,          // the family's own code takes no other size
};

/// What a Vision Transformer computes, in timm's terms. Sizes in the order of the data's way.
struct Architecture {
  std::string name;                 // timm's, e.g. "vit_tiny_patch16_224"; may be empty
  std::string family = "timm ViT";  // the naming scheme that recognised it
  Size image_size{224, 224};        // px
  std::size_t patch_size = 16;      // px
  std::size_t embed_dim = 0;
  std::size_t depth = 0;
  std::size_t num_heads = 0;
  std::size_t mlp_hidden_dim = 0;     // what the MLP's second layer reads
  std::size_t num_classes = 0;        // 0: no head, features only
  std::size_t num_prefix_tokens = 1;  // class, distillation and register tokens, before the patches
  std::size_t num_register_tokens = 0;
  float norm_eps = 1e-6F;
  ReadOut read_out = ReadOut::kClassToken;
  std::size_t read_out_blocks = 1;

  bool rms_norm = false;                // RMSNorm in place of layer norm (Zhang & Sennrich 2019)
  bool norm_pre = false;                // a norm before the first block (CLIP)
  bool qk_norm = false;                 // a norm of each head's queries and keys
  bool gated_mlp = false;               // silu(gate) · value (SwiGLU, Shazeer 2020) in place of an activation
  bool mlp_norm = false;                // a norm before the MLP's second layer (EVA-02)
  bool relative_position_bias = false;  // added to the attention logits (BEiT)
  Activation activation = Activation::kGelu;
  Rope rope = Rope::kNone;
  bool final_norm = true;           // of all tokens, before they are pooled
  bool fc_norm = false;             // of the pooled features
  std::size_t pool_hidden_dim = 0;  // MLP width of the attention pool
  Activation pool_activation = Activation::kGelu;
  bool pool_sees_prefix = false;   // the attention pool attends to the prefix tokens too
  std::size_t projection_dim = 0;  // of the features into a space shared with text (CLIP); 0: none

  bool pos_embed = true;             // learned, absolute
  PatchGrid pos_embed_grid;          // the grid that it was learned for; empty: the model's own
  std::size_t pos_embed_prefix = 1;  // prefix tokens that have one too
  PosEmbedResampling pos_embed_resampling = PosEmbedResampling::kTimm;

  [[nodiscard]] PatchGrid grid() const noexcept {
    return {static_cast<std::size_t>(image_size.height) / patch_size,
            static_cast<std::size_t>(image_size.width) / patch_size};
  }
  [[nodiscard]] std::size_t tokens() const noexcept { return num_prefix_tokens + grid().size(); }
  [[nodiscard]] std::size_t patch_dim() const noexcept { return 3 * patch_size * patch_size; }
  [[nodiscard]] std::size_t head_dim() const noexcept { return embed_dim / num_heads; }
  /// What the MLP's first layer writes.
  [[nodiscard]] std::size_t fc1_dim() const noexcept { return gated_mlp ? 2 * mlp_hidden_dim : mlp_hidden_dim; }
  /// What a head reads.
  [[nodiscard]] std::size_t pooled_dim() const noexcept {
    return read_out == ReadOut::kClassAndPatchMean ? (read_out_blocks + 1) * embed_dim : embed_dim;
  }
  /// What `embed` gives: the pooled features, or their projection.
  [[nodiscard]] std::size_t feature_dim() const noexcept { return projection_dim > 0 ? projection_dim : pooled_dim(); }
};

/// One class of a model: `description` is the whole text ("tench, Tinca tinca"), label() its first name.
struct ClassLabel {
  std::optional<std::string> description;
  std::optional<std::string> synset;  // WordNet id such as "n01440764"
  [[nodiscard]] std::optional<std::string> label() const;
};

/// A tensor as it is stored, for `inspect -v`.
struct TensorInfo {
  std::string name;
  std::string dtype;  // safetensors' name, e.g. "F16"
  std::vector<std::size_t> shape;
};

/// The arithmetic of the linear layers; what lies between them is float32. The bf16 ones sum in float32, and need a CPU
/// with AVX512-BF16 or AMX; int8 needs one with AVX512-VNNI or AMX.
enum class Precision {
  kF32,
  kBf16x6,  // each factor cut into three bfloat16 numbers, six products: float32's own error
  kBf16x3,  // into two, three products: 16 bits of each factor, all but float32
  kBf16,    // factors rounded to bfloat16, 8 bits; those of attention, too
  kInt8,    // of the blocks' layers: integers of 8 bits, a scale for each output and each token; the others as auto
};
[[nodiscard]] std::string_view name(Precision precision) noexcept;
inline constexpr Precision kPrecisions[] = {Precision::kF32, Precision::kBf16x6, Precision::kBf16x3, Precision::kBf16,
                                            Precision::kInt8};
/// Of f32 and bf16x3 the faster one on this CPU: bf16x3 where it has AMX.
[[nodiscard]] Precision fastest_full_precision();
/// Whether this CPU has units for it.
[[nodiscard]] bool has_units(Precision precision);
/// @throws Error  kBackend if this CPU has no units for it.
void require_precision(Precision precision);

/// Everything that can be said about a checkpoint without running it.
struct ModelInfo {
  std::string name;            // the folder's name
  std::filesystem::path path;  // the checkpoint file
  std::string format;          // e.g. "safetensors"
  Architecture architecture;
  PreprocessRecipe recipe;
  std::string recipe_source;       // where the recipe was read, e.g. "config.json (pretrained_cfg)"
  std::vector<ClassLabel> labels;  // one for each class, in order
  std::string labels_source;       // where the names were read; empty if the classes have none
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;         // as stored
  Precision precision = Precision::kF32;  // that it is run in
  std::optional<Precision> quantized;     // what `fovea quantize` stored it for; none: it is as it was trained
  std::string dtype;                      // the stored type, e.g. "F16", or "F16+F32" where mixed
  std::vector<TensorInfo> tensors;
  std::vector<std::string> assumptions;  // what no file said, e.g. "num_heads 3 from width 192 (64 a head)"
  bool multi_label = false;              // each class has its own probability: sigmoid in place of softmax
  std::optional<float> logit_scale;      // of CLIP and SigLIP: exp is taken already
  std::optional<float> logit_bias;       // of SigLIP
};

/// What the user knows better than the files.
struct LoadOptions {
  std::optional<Size> image_size;               // px; position embeddings are resampled by the family's rule
  std::optional<std::size_t> num_heads;         // where no config says it
  std::optional<std::filesystem::path> labels;  // class names, one a line or JSON; in place of the config's
  RecipeOptions recipe;
  /// None: what the file was quantised for, where this CPU has units for that, else fastest_full_precision().
  std::optional<Precision> precision = Precision::kF32;
};

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

/// Immutable after loading, shared by any number of sessions in any number of threads.
class VisionTransformer {
 public:
  struct Impl;

  /// @param model    a folder (config.json and a checkpoint) or a checkpoint file.
  /// @throws Error   kNotFound; kCheckpoint if it is damaged, incomplete or no known family; as require_precision().
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> load(const std::filesystem::path& model,
                                                                     const LoadOptions& options = {});
  /// A model of these sizes with random weights, for benchmarks and tests: same seed, same weights.
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> random(const Architecture& architecture,
                                                                       std::uint64_t seed,
                                                                       Precision precision = Precision::kF32);
  ~VisionTransformer();
  VisionTransformer(const VisionTransformer&) = delete;
  VisionTransformer& operator=(const VisionTransformer&) = delete;

  [[nodiscard]] const ModelInfo& info() const noexcept;
  [[nodiscard]] const Architecture& architecture() const noexcept { return info().architecture; }
  [[nodiscard]] const Impl& impl() const noexcept { return *impl_; }

 private:
  explicit VisionTransformer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
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

/// Reads config and checkpoint header only; touches no weight.
/// @throws Error  as VisionTransformer::load.
[[nodiscard]] ModelInfo inspect_model(const std::filesystem::path& model, const LoadOptions& options = {});

/// The sizes behind one of timm's architecture names ("vit_base_patch16_224").
/// @throws Error  kUsage for a name that is not in the table; the hint says which is nearest.
[[nodiscard]] Architecture timm_architecture(std::string_view name);
/// All names that timm_architecture() knows.
[[nodiscard]] std::vector<std::string> timm_architecture_names();

/// SHA-256 over the checkpoint's tensor bytes (in name order) and its config.json, in lower-case hex.
[[nodiscard]] std::string model_sha256(const std::filesystem::path& model, const LoadOptions& options = {});
/// SHA-256 of these bytes, in lower-case hex.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// The threads that the calling thread's sessions compute with.
void set_compute_threads(int threads);
/// Those that this process may run on (taskset), or fewer where a container's quota of CPU time is smaller.
[[nodiscard]] int available_cores();

/// What the machine is and can do, measured where it says measured.
struct MachineInfo {
  std::string cpu;
  std::string isa;      // the widest instruction set that the kernels use here, e.g. "avx512_core_vnni"
  std::string backend;  // e.g. "oneDNN 2.6.3"
  int cores = 1;
  std::size_t last_cache = 0;  // bytes of the largest cache that the first core reaches, its own or shared; 0: unknown
};
[[nodiscard]] MachineInfo machine_info();
/// Measured now, on `threads` threads: the rate of independent f32 fused multiply-adds, in GFLOP/s.
[[nodiscard]] double measure_fma_peak_gflops(int threads);
/// Measured now: the best matrix product rate of the backend over a few large shapes, in GFLOP/s. Where a product takes
/// several it counts once.
[[nodiscard]] double measure_matmul_peak_gflops(int threads, Precision precision = Precision::kF32);
/// Measured now, on `threads` threads: the rate of McCalpin's STREAM triad a = b + s · c, in GB/s of 1e9 bytes; two
/// floats read and one written count 12 bytes, whatever else the caches move.
/// @param bytes  of all arrays of all threads together: which cache, or none, holds them decides the rate
[[nodiscard]] double measure_bandwidth_gb_per_s(int threads, std::size_t bytes);

}  // namespace fovea
