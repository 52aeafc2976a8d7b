// Attention of one head in float32.
#include <cmath>

#include "base/aligned_buffer.hpp"
#include "nn/attention/attention_kernels.hpp"
#include "nn/attention/head_attention.hpp"

namespace fovea::nn {
namespace {

class HeadAttentionF32 final : public HeadAttention {
 public:
  HeadAttentionF32(std::size_t tokens, std::size_t head_dim)
      : tokens_(tokens),
        head_dim_(head_dim),
        stride_(aligned_stride(tokens)),
        scale_(1.0F / std::sqrt(static_cast<float>(head_dim))),
        keys_(head_dim * stride_) {}

  void pack(Strided<const float> k, Strided<const float> v) override {
    // [N, d] → [d, N]: the product wants neighbouring keys in neighbouring lanes.
    transpose(tokens_, head_dim_, k, {keys_.data(), stride_});
    values_ = v;
  }

  void attend(std::size_t rows, Strided<const float> q, Strided<const float> bias, bool /*shown*/,
              Strided<float> weights, Strided<float> out) override {
    multiply({rows, head_dim_, tokens_}, scale_, q, {keys_.data(), stride_}, weights);
    if (bias.values != nullptr) add_bias(rows, tokens_, bias, weights);
    softmax_rows(rows, tokens_, weights);
    multiply({rows, tokens_, head_dim_}, 1.0F, {weights.values, weights.stride}, values_, out);
  }

 private:
  std::size_t tokens_;    // N
  std::size_t head_dim_;  // d
  std::size_t stride_;
  float scale_;
  AlignedBuffer<float> keys_;                // [d, stride]
  Strided<const float> values_{nullptr, 0};  // [N, d]
};

}  // namespace

std::unique_ptr<HeadAttention> make_head_attention_f32(std::size_t tokens, std::size_t head_dim) {
  return std::make_unique<HeadAttentionF32>(tokens, head_dim);
}

}  // namespace fovea::nn
