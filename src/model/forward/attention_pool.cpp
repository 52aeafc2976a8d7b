#include "model/forward/attention_pool.hpp"

#include "model/forward/norm.hpp"
#include "nn/kernels/activation.hpp"

namespace fovea {

AttentionPool::AttentionPool(const Architecture& a, Precision model_precision, nn::Workspace& workspace)
    : a_(a),
      shape_{a.grid().size() + (a.pool_sees_prefix ? a.num_prefix_tokens : 0), a.pool_heads(),
             a.embed_dim / a.pool_heads()} {
  const auto linear = [&](std::size_t rows, std::size_t in, std::size_t out) {
    return nn::make_linear(read_out_precision(model_precision), {rows, in, out}, workspace);
  };
  kv_ = linear(shape_.tokens, a.embed_dim, 2 * a.embed_dim);
  proj_ = linear(1, a.embed_dim, a.embed_dim);
  fc1_ = linear(1, a.embed_dim, a.pool_hidden_dim);
  fc2_ = linear(1, a.pool_hidden_dim, a.embed_dim);
}

PooledTokens AttentionPool::forward(const AttentionPoolWeights& weights, std::span<const float> tokens) const {
  const std::size_t width = a_.embed_dim;
  PooledTokens pool{std::vector<float>(shape_.tokens * 2 * width), std::vector<float>(shape_.num_heads * shape_.tokens),
                    std::vector<float>(width), std::vector<float>(a_.pool_hidden_dim), std::vector<float>(width)};
  (*kv_)(*weights.kv, tokens.last(shape_.tokens * width), pool.kv);
  std::vector<float> mixed(width);
  nn::attend_with_one_query(shape_, weights.query, pool.kv, mixed, pool.attention);
  (*proj_)(*weights.proj, mixed, pool.x);

  std::vector<float> normed(width);
  norm_forward(a_, weights.norm, pool.x, normed);
  std::vector<float> hidden(a_.pool_hidden_dim);
  (*fc1_)(*weights.fc1, normed, hidden);
  nn::activate(a_.pool_activation, Precision::kF32, hidden, hidden, pool.slope);
  (*fc2_)(*weights.fc2, hidden, pool.pooled);
  for (std::size_t i = 0; i < width; ++i) pool.pooled[i] += pool.x[i];
  return pool;
}

}  // namespace fovea
