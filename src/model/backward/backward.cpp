#include "model/backward/backward.hpp"

#include <algorithm>
#include <cassert>

#include "nn/kernels/activation.hpp"

namespace fovea {
namespace {

template <typename T>
nn::Strided<T> dense(std::span<T> values, std::size_t features) {
  return {values.data(), features};
}

}  // namespace

BackwardPass::Rows::Rows(const Architecture& a, Precision precision, std::size_t num_rows, nn::Workspace& workspace)
    : rows(num_rows),
      fc2(nn::make_linear(precision, {rows, a.embed_dim, a.mlp_hidden_dim}, workspace)),
      fc1(nn::make_linear(precision, {rows, a.fc1_dim(), a.embed_dim}, workspace)),
      proj(nn::make_linear(precision, {rows, a.embed_dim, a.embed_dim}, workspace)) {}

BackwardPass::BackwardPass(const Architecture& a, Precision precision, nn::Workspace& workspace)
    : a_(a),
      norm_(norm_shape(a, a.tokens(), a.embed_dim)),
      head_norm_(norm_shape(a, a.tokens(), a.head_dim())),
      read_out_(a, precision, workspace),
      all_rows_(a, backward_precision(precision), a.tokens(), workspace),
      leading_rows_(
          EncoderBlock::leading_tokens(a) > 0
              ? std::make_unique<Rows>(a, backward_precision(precision), EncoderBlock::leading_tokens(a), workspace)
              : nullptr),
      qkv_(nn::make_linear(backward_precision(precision), {a.tokens(), 3 * a.embed_dim, a.embed_dim}, workspace)),
      attention_({a.tokens(), a.num_heads, a.head_dim()}),
      d_x_(a.tokens() * a.embed_dim),
      d_wide_(a.tokens() * a.fc1_dim()),
      d_hidden_(a.tokens() * a.mlp_hidden_dim),
      gated_(a.mlp_norm ? d_hidden_.size() : 0),
      d_normed_(d_x_.size()),
      d_mixed_(d_x_.size()),
      d_qkv_(3 * d_x_.size()),
      d_raw_qkv_(a.qk_norm ? d_qkv_.size() : 0),
      gradient_(a.num_heads * a.tokens() * a.tokens()) {}

void BackwardPass::operator()(const ModelWeights& weights, const ModelWeights& backward, const SavedForward& saved,
                              const ScoreGradient& score, const GradientRequest& request) {
  if (request.attention || request.pool || request.features) {
    score_of_the_last_block(weights, backward, saved, score, request);
  }
  if (request.layer_attention) scores_of_all_blocks(weights, backward, saved, score, request);
}

AttentionView BackwardPass::attention_of(const SavedForward& saved, std::size_t block) const {
  return {block, a_.num_heads, a_.tokens(), saved.blocks[block].attention.span()};
}

void BackwardPass::score_of_the_last_block(const ModelWeights& weights, const ModelWeights& backward,
                                           const SavedForward& saved, const ScoreGradient& score,
                                           const GradientRequest& request) {
  if (weights.rotary && inverse_rotary_.cos.empty()) {
    inverse_rotary_ = *weights.rotary;  // the inverse of a rotation turns the other way
    for (float& sine : inverse_rotary_.sin) sine = -sine;
  }
  const nn::RotaryTable* rotary = weights.rotary ? &inverse_rotary_ : nullptr;
  std::fill_n(d_x_.data(), d_x_.size(), 0.0F);
  read_out_(weights, backward, saved.x_out, score(saved.x_out), d_x_.first(saved.x_out.size()), request.pool);
  const std::size_t stop = request.attention ? request.first_block : a_.depth - 1;
  std::size_t rows = EncoderBlock::leading_tokens(a_) > 0 ? EncoderBlock::leading_tokens(a_) : a_.tokens();
  for (std::size_t block = a_.depth; block-- > stop; rows = a_.tokens()) {
    const EncoderBlockWeights& here = weights.blocks[block];
    const EncoderBlockWeights& back = backward.blocks[block];
    const SavedBlock& kept = saved.blocks[block];
    Rows& layers = layers_for(rows);
    through_mlp(here, back, kept, layers);
    through_projection(back, layers);
    attention_.weights(kept.qkv.span(), rows, d_mixed_.first(rows * a_.embed_dim), gradient_.span());
    if (request.attention) request.attention(attention_of(saved, block), gradient_.span());
    const bool features = request.features && block + 1 == a_.depth;
    if (block == stop && !features) return;  // nobody asks for what lies before
    through_attention(here, back, kept, rotary, rows);
    if (features) {
      std::vector<float> normed(d_x_.size());
      nn::normalize(norm_, here.norm1.weight, here.norm1.bias, dense(kept.x_in.span(), a_.embed_dim),
                    dense(std::span(normed), a_.embed_dim));
      request.features({normed, a_.tokens(), a_.embed_dim}, {d_normed_.span(), a_.tokens(), a_.embed_dim});
    }
    nn::normalize_backward(norm_, here.norm1.weight, dense(kept.x_in.span(), a_.embed_dim),
                           {d_normed_.data(), a_.embed_dim}, dense(d_x_.span(), a_.embed_dim));
    if (block > 0) read_out_.add_class_token(weights, block - 1, kept.x_in.span(), d_x_.span());
  }
}

/// Only the last step of each way back differs from block to block, so each is short: MLP, projection, G.
void BackwardPass::scores_of_all_blocks(const ModelWeights& weights, const ModelWeights& backward,
                                        const SavedForward& saved, const ScoreGradient& score,
                                        const GradientRequest& request) {
  const std::size_t leading = EncoderBlock::leading_tokens(a_);
  const std::size_t rows = leading > 0 ? leading : a_.tokens();
  const std::size_t values = rows * a_.embed_dim;
  for (std::size_t block = a_.depth; block-- > request.first_block;) {
    const std::span<const float> x =
        block + 1 < a_.depth ? saved.blocks[block + 1].x_in.span() : std::span(saved.x_out);
    std::fill_n(d_x_.data(), values, 0.0F);
    read_out_(weights, backward, x.first(values), score(x.first(values)), d_x_.first(values), {});
    Rows& layers = layers_for(rows);
    through_mlp(weights.blocks[block], backward.blocks[block], saved.blocks[block], layers);
    through_projection(backward.blocks[block], layers);
    attention_.weights(saved.blocks[block].qkv.span(), rows, d_mixed_.first(values), gradient_.span());
    request.layer_attention(attention_of(saved, block), gradient_.span());
  }
}

/// d_x: behind the block → behind its attention. The residual connection passes it on, the MLP adds its share.
void BackwardPass::through_mlp(const EncoderBlockWeights& weights, const EncoderBlockWeights& backward,
                               const SavedBlock& saved, Rows& layers) {
  const std::size_t rows = layers.rows;
  const std::size_t hidden = rows * a_.mlp_hidden_dim;
  const std::span<float> d_x = d_x_.first(rows * a_.embed_dim);
  const std::span<const float> wide = a_.gated_mlp ? saved.wide.span().first(2 * hidden) : std::span<const float>();
  const std::span<float> d_wide = d_wide_.first(rows * a_.fc1_dim());
  const std::span<float> d_hidden = d_hidden_.first(hidden);
  (*layers.fc2)(*backward.fc2, d_x, d_hidden);
  if (a_.mlp_norm) {
    const nn::NormShape shape = norm_shape(a_, rows, a_.mlp_hidden_dim);
    nn::silu_gate(rows, a_.mlp_hidden_dim, wide, gated_.first(hidden));
    std::fill_n(d_wide.begin(), hidden, 0.0F);
    nn::normalize_backward(shape, weights.mlp_norm.weight, {gated_.data(), a_.mlp_hidden_dim},
                           {d_hidden.data(), a_.mlp_hidden_dim}, {d_wide.data(), a_.mlp_hidden_dim});
    std::copy_n(d_wide.begin(), hidden, d_hidden.begin());
  }
  if (a_.gated_mlp) {
    nn::silu_gate_backward(rows, a_.mlp_hidden_dim, wide, d_hidden, d_wide);
  } else {
    nn::activate_backward(saved.slope.span().first(hidden), d_hidden, d_wide);
  }
  const std::span<float> d_normed = d_normed_.first(d_x.size());
  (*layers.fc1)(*backward.fc1, d_wide, d_normed);
  nn::normalize_backward(norm_shape(a_, rows, a_.embed_dim), weights.norm2.weight, {saved.x_mid.data(), a_.embed_dim},
                         {d_normed.data(), a_.embed_dim}, dense(d_x, a_.embed_dim));
}

/// d_mixed: with respect to the heads' outputs.
void BackwardPass::through_projection(const EncoderBlockWeights& backward, Rows& layers) {
  const std::size_t values = layers.rows * a_.embed_dim;
  (*layers.proj)(*backward.proj, d_x_.first(values), d_mixed_.first(values));
}

/// d_normed: with respect to the output of the first norm.
void BackwardPass::through_attention(const EncoderBlockWeights& weights, const EncoderBlockWeights& backward,
                                     const SavedBlock& saved, const nn::RotaryTable* rotary, std::size_t rows) {
  attention_.inputs(saved.qkv.span(), saved.attention.span(), rows, d_mixed_.first(rows * a_.embed_dim),
                    gradient_.span(), d_qkv_.span());
  if (rotary != nullptr) nn::rotate(*rotary, a_.num_prefix_tokens, a_.num_heads, d_qkv_.span());
  if (a_.qk_norm) {
    const std::size_t stride = 3 * a_.embed_dim;
    std::copy_n(d_qkv_.data(), d_qkv_.size(), d_raw_qkv_.data());
    for (std::size_t head = 0; head < 2 * a_.num_heads; ++head) {  // those of q, then those of k
      const NormWeights& norm = head < a_.num_heads ? weights.q_norm : weights.k_norm;
      const std::size_t at = head * a_.head_dim();
      for (std::size_t token = 0; token < a_.tokens(); ++token) {
        std::fill_n(d_raw_qkv_.data() + token * stride + at, a_.head_dim(), 0.0F);
      }
      nn::normalize_backward(head_norm_, norm.weight, {saved.raw_qkv.data() + at, stride}, {d_qkv_.data() + at, stride},
                             {d_raw_qkv_.data() + at, stride});
    }
  }
  (*qkv_)(*backward.qkv, a_.qk_norm ? d_raw_qkv_.span() : d_qkv_.span(), d_normed_.span());
}

}  // namespace fovea
