#include "model/encoder_block.hpp"

#include <algorithm>

namespace fovea {

using nn::Activation;
using nn::make_linear;

EncoderBlock::AfterAttention::AfterAttention(const Architecture& a, Precision precision, std::size_t num_rows,
                                             nn::Workspace& workspace)
    : rows(num_rows),
      proj(make_linear(precision, {rows, a.embed_dim, a.embed_dim, Activation::kNone, true}, workspace)),
      norm2(rows, a.embed_dim, a.layer_norm_eps, workspace),
      fc1(make_linear(precision, {rows, a.embed_dim, a.mlp_hidden_dim, Activation::kGelu}, workspace)),
      fc2(make_linear(precision, {rows, a.mlp_hidden_dim, a.embed_dim, Activation::kNone, true}, workspace)) {}

void EncoderBlock::AfterAttention::operator()(const EncoderBlockWeights& weights, std::span<float> x,
                                              const BlockActivations& scratch) {
  const std::span<float> normed = scratch.normed.first(x.size());                                     // [rows, D]
  const std::span<float> hidden = scratch.hidden.first(scratch.hidden.size() / scratch.rows * rows);  // [rows, F]
  (*proj)(*weights.proj, scratch.mixed.first(x.size()), x);
  norm2(weights.norm2.weight, weights.norm2.bias, x, normed);
  (*fc1)(*weights.fc1, normed, hidden);
  (*fc2)(*weights.fc2, hidden, x);
}

EncoderBlock::EncoderBlock(const Architecture& a, Precision precision, std::size_t batch, nn::Workspace& workspace)
    : batch_(batch),
      tokens_(a.tokens()),
      embed_dim_(a.embed_dim),
      norm1_(batch * a.tokens(), a.embed_dim, a.layer_norm_eps, workspace),
      qkv_(make_linear(precision, {batch * a.tokens(), a.embed_dim, 3 * a.embed_dim}, workspace)),
      attention_({a.tokens(), a.num_heads, a.embed_dim / a.num_heads}),
      all_tokens_(a, precision, batch * a.tokens(), workspace),
      class_tokens_(a, precision, batch, workspace) {}

void EncoderBlock::attend(const EncoderBlockWeights& weights, std::span<const float> x, const BlockActivations& scratch,
                          std::size_t queries, const AttentionReady& attention_ready) {
  norm1_(weights.norm1.weight, weights.norm1.bias, x, scratch.normed);
  (*qkv_)(*weights.qkv, scratch.normed, scratch.qkv);
  const std::size_t size = tokens_ * embed_dim_;  // N·D
  for (std::size_t image = 0; image < batch_; ++image) {
    // One image at a time: its attention stays in cache, and an observer sees it at once.
    attention_(scratch.qkv.subspan(image * 3 * size, 3 * size), attention_ready ? tokens_ : queries,
               scratch.mixed.subspan(image * size, size), attention_ready ? scratch.weights : std::span<float>());
    if (attention_ready) attention_ready(image);
  }
}

void EncoderBlock::operator()(const EncoderBlockWeights& weights, std::span<float> x, const BlockActivations& scratch,
                              const AttentionReady& attention_ready) {
  attend(weights, x, scratch, tokens_, attention_ready);
  all_tokens_(weights, x, scratch);
}

void EncoderBlock::class_tokens_only(const EncoderBlockWeights& weights, std::span<float> x,
                                     const BlockActivations& scratch, const AttentionReady& attention_ready) {
  attend(weights, x, scratch, 1, attention_ready);
  // Row image·N of each image becomes row `image`: [n·N, D] → [n, D], here and in the heads' outputs.
  for (const std::span<float> rows : {x, scratch.mixed}) {
    for (std::size_t image = 1; image < batch_; ++image) {
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(image * tokens_ * embed_dim_), embed_dim_,
                  rows.begin() + static_cast<std::ptrdiff_t>(image * embed_dim_));
    }
  }
  class_tokens_(weights, x.first(batch_ * embed_dim_), scratch);
}

}  // namespace fovea
