#include "model/backward/attention_pool.hpp"

#include <vector>

#include "model/forward/norm.hpp"
#include "nn/attention/attention_backward.hpp"
#include "nn/kernels/activation.hpp"

namespace fovea {

AttentionPoolBackward::AttentionPoolBackward(const Architecture& a, Precision precision,
                                             const nn::AttentionShape& shape, nn::Workspace& workspace)
    : a_(a), shape_(shape) {
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
                                       const PoolGradientObserver& observe) const {
  const std::size_t width = a_.embed_dim;
  std::vector<float> d_hidden(a_.pool_hidden_dim);
  mode.count_bias(backward.fc2->bias(), d_pooled);
  (*fc2_)(*backward.fc2, d_pooled, d_hidden);
  nn::activate_backward(a_.pool_activation, mode.gradients, pool.wide, d_hidden, d_hidden);
  mode.count_bias(backward.fc1->bias(), d_hidden);
  std::vector<float> d_normed(width);
  (*fc1_)(*backward.fc1, d_hidden, d_normed);
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

}  // namespace fovea
