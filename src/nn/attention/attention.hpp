// Multi-head self-attention for one image (Vaswani et al. 2017, section 3.2), between the qkv and the output
// projection.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "fovea/precision.hpp"
#include "fovea/tensor.hpp"

namespace fovea::nn {

struct AttentionShape {
  std::size_t tokens = 0;     // N
  std::size_t num_heads = 0;  // H
  std::size_t head_dim = 0;   // d
};

class Attention {
 public:
  /// @param products  kF32, or kBf16 where has_units(kBf16): what is multiplied is rounded, sums and softmax are
  /// float32
  explicit Attention(const AttentionShape& shape, Precision products = Precision::kF32);
  ~Attention();
  Attention(Attention&&) noexcept;
  Attention& operator=(Attention&&) noexcept;

  /// @param qkv      [N, 3, H, d], as timm's fused projection writes it; read in place.
  /// @param queries  only the first so many rows of `out` are needed: N, or 1 where just the class token is read out.
  /// @param bias     [H, N, N], or [N] of each key for all heads and queries, added to q kᵀ / √d before the softmax;
  ///                 or empty.
  /// @param out      [N, H, d]; rows from `queries` on are undefined.
  /// @param weights  [H, N, N], receives softmax(q kᵀ / √d): each row sums to 1, those from `queries` on are zero. Or
  ///                 empty, if nobody asks: then the matrix is never held in memory as a whole.
  /// @param fused    how all heads are fused into `weights`, which is then [N, N]; cheaper than to fuse heads later
  void operator()(std::span<const float> qkv, std::size_t queries, std::span<const float> bias, std::span<float> out,
                  std::span<float> weights, std::optional<HeadFusion> fused = std::nullopt);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One row of what Attention computes in float32 without a bias, to the bit; nothing else is computed.
/// @param qkv      [N, 3, H, d]
/// @param weights  [H, N], receives softmax(q kᵀ / √d) of token `query`
void attention_row(const AttentionShape& shape, std::span<const float> qkv, std::size_t query,
                   std::span<float> weights);

/// One learned query for each head that attends to tokens (Lee et al. 2019, pooling by multi-head attention).
/// @param query    [H, d]
/// @param kv       [n, 2, H, d]
/// @param out      [H, d]
/// @param weights  [H, n], receives softmax(q kᵀ / √d)
void attend_with_one_query(const AttentionShape& shape, std::span<const float> query, std::span<const float> kv,
                           std::span<float> out, std::span<float> weights);

}  // namespace fovea::nn
