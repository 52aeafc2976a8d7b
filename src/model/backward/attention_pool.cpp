#include "model/backward/attention_pool.hpp"

#include <vector>

#include "model/forward/norm.hpp"
#include "nn/attention/attention_backward.hpp"
#include "nn/kernels/activation.hpp"

namespace fovea {

AttentionPoolBackward::AttentionPoolBackward(const Architecture& a, Precision precision,
                                             const nn::AttentionShape& shape, nn::Workspace& workspace)
    : a_(a), precision_(precision), workspace_(workspace), shape_(shape) {
  const auto linear = [&](std::size_t rows, std::size_t in, std::size_t out) {
    return nn::make_linear(backward_precision(precision), {rows, in, out}, workspace);
  };
  kv_ = linear(shape_.tokens, 2 * a.embed_dim, a.embed_dim);
  proj_ = linear(1, a.embed_dim, a.embed_dim);
  fc1_ = linear(1, a.pool_hidden_dim, a.embed_dim);
  fc2_ = linear(1, a.embed_dim, a.pool_hidden_dim);
}

void AttentionPoolBackward::operator()(const AttentionPoolWeights& weights, const AttentionPoolWeights& backward,
                                       const PooledTokens& pool, std::span<const float> d_pooled,
                                       std::span<float> d_tokens, BackwardMode& mode,
                                       const PoolGradientObserver& observe) {
  const std::size_t width = a_.embed_dim;
  std::vector<float> d_normed(width);
  mlp_backward(weights, backward, pool, d_pooled, d_normed, mode);
  std::vector<float> d_x(d_pooled.begin(), d_pooled.end());
  mode.norm(a_, weights.norm, pool.x, d_normed, d_x);
  mode.count_bias(backward.proj->bias(), d_x);
  std::vector<float> d_mixed(width);
  (*proj_)(*backward.proj, d_x, d_mixed);

  std::vector<float> gradient(pool.attention.size());  // [H, n]
  std::vector<float> d_kv(pool.kv.size());             // [n, 2D]
  nn::attend_with_one_query_backward(shape_, mode.gradients, weights.query, pool.kv, pool.attention, d_mixed, gradient,
                                     d_kv);
  if (observe) {
    observe({pool.attention, shape_.num_heads, shape_.tokens}, {gradient, shape_.num_heads, shape_.tokens});
  }
  mode.count_bias(backward.kv->bias(), d_kv);
  (*kv_)(*backward.kv, d_kv, d_tokens.last(shape_.tokens * width));
}

/// @param d_normed  [D], with respect to what fc1 read
void AttentionPoolBackward::mlp_backward(const AttentionPoolWeights& weights, const AttentionPoolWeights& backward,
                                         const PooledTokens& pool, std::span<const float> d_pooled,
                                         std::span<float> d_normed, BackwardMode& mode) {
  std::vector<float> d_hidden(a_.pool_hidden_dim);
  if (mode.absolute == nullptr) {
    mode.count_bias(backward.fc2->bias(), d_pooled);
    (*fc2_)(*backward.fc2, d_pooled, d_hidden);
    nn::activate_backward(a_.pool_activation, mode.gradients, pool.wide, d_hidden, d_hidden);
    mode.count_bias(backward.fc1->bias(), d_hidden);
    (*fc1_)(*backward.fc1, d_hidden, d_normed);
    return;
  }
  if (!gamma_fc1_) {
    const auto layer = [&](std::size_t in, std::size_t out) {
      return std::make_unique<GammaLinear>(read_out_precision(precision_), backward_precision(precision_), 1, in, out,
                                           workspace_);
    };
    gamma_fc1_ = layer(a_.embed_dim, a_.pool_hidden_dim);
    gamma_fc2_ = layer(a_.pool_hidden_dim, a_.embed_dim);
  }
  std::vector<float> hidden(a_.pool_hidden_dim);
  nn::activate(a_.pool_activation, Precision::kF32, pool.wide, hidden);
  (*gamma_fc2_)({*weights.fc2, *backward.fc2, mode.absolute->pool.fc2}, hidden, d_pooled, d_hidden, mode);
  nn::activate_backward(a_.pool_activation, mode.gradients, pool.wide, d_hidden, d_hidden);
  std::vector<float> normed(a_.embed_dim);
  norm_forward(a_, weights.norm, pool.x, normed);
  (*gamma_fc1_)({*weights.fc1, *backward.fc1, mode.absolute->pool.fc1}, normed, d_hidden, d_normed, mode);
}

}  // namespace fovea
