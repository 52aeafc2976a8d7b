#include "model/forward/encoder_block.hpp"

#include <algorithm>

#include "nn/kernels/activation.hpp"
#include "nn/kernels/copy.hpp"
#include "nn/kernels/rows.hpp"

namespace fovea {

using nn::make_linear;

namespace {

/// [rows, features] in one piece.
template <typename T>
nn::Strided<T> dense(std::span<T> values, std::size_t features) {
  return {values.data(), features};
}

void keep(std::span<const float> values, AlignedBuffer<float>& place) {
  nn::copy(values, place.first(values.size()));
}

}  // namespace

SavedBlock::SavedBlock(const Architecture& a)
    : x_in(a.tokens() * a.embed_dim),
      raw_qkv(a.qk_norm ? 3 * x_in.size() : 0),
      qkv(3 * x_in.size()),
      attention(a.num_heads * a.tokens() * a.tokens()),
      x_mid(x_in.size()),
      wide(a.gated_mlp ? a.tokens() * a.fc1_dim() : 0),
      slope(a.gated_mlp ? 0 : a.tokens() * a.mlp_hidden_dim) {}

EncoderBlock::AfterAttention::AfterAttention(const Architecture& a, Precision precision, std::size_t num_rows,
                                             nn::Workspace& workspace)
    : rows(num_rows),
      norm2(norm_shape(a, rows, a.embed_dim)),
      mlp_norm(norm_shape(a, rows, a.mlp_hidden_dim)),
      proj(make_linear(precision, {rows, a.embed_dim, a.embed_dim, true}, workspace)),
      fc1(make_linear(precision, {rows, a.embed_dim, a.fc1_dim()}, workspace)),
      fc2(make_linear(precision, {rows, a.mlp_hidden_dim, a.embed_dim, true}, workspace)),
      activation(a.activation) {}

void EncoderBlock::AfterAttention::project(const EncoderBlockWeights& weights, std::span<float> x,
                                           const BlockActivations& scratch) const {
  (*proj)(*weights.proj, scratch.mixed.first(x.size()), x);
  if (scratch.saved != nullptr) keep(x, scratch.saved->x_mid);
}

void EncoderBlock::AfterAttention::mlp_residual(const EncoderBlockWeights& weights, std::span<float> x,
                                                const BlockActivations& scratch) const {
  const std::span<float> normed = scratch.normed.first(x.size());                                   // [rows, D]
  const std::span<float> wide = scratch.hidden.first(scratch.hidden.size() / scratch.rows * rows);  // [rows, F or 2F]
  const std::span<float> gated = scratch.gated.first(scratch.gated.size() / scratch.rows * rows);   // [rows, F]
  nn::normalize(norm2, weights.norm2.weight, weights.norm2.bias, dense<const float>(x, norm2.features),
                dense(normed, norm2.features), fc1->packer(*weights.fc1, normed));
  // The way back needs what entered the gate, or the activation's slope there.
  const bool keep_entered = scratch.saved != nullptr && !gated.empty();
  const std::span<float> entered = keep_entered ? scratch.saved->wide.first(wide.size()) : wide;
  const std::span<float> hidden = gated.empty() ? wide : gated;  // [rows, F]
  const std::size_t features = mlp_norm.features;                // F
  const nn::RowsDone hand_over = fc2->packer(*weights.fc2, hidden);
  const Precision reader = weights.fc2->precision();
  fc1->multiply(*weights.fc1, normed, entered, [&](std::size_t first, std::size_t count) {
    const std::span<float> some = nn::rows_of(hidden, features, first, count);
    if (!gated.empty()) {
      nn::silu_gate(count, features, nn::rows_of(entered, 2 * features, first, count), some);
    } else if (scratch.saved != nullptr) {
      nn::activate(activation, reader, some, some, nn::rows_of(scratch.saved->slope.span(), features, first, count));
    } else {
      nn::activate(activation, reader, some, some);
    }
    if (weights.mlp_norm) {
      nn::normalize({mlp_norm.kind, count, features, mlp_norm.eps}, weights.mlp_norm.weight, weights.mlp_norm.bias,
                    dense<const float>(some, features), dense(some, features));
    }
    if (hand_over) hand_over(first, count);
  });
  fc2->multiply(*weights.fc2, hidden, x, {});
}

EncoderBlock::EncoderBlock(const Architecture& a, Precision precision, std::size_t batch, std::size_t tokens,
                           nn::Workspace& workspace)
    : batch_(batch),
      tokens_(tokens),
      embed_dim_(a.embed_dim),
      num_heads_(a.num_heads),
      prefix_(a.num_prefix_tokens),
      leading_(leading_tokens(a)),
      norm1_(norm_shape(a, batch * tokens, a.embed_dim)),
      head_norm_(norm_shape(a, tokens, a.head_dim())),
      qkv_(make_linear(precision, {batch * tokens, a.embed_dim, 3 * a.embed_dim}, workspace)),
      attention_({tokens, a.num_heads, a.head_dim()}, attention_precision(precision)),
      all_tokens_(a, precision, batch * tokens, workspace),
      leading_tokens_(leading_ > 0 ? std::make_unique<AfterAttention>(a, precision, batch * leading_, workspace)
                                   : nullptr) {}

std::size_t EncoderBlock::leading_tokens(const Architecture& a) noexcept {
  if (a.read_out == ReadOut::kClassToken) return 1;
  return a.read_out == ReadOut::kClassAndDistToken ? 2 : 0;
}

/// Each head's q, or k, of one image.
/// @param first_head  from the first value of the first head on; tokens lie 3D apart
void EncoderBlock::normalize_heads(const NormWeights& norm, std::span<float> first_head) const {
  for (std::size_t head = 0; head < num_heads_; ++head) {
    float* values = first_head.data() + head * head_norm_.features;
    nn::normalize(head_norm_, norm.weight, norm.bias, {values, 3 * embed_dim_}, {values, 3 * embed_dim_});
  }
}

void EncoderBlock::attend(const EncoderBlockWeights& weights, const nn::RotaryTable* rotary, std::span<const float> x,
                          const BlockActivations& scratch, std::size_t queries, const AttentionReady& attention_ready) {
  if (scratch.saved != nullptr) keep(x, scratch.saved->x_in);
  nn::normalize(norm1_, weights.norm1.weight, weights.norm1.bias, dense(x, embed_dim_),
                dense(scratch.normed, embed_dim_), qkv_->packer(*weights.qkv, scratch.normed));
  qkv_->multiply(*weights.qkv, scratch.normed, scratch.qkv, {});
  const std::size_t size = tokens_ * embed_dim_;  // N·D
  for (std::size_t image = 0; image < batch_; ++image) {
    // One image at a time: its attention stays in cache, and an observer sees it at once.
    const std::span<float> qkv = scratch.qkv.subspan(image * 3 * size, 3 * size);  // [N, 3, H, d]
    if (scratch.saved != nullptr && weights.q_norm) keep(qkv, scratch.saved->raw_qkv);
    if (weights.q_norm) normalize_heads(weights.q_norm, qkv);
    if (weights.k_norm) normalize_heads(weights.k_norm, qkv.subspan(embed_dim_));
    if (rotary != nullptr) nn::rotate(*rotary, prefix_, num_heads_, qkv);
    const std::span<const float> bias = scratch.log_sizes.empty() ? std::span<const float>(weights.attention_bias)
                                                                  : scratch.log_sizes.subspan(image * tokens_, tokens_);
    const bool all_queries = !scratch.weights.empty() && scratch.detail.unread_rows;
    attention_(qkv, all_queries ? tokens_ : queries, bias, scratch.mixed.subspan(image * size, size), scratch.weights,
               scratch.detail.fused);
    if (attention_ready) attention_ready(image);
  }
}

void EncoderBlock::attention_residual(const EncoderBlockWeights& weights, const nn::RotaryTable* rotary,
                                      std::span<float> x, const BlockActivations& scratch,
                                      const AttentionReady& attention_ready) {
  attend(weights, rotary, x, scratch, tokens_, attention_ready);
  all_tokens_.project(weights, x, scratch);
}

void EncoderBlock::mlp_residual(const EncoderBlockWeights& weights, std::span<float> x,
                                const BlockActivations& scratch) {
  all_tokens_.mlp_residual(weights, x, scratch);
}

void EncoderBlock::leading_tokens_only(const EncoderBlockWeights& weights, const nn::RotaryTable* rotary,
                                       std::span<float> x, const BlockActivations& scratch,
                                       const AttentionReady& attention_ready) {
  attend(weights, rotary, x, scratch, leading_, attention_ready);
  // The first rows of each image move together: [n, N, D] → [n, leading, D], here and in the heads' outputs.
  const std::size_t kept = leading_ * embed_dim_;
  for (const std::span<float> rows : {x, scratch.mixed}) {
    for (std::size_t image = 1; image < batch_; ++image) {
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(image * tokens_ * embed_dim_), kept,
                  rows.begin() + static_cast<std::ptrdiff_t>(image * kept));
    }
  }
  leading_tokens_->project(weights, x.first(batch_ * kept), scratch);
  leading_tokens_->mlp_residual(weights, x.first(batch_ * kept), scratch);
}

}  // namespace fovea
