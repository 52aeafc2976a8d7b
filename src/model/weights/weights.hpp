// The weights of a Vision Transformer, packed for the machine.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "model/weights/block_layers.hpp"
#include "model/weights/tensor_source.hpp"
#include "nn/attention/rotary.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

struct NormWeights {
  std::vector<float> weight;  // [features]; empty: there is no such norm
  std::vector<float> bias;    // [features]; empty: RMSNorm
  [[nodiscard]] explicit operator bool() const noexcept { return !weight.empty(); }
};

/// One block: x += proj(attention(norm1(x))); x += fc2(act(fc1(norm2(x)))). Layer scale is part of proj and fc2:
/// γ ⊙ (W x + b) = (γ W) x + γ b.
struct EncoderBlockWeights {
  NormWeights norm1;
  std::unique_ptr<nn::LinearWeights> qkv;  // [3D, D]; rows: q of all heads, k, v
  NormWeights q_norm;                      // of each head's features
  NormWeights k_norm;
  std::vector<float> attention_bias;        // [H, N, N], BEiT's relative positions; or empty
  float lambda = 0;                         // of differential attention
  NormWeights sub_norm;                     // of each head's output in differential attention, times 1 - λ_init
  NormWeights attention_norm;               // of all heads' outputs
  std::unique_ptr<nn::LinearWeights> proj;  // [D, D]
  NormWeights norm2;                        // none of a parallel MLP
  std::unique_ptr<nn::LinearWeights> fc1;   // [F, D], of a gated MLP [2F, D], the gate first
  NormWeights mlp_norm;
  std::unique_ptr<nn::LinearWeights> fc2;  // [D, F]
};
[[nodiscard]] const nn::LinearWeights& linear_of(const EncoderBlockWeights& block, BlockLayer layer) noexcept;

/// timm's AttentionPoolLatent (Lee et al. 2019).
struct AttentionPoolWeights {
  std::vector<float> query;  // [H, d], of the latent: it never changes
  std::unique_ptr<nn::LinearWeights> kv;
  std::unique_ptr<nn::LinearWeights> proj;
  NormWeights norm;
  std::unique_ptr<nn::LinearWeights> fc1;
  std::unique_ptr<nn::LinearWeights> fc2;
};

/// |W| and |b| of a linear layer, for LRP-γ.
struct AbsoluteLayer {
  std::unique_ptr<nn::LinearWeights> forward;   // y = x |W|ᵀ + |b|
  std::unique_ptr<nn::LinearWeights> backward;  // y = x |W|
};

/// The layers that LRP-γ is applied to: those of the MLPs, and the heads. What a model does not have is empty.
struct AbsoluteWeights {
  struct Mlp {
    AbsoluteLayer fc1;
    AbsoluteLayer fc2;
  };
  std::vector<Mlp> blocks;
  Mlp pool;
  AbsoluteLayer head;
  AbsoluteLayer head_dist;
};

struct ModelWeights {
  std::vector<float> prefix_tokens;                // [P, D], position embedding added where they have one
  std::vector<float> pos_embed;                    // of the patches of the grid that it was trained for; empty: none
  std::unique_ptr<nn::LinearWeights> patch_embed;  // [D, 3·P·P]
  NormWeights embed_norm;
  NormWeights norm_pre;
  std::vector<nn::RotaryTable> rotary;  // one that all blocks share, or one for each block; or empty
  std::vector<EncoderBlockWeights> blocks;
  NormWeights norm;
  std::optional<AttentionPoolWeights> pool;
  NormWeights fc_norm;
  std::unique_ptr<nn::LinearWeights> head;        // [C, pooled]; none: features only
  std::unique_ptr<nn::LinearWeights> head_dist;   // [C, D]
  std::unique_ptr<nn::LinearWeights> projection;  // [E, D]

  /// nullptr: no rotation
  [[nodiscard]] const nn::RotaryTable* rotary_of(std::size_t block) const noexcept {
    return rotary.empty() ? nullptr : &rotary[block % rotary.size()];
  }
};

/// The patch embedding's precision in a model of any. Neighbouring pixels are alike and largely cancel in the filters,
/// so that rounding pixels would add several times the noise of all blocks. It is about 2 % of the arithmetic.
inline constexpr Precision kPatchEmbedPrecision = Precision::kF32;
/// The precision of the products in attention: of queries and keys, and of weights and values.
[[nodiscard]] Precision attention_precision(Precision precision);
/// The precision of the attention pool and the heads. bf16 and int8 are for blocks only: what a head loses, the logits
/// lose, and full precision costs nothing for one row.
[[nodiscard]] Precision read_out_precision(Precision precision);
/// The precision of the backward pass: plain bfloat16 and int8 lack the digits for gradients and for libra's sums.
[[nodiscard]] Precision backward_precision(Precision precision);

[[nodiscard]] ModelWeights pack_weights(const Architecture& architecture, Precision precision,
                                        const TensorSource& source);

/// Position embeddings of the patches, resampled to the architecture's grid.
/// @param trained  ModelWeights::pos_embed
/// @return         [T, D]; empty: none
[[nodiscard]] std::vector<float> positions_at(const Architecture& architecture, std::span<const float> trained);

/// The linear layers for the backward pass (nn::pack_linear_backward): blocks, pool and heads; nothing else is filled
/// in.
[[nodiscard]] ModelWeights pack_backward_weights(const Architecture& architecture, Precision precision,
                                                 const TensorSource& source);
/// The rows of v in each block's qkv, [D, D], for a backward pass that goes through the values only.
using ValueWeights = std::vector<std::unique_ptr<nn::LinearWeights>>;
[[nodiscard]] ValueWeights pack_value_weights(const Architecture& architecture, Precision precision,
                                              const TensorSource& source);
/// The patch embedding for the backward pass, from tokens to pixels.
using PixelWeights = std::unique_ptr<nn::LinearWeights>;
[[nodiscard]] PixelWeights pack_pixel_weights(const Architecture& architecture, Precision precision,
                                              const TensorSource& source);
[[nodiscard]] AbsoluteWeights pack_absolute_weights(const Architecture& architecture, Precision precision,
                                                    const TensorSource& source);

}  // namespace fovea
