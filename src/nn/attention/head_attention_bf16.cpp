// Attention of one head on bfloat16 units.
#include <array>
#include <cmath>

#include "base/aligned_buffer.hpp"
#include "nn/attention/head_attention.hpp"
#include "nn/kernels/bf16_kernels.hpp"
#include "nn/kernels/row_pieces.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea::nn {
namespace {

class HeadAttentionBf16 final : public HeadAttention {
 public:
  HeadAttentionBf16(std::size_t tokens, std::size_t head_dim)
      : tokens_(tokens),
        head_dim_(head_dim),
        stride_(aligned_stride(tokens)),
        transposed_(head_dim * stride_),
        keys_(pairs_of(head_dim) * stride_),
        values_(pairs_of(tokens) * head_dim),
        queries_(RowPieces::kMostRows * query_stride()),
        exponentials_(RowPieces::kMostRows * stride_) {
    query_scales_.fill(1.0F / std::sqrt(static_cast<float>(head_dim)));
  }

  void pack(Strided<const float> k, Strided<const float> v) override {
    // [N, d] → [d, N] → pairs [d/2, N]: the product wants neighbouring keys in neighbouring lanes.
    transpose(tokens_, head_dim_, k, {transposed_.data(), stride_});
    pair_rows(head_dim_, tokens_, {transposed_.data(), stride_}, {keys_.data(), stride_});
    pair_rows(tokens_, head_dim_, v, {values_.data(), head_dim_});
  }

  void attend(std::size_t rows, Strided<const float> q, Strided<const float> bias, bool shown, Strided<float> weights,
              Strided<float> out) override {
    round_rows(rows, head_dim_, q, {queries_.data(), query_stride()});
    multiply_bf16({rows, head_dim_, tokens_}, query_scales_.data(), {queries_.data(), query_stride()},
                  {keys_.data(), stride_}, weights);
    if (bias.values != nullptr) add_bias(rows, tokens_, bias, weights);
    // The product, not the weights, is divided by the weights' sum: the product has fewer columns.
    softmax_rows_bf16(rows, tokens_, shown, weights, {exponentials_.data(), stride_}, scales_.data());
    multiply_bf16({rows, tokens_, head_dim_}, scales_.data(), {exponentials_.data(), stride_},
                  {values_.data(), head_dim_}, out);
  }

 private:
  [[nodiscard]] std::size_t query_stride() const noexcept { return 2 * pairs_of(head_dim_); }

  std::size_t tokens_;                         // N
  std::size_t head_dim_;                       // d
  std::size_t stride_;                         // even: whole cache lines
  AlignedBuffer<float> transposed_;            // [d, stride]
  AlignedBuffer<Bf16Pair> keys_;               // [d/2, stride]
  AlignedBuffer<Bf16Pair> values_;             // [N/2, d]
  AlignedBuffer<std::uint16_t> queries_;       // [kMostRows, d]
  AlignedBuffer<std::uint16_t> exponentials_;  // [kMostRows, stride]
  std::array<float, RowPieces::kMostRows> query_scales_{};
  std::array<float, RowPieces::kMostRows> scales_{};
};

}  // namespace

std::unique_ptr<HeadAttention> make_head_attention_bf16(std::size_t tokens, std::size_t head_dim) {
  if (has_amx()) return make_head_attention_amx(tokens, head_dim);
  return std::make_unique<HeadAttentionBf16>(tokens, head_dim);
}

}  // namespace fovea::nn
