// What a Vision Transformer computes: its sizes and variants, in timm's terms.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"

namespace fovea {

/// The nonlinearity of an MLP. On a linear layer: what is applied after the bias.
enum class Activation {
  kNone,
  kGelu,       // x Φ(x), exact (erf)
  kGeluTanh,   // the approximation with tanh ("gelu_tanh", "gelu_new", "gelu_pytorch_tanh")
  kQuickGelu,  // x σ(1.702 x), OpenAI's CLIP
  kSilu,       // x σ(x)
};
[[nodiscard]] std::string_view name(Activation activation) noexcept;  // "gelu"

/// How the features that the head reads are computed from the tokens.
enum class ReadOut {
  kClassToken,
  kClassAndDistToken,  // one head each, logits averaged (DeiT, distilled)
  kPatchMean,          // average of the patch tokens
  kClassAndPatchMean,  // class token (of the last `read_out_blocks` blocks), then the mean patch token (DINOv2)
  kAttentionPool,      // a learned query attends to the tokens (SigLIP)
};
[[nodiscard]] std::string_view name(ReadOut read_out) noexcept;  // "class token"

/// Rotary position embedding of queries and keys (Su et al. 2021), as timm's eva.py has it.
enum class Rope {
  kNone,
  kEva02,   // "cat": neighbouring pairs, positions scaled to a 16x16 grid
  kDinoV3,  // rotate-half, positions at patch centres in [-1, 1]
  kMixed,   // each head of each block has learned frequencies along both axes (RoPE-ViT, Heo et al. 2024)
};

/// How positions become rotation angles, in timm's terms (RotaryEmbeddingCat, RotaryEmbeddingDinoV3; of
/// RotaryEmbeddingMixed only `x_first`).
struct RopeSettings {
  double temperature = 10000.0;        // of the slowest frequency
  double grid_offset = 0.0;            // patches, added to each position
  std::optional<PatchGrid> reference;  // the grid that positions are scaled to (ref_feat_shape); none: they are not
  bool x_first = false;                // columns before rows (rope_grid_indexing "xy")
  bool rotate_half = false;            // pairs are half a head apart, not neighbours
};
/// What timm's models of this kind have.
[[nodiscard]] RopeSettings usual_rope_settings(Rope rope);

/// How a family resamples learned position embeddings to another grid.
enum class PosEmbedResampling {
  kTimm,           // bicubic, antialiased (timm resample_abs_pos_embed)
  kGoogle,         // bilinear (timm _load_weights, for Google's .npz)
  kBicubic,        // bicubic (transformers interpolate_pos_encoding)
  kBicubicOffset,  // bicubic; adds DINO's and DINOv2's 0.1 to the new size
  kAntialiased,    // bicubic, antialiased (DINOv2 with registers)
  kBilinear,       // bilinear, antialiased (SigLIP 2's NaFlex)
  kFixed,          // the family's own code accepts no other size
};

/// The type that a tensor is stored in, as far as rounding to it matters.
enum class StoredFloat { kF32, kF16, kBf16 };

/// The sizes and variants that define a Vision Transformer, in timm's terms, in the order in which the data meets them.
struct Architecture {
  std::string name;                 // timm's, e.g. "vit_tiny_patch16_224"; may be empty
  std::string family = "timm ViT";  // the naming scheme that recognised it
  Size image_size{224, 224};        // px
  /// NaFlex: each picture is fed in a grid of its own, of at most so many patches, and image_size is that of a square
  /// picture; VisionTransformer::at() is the model for one size. 0: every picture is fed at image_size.
  std::size_t max_patches = 0;
  std::size_t patch_size = 16;  // px
  std::size_t embed_dim = 0;
  std::size_t depth = 0;
  std::size_t num_heads = 0;
  std::size_t mlp_hidden_dim = 0;     // input width of the MLP's second layer
  std::size_t num_classes = 0;        // 0: no head, features only
  std::size_t num_prefix_tokens = 1;  // class, distillation and register tokens; they precede the patches
  std::size_t num_register_tokens = 0;
  float norm_eps = 1e-6F;
  ReadOut read_out = ReadOut::kClassToken;
  std::size_t read_out_blocks = 1;

