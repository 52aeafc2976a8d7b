#include "model/backward/encoder_block.hpp"

#include <algorithm>
#include <functional>

#include "model/forward/norm.hpp"
#include "nn/attention/differential.hpp"
#include "nn/kernels/activation.hpp"

namespace fovea {

EncoderBlockBackward::Rows::Rows(const Architecture& a, Precision precision, std::size_t num_rows,
                                 nn::Workspace& workspace)
    : count(num_rows),
      fc2(nn::make_linear(precision, {count, a.embed_dim, a.mlp_hidden_dim}, workspace)),
      fc1(nn::make_linear(precision, {count, a.fc1_dim(), a.embed_dim}, workspace)),
      proj(nn::make_linear(precision, {count, a.embed_dim, a.embed_dim}, workspace)) {}

EncoderBlockBackward::GammaRows::GammaRows(const Architecture& a, Precision precision, std::size_t num_rows,
                                           nn::Workspace& workspace)
    : fc2(precision, backward_precision(precision), num_rows, a.mlp_hidden_dim, a.embed_dim, workspace),
      fc1(precision, backward_precision(precision), num_rows, a.embed_dim, a.fc1_dim(), workspace),
      hidden(num_rows * a.mlp_hidden_dim),
      normed(num_rows * a.embed_dim) {}

EncoderBlockBackward::EncoderBlockBackward(const Architecture& a, Precision precision, nn::Workspace& workspace)
    : a_(a),
      precision_(precision),
      workspace_(workspace),
      all_rows_(a, backward_precision(precision), a.tokens(), workspace),
      leading_rows_(
          EncoderBlock::leading_tokens(a) > 0
              ? std::make_unique<Rows>(a, backward_precision(precision), EncoderBlock::leading_tokens(a), workspace)
              : nullptr),
      qkv_(nn::make_linear(backward_precision(precision), {a.tokens(), 3 * a.embed_dim, a.embed_dim}, workspace)),
      value_(nn::make_linear(backward_precision(precision), {a.tokens(), a.embed_dim, a.embed_dim}, workspace)),
      attention_({a.tokens(), a.num_heads, a.head_dim()}),
      d_wide_(a.tokens() * a.fc1_dim()),
      d_hidden_(a.tokens() * a.mlp_hidden_dim),
      d_normed_(a.tokens() * a.embed_dim),
      d_mlp_normed_(a.parallel_mlp ? d_normed_.size() : 0),
      d_computed_(a.norm_after ? d_normed_.size() : 0),
      d_mixed_(d_normed_.size()),
      d_heads_(a.attention_norm || a.differential_attention ? d_normed_.size() : 0),
      d_qkv_(3 * d_normed_.size()),
      d_raw_qkv_(a.qk_norm ? d_qkv_.size() : 0),
      d_weights_(a.num_heads * a.tokens() * a.tokens()) {}

void EncoderBlockBackward::mlp_residual(const BlockBackwardCall& call, std::span<float> d_x) {
  const std::size_t rows = call.rows;
  const std::size_t features = a_.mlp_hidden_dim;  // F
  const std::size_t hidden = rows * features;
  BackwardMode& mode = call.mode;
  const std::span<const float> wide = call.saved.wide.span().first(rows * a_.fc1_dim());
  const std::span<float> d_wide = d_wide_.first(wide.size());
  const std::span<float> d_hidden = d_hidden_.first(hidden);
  const std::span<const float> d_mlp = through_norm_after(call, call.weights.norm2, call.saved.mlp.span(), d_x);
  fc2_backward(call, d_mlp, d_hidden);  // [rows, D] → [rows, F]
  if (a_.mlp_norm) {
    std::fill_n(d_wide.begin(), hidden, 0.0F);
    mode.norm(a_, call.weights.mlp_norm, call.saved.hidden.span().first(hidden), d_hidden, d_wide.first(hidden));
    std::copy_n(d_wide.begin(), hidden, d_hidden.begin());
  }
  if (a_.gated_mlp) {
    nn::silu_gate_backward(mode.gradients, rows, features, wide, d_hidden, d_wide);  // [rows, F] → [rows, 2F]
  } else {
    nn::activate_backward(a_.activation, mode.gradients, wide, d_hidden, d_wide);
  }
  const std::span<float> d_normed = (a_.parallel_mlp ? d_mlp_normed_ : d_normed_).first(d_x.size());
  fc1_backward(call, d_wide, d_normed);  // [rows, F or 2F] → [rows, D]
  if (a_.parallel_mlp) return;           // attention_residual() goes on with it
  mode.norm(a_, norm_before(a_, call.weights.norm2), call.saved.x_mid.span().first(d_x.size()), d_normed, d_x);
}

void EncoderBlockBackward::fc2_backward(const BlockBackwardCall& call, std::span<const float> d_mlp,
                                        std::span<float> d_hidden) {
  if (call.absolute == nullptr) {
    call.mode.count_bias(call.backward.fc2->bias(), d_mlp);
    (*layers_for(call.rows).fc2)(*call.backward.fc2, d_mlp, d_hidden);
    return;
  }
  GammaRows& layers = gamma_layers_for(call.rows);
  const std::span<const float> wide = call.saved.wide.span().first(call.rows * a_.fc1_dim());
  const std::span<float> hidden = layers.hidden.span();
  if (a_.gated_mlp) {
    nn::silu_gate(call.rows, a_.mlp_hidden_dim, wide, hidden);  // [rows, 2F] → [rows, F]
  } else {
    nn::activate(a_.activation, call.weights.fc2->precision(), wide, hidden);
  }
  norm_forward(a_, call.weights.mlp_norm, hidden, hidden);
  layers.fc2({*call.weights.fc2, *call.backward.fc2, call.absolute->fc2}, hidden, d_mlp, d_hidden, call.mode);
}

void EncoderBlockBackward::fc1_backward(const BlockBackwardCall& call, std::span<const float> d_wide,
                                        std::span<float> d_normed) {
  if (call.absolute == nullptr) {
    call.mode.count_bias(call.backward.fc1->bias(), d_wide);
    (*layers_for(call.rows).fc1)(*call.backward.fc1, d_wide, d_normed);
    return;
  }
  GammaRows& layers = gamma_layers_for(call.rows);
  const AlignedBuffer<float>& x = a_.parallel_mlp ? call.saved.x_in : call.saved.x_mid;
  const NormWeights& norm = a_.parallel_mlp ? call.weights.norm1 : call.weights.norm2;
  norm_forward(a_, norm_before(a_, norm), x.span().first(layers.normed.size()), layers.normed.span());
  layers.fc1({*call.weights.fc1, *call.backward.fc1, call.absolute->fc1}, layers.normed.span(), d_wide, d_normed,
             call.mode);
}

EncoderBlockBackward::GammaRows& EncoderBlockBackward::gamma_layers_for(std::size_t rows) {
  std::unique_ptr<GammaRows>& layers = rows == all_rows_.count ? gamma_all_rows_ : gamma_leading_rows_;
  if (!layers) layers = std::make_unique<GammaRows>(a_, precision_, rows, workspace_);
  return *layers;
}

/// What a sub-layer's result receives: d_x, through the norm after the sub-layer where there is one.
/// @param computed  what the norm read
std::span<const float> EncoderBlockBackward::through_norm_after(const BlockBackwardCall& call, const NormWeights& norm,
                                                                std::span<const float> computed,
                                                                std::span<const float> d_x) {
  if (!a_.norm_after) return d_x;
  const std::span<float> d_computed = d_computed_.first(d_x.size());
  std::fill(d_computed.begin(), d_computed.end(), 0.0F);
  call.mode.norm(a_, norm, computed.first(d_x.size()), d_x, d_computed);
  return d_computed;
}

void EncoderBlockBackward::projection(const BlockBackwardCall& call, std::span<const float> d_x) {
  const std::span<float> d_mixed = d_mixed_.first(d_x.size());  // [rows, D]
  const std::span<const float> d_attended =
      through_norm_after(call, call.weights.norm1, call.saved.attended.span(), d_x);
  call.mode.count_bias(call.backward.proj->bias(), d_attended);
  (*layers_for(call.rows).proj)(*call.backward.proj, d_attended, d_mixed);
  if (a_.attention_norm || a_.differential_attention) normalize_mixed_backward(call, d_mixed);
}

std::span<const float> EncoderBlockBackward::attention_weights(const BlockBackwardCall& call) {
  attention_.weights(call.saved.qkv.span(), call.rows, d_mixed_.first(call.rows * a_.embed_dim), d_weights_.span());
  return d_weights_.span();
}

/// Through the norm of all heads' outputs, or of each head's.
/// @param d_mixed  [rows, H, d], updated in place
void EncoderBlockBackward::normalize_mixed_backward(const BlockBackwardCall& call, std::span<float> d_mixed) {
  const std::span<const float> heads = call.saved.heads.span().first(d_mixed.size());
  const std::span<float> d_heads = d_heads_.first(d_mixed.size());
  std::fill(d_heads.begin(), d_heads.end(), 0.0F);
  if (a_.attention_norm) {
    call.mode.norm(a_, call.weights.attention_norm, heads, d_mixed, d_heads);
  } else {
    for (std::size_t at = 0; at < a_.embed_dim; at += a_.head_dim()) {
      nn::normalize_backward(sub_norm_shape(a_, call.rows), call.mode.gradients, call.weights.sub_norm.weight,
                             {heads.data() + at, a_.embed_dim}, {d_mixed.data() + at, a_.embed_dim},
                             {d_heads.data() + at, a_.embed_dim});
    }
  }
  std::copy(d_heads.begin(), d_heads.end(), d_mixed.begin());
}

std::span<const float> EncoderBlockBackward::attention_residual(const BlockBackwardCall& call,
                                                                const nn::RotaryTable* rotary, std::span<float> d_x) {
  if (call.mode.gradients == Gradients::kLibra) {
    attention_values(call);
  } else {
    attention_inputs(call, rotary);
  }
  if (a_.parallel_mlp) {
    const std::span<const float> d_mlp_normed = d_mlp_normed_.first(call.rows * a_.embed_dim);
    std::transform(d_mlp_normed.begin(), d_mlp_normed.end(), d_normed_.data(), d_normed_.data(), std::plus<>());
  }
  call.mode.norm(a_, norm_before(a_, call.weights.norm1), call.saved.x_in.span(), d_normed_.span(), d_x);
  return d_normed_.span();
}

/// To the output of the first norm, through queries, keys and values.
void EncoderBlockBackward::attention_inputs(const BlockBackwardCall& call, const nn::RotaryTable* rotary) {
  const std::span<const float> d_mixed = d_mixed_.first(call.rows * a_.embed_dim);
  if (a_.differential_attention) {
    nn::attend_differentially_backward({a_.tokens(), a_.num_heads, a_.head_dim()}, call.weights.lambda,
                                       call.saved.qkv.span(), call.rows, d_mixed, d_weights_.span(), d_qkv_.span());
  } else {
    attention_.inputs(call.saved.qkv.span(), call.saved.attention.span(), call.rows, d_mixed, d_weights_.span(),
                      d_qkv_.span());
  }
  if (rotary != nullptr) nn::rotate(*rotary, a_.num_prefix_tokens, a_.num_heads, d_qkv_.span());
  const std::span<const float> d_qkv = a_.qk_norm ? query_key_backward(call) : d_qkv_.span();
  (*qkv_)(*call.backward.qkv, d_qkv, d_normed_.span());  // [N, 3D] → [N, D]
}

/// The same where the attention weights are constant: queries and keys receive nothing.
void EncoderBlockBackward::attention_values(const BlockBackwardCall& call) {
  const std::span<float> d_value = d_qkv_.first(d_normed_.size());  // [N, D]
  attention_.values(call.saved.attention.span(), call.rows, d_mixed_.first(call.rows * a_.embed_dim), d_value);
  call.mode.count_bias(call.value->bias(), d_value);
  (*value_)(*call.value, d_value, d_normed_.span());  // [N, D] → [N, D]
}

/// Through the norms of each head's q and k.
std::span<const float> EncoderBlockBackward::query_key_backward(const BlockBackwardCall& call) {
  const std::size_t stride = 3 * a_.embed_dim;
  const nn::NormShape shape = norm_shape(a_, a_.tokens(), a_.head_dim());
  std::copy_n(d_qkv_.data(), d_qkv_.size(), d_raw_qkv_.data());
  for (std::size_t head = 0; head < 2 * a_.num_heads; ++head) {  // those of q, then those of k
    const NormWeights& norm = head < a_.num_heads ? call.weights.q_norm : call.weights.k_norm;
    const std::size_t at = head * a_.head_dim();
    for (std::size_t token = 0; token < a_.tokens(); ++token) {
      std::fill_n(d_raw_qkv_.data() + token * stride + at, a_.head_dim(), 0.0F);
    }
    nn::normalize_backward(shape, Gradients::kTrue, norm.weight, {call.saved.raw_qkv.data() + at, stride},
                           {d_qkv_.data() + at, stride}, {d_raw_qkv_.data() + at, stride});
  }
  return d_raw_qkv_.span();
}

}  // namespace fovea
