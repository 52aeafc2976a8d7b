// Attention of one head on one core. Each kind of arithmetic has a file of its own.
#pragma once

#include <cstddef>
#include <memory>

#include "nn/attention/attention.hpp"
#include "nn/kernels/rows.hpp"

namespace fovea::nn {

/// Not shared between threads: shared keys would cost more, in waiting and in traffic between cores, than they save.
class HeadAttention {
 public:
  virtual ~HeadAttention() = default;
  /// The head whose queries come next.
  /// @param k, v  [N, d]
  virtual void pack(Strided<const float> k, Strided<const float> v) = 0;
  /// Each row has the same bits whichever rows are computed together with it.
  /// @param q        [rows, d], at most RowPieces::kMostRows
  /// @param bias     of these queries, [rows, N], or [1, N] for all queries with stride 0; or values = nullptr
  /// @param shown    whether `weights` is wanted; else its values are undefined
  /// @param weights  [rows, N]
  /// @param out      [rows, d]
  virtual void attend(std::size_t rows, Strided<const float> q, Strided<const float> bias, bool shown,
                      Strided<float> weights, Strided<float> out) = 0;
};

[[nodiscard]] std::unique_ptr<HeadAttention> make_head_attention_f32(std::size_t tokens, std::size_t head_dim);
/// Queries, keys, values and weights are rounded to bfloat16 before they are multiplied; sums and softmax are float32.
[[nodiscard]] std::unique_ptr<HeadAttention> make_head_attention_bf16(std::size_t tokens, std::size_t head_dim);
/// The same where has_amx().
[[nodiscard]] std::unique_ptr<HeadAttention> make_head_attention_amx(std::size_t tokens, std::size_t head_dim);

/// logits += bias
void add_bias(std::size_t rows, std::size_t tokens, Strided<const float> bias, Strided<float> logits);

}  // namespace fovea::nn