  bool rms_norm = false;                // RMSNorm instead of layer norm (Zhang & Sennrich 2019)
  bool embed_norm = false;              // a norm of the patches before their positions are added (AIMv2)
  bool norm_pre = false;                // a norm before the first block (CLIP)
  bool norm_after = false;              // each sub-layer's result is normalised, not what the sub-layer reads
  bool parallel_mlp = false;            // the MLP reads what the attention reads (ViT-22B, Dehghani et al. 2023)
  bool qk_norm = false;                 // each head's queries and keys are normalised
  bool attention_norm = false;          // a norm of all heads' outputs, before the projection (BEiT-3)
  bool differential_attention = false;  // the difference of two softmaxes (Ye et al. 2024)
  std::vector<std::size_t> kv_dims;     // of each block the width of keys and values that heads share; empty: all D
  bool gated_mlp = false;               // silu(gate) · value (SwiGLU, Shazeer 2020) instead of an activation
  bool mlp_norm = false;                // a norm before the MLP's second layer (EVA-02, BEiT-3)
  bool relative_position_bias = false;  // added to the attention logits (BEiT)
  std::size_t rel_pos_hidden_dim = 0;   // of the MLP that computes that bias from offsets; 0: a table has it
  Activation activation = Activation::kGelu;
  Rope rope = Rope::kNone;
  std::optional<RopeSettings> rope_settings;  // where a config changes the usual ones
  bool final_norm = true;                     // all tokens are normalised before the read-out
  bool fc_norm = false;                       // the features are normalised after the read-out
  std::size_t pool_hidden_dim = 0;            // MLP width of the attention pool
  std::size_t pool_num_heads = 0;             // of the attention pool; 0: num_heads
  Activation pool_activation = Activation::kGelu;
  bool pool_sees_prefix = false;   // the attention pool or the mean reads the prefix tokens too
  std::size_t projection_dim = 0;  // width of the space shared with text (CLIP) that features project into; 0: none

  bool pos_embed = true;             // learned, absolute position embedding
  PatchGrid pos_embed_grid;          // the grid it was trained for; empty: the model's own
  std::size_t pos_embed_prefix = 1;  // number of prefix tokens that have a position embedding too
  PosEmbedResampling pos_embed_resampling = PosEmbedResampling::kTimm;
  StoredFloat pos_embed_rounding = StoredFloat::kF32;  // of resampled ones: timm does it in the file's type

  [[nodiscard]] PatchGrid grid() const noexcept { return patch_grid(image_size, patch_size); }
  /// The grid that the position embeddings in the file are for.
  [[nodiscard]] PatchGrid trained_grid() const noexcept { return pos_embed_grid.size() > 0 ? pos_embed_grid : grid(); }
  [[nodiscard]] std::size_t tokens() const noexcept { return num_prefix_tokens + grid().size(); }
  /// The first of the tokens that a mean is taken of: the first patch, or the very first token if kPatchMean sees the
  /// prefix.
  [[nodiscard]] std::size_t first_mean_token() const noexcept {
    return read_out == ReadOut::kPatchMean && pool_sees_prefix ? 0 : num_prefix_tokens;
  }
  [[nodiscard]] std::size_t mean_tokens() const noexcept { return tokens() - first_mean_token(); }
  [[nodiscard]] std::size_t patch_dim() const noexcept { return 3 * patch_size * patch_size; }
  [[nodiscard]] std::size_t head_dim() const noexcept { return embed_dim / num_heads; }
  /// Width of a block's stored keys, and of its values.
  [[nodiscard]] std::size_t kv_dim(std::size_t block) const noexcept {
    return kv_dims.empty() ? embed_dim : kv_dims[block];
  }
  [[nodiscard]] std::size_t pool_heads() const noexcept { return pool_num_heads > 0 ? pool_num_heads : num_heads; }
  /// Output width of the MLP's first layer.
  [[nodiscard]] std::size_t fc1_dim() const noexcept { return gated_mlp ? 2 * mlp_hidden_dim : mlp_hidden_dim; }
  /// Input width of a head.
  [[nodiscard]] std::size_t pooled_dim() const noexcept {
    return read_out == ReadOut::kClassAndPatchMean ? (read_out_blocks + 1) * embed_dim : embed_dim;
  }
  /// Width of what `embed` returns: the read-out, or its projection.
  [[nodiscard]] std::size_t feature_dim() const noexcept { return projection_dim > 0 ? projection_dim : pooled_dim(); }
};

/// The sizes that one of timm's architecture names ("vit_base_patch16_224") stands for.
/// @throws Error  kUsage for a name that is not in the table; the hint names the nearest one.
[[nodiscard]] Architecture timm_architecture(std::string_view name);
/// All names that timm_architecture() knows.
[[nodiscard]] std::vector<std::string> timm_architecture_names();

}  // namespace fovea
