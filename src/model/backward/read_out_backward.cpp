#include "model/backward/read_out_backward.hpp"

#include <algorithm>
#include <cassert>

#include "nn/attention/attention.hpp"
#include "nn/attention/attention_backward.hpp"
#include "nn/kernels/activation.hpp"

namespace fovea {
namespace {

std::vector<float> normalized(const Architecture& a, const NormWeights& norm, std::span<const float> x) {
  std::vector<float> y(x.begin(), x.end());
  if (!norm) return y;
  const std::size_t features = norm.weight.size();
  nn::normalize(norm_shape(a, x.size() / features, features), norm.weight, norm.bias, {x.data(), features},
                {y.data(), features});
  return y;
}

/// dx += the way back through a norm, or past one that is not there.
void add_through_norm(const Architecture& a, const NormWeights& norm, std::span<const float> x,
                      std::span<const float> d_y, std::span<float> d_x) {
  assert(x.size() == d_y.size() && x.size() == d_x.size());
  if (!norm) {
    for (std::size_t i = 0; i < d_x.size(); ++i) d_x[i] += d_y[i];
    return;
  }
  const std::size_t features = norm.weight.size();
  nn::normalize_backward(norm_shape(a, x.size() / features, features), norm.weight, {x.data(), features},
                         {d_y.data(), features}, {d_x.data(), features});
}

std::vector<float> patch_mean(const Architecture& a, std::span<const float> tokens) {
  std::vector<float> mean(a.embed_dim, 0.0F);
  for (std::size_t token = a.num_prefix_tokens; token < a.tokens(); ++token) {
    for (std::size_t i = 0; i < a.embed_dim; ++i) mean[i] += tokens[token * a.embed_dim + i];
  }
  for (float& value : mean) value /= static_cast<float>(a.grid().size());
  return mean;
}

}  // namespace

ReadOutBackward::ReadOutBackward(const Architecture& a, Precision precision, nn::Workspace& workspace) : a_(a) {
  const auto linear = [&](std::size_t rows, std::size_t in, std::size_t out) {
    return nn::make_linear(backward_precision(precision), {rows, in, out}, workspace);
  };
  if (a.num_classes > 0) head_ = linear(1, a.num_classes, a.pooled_dim());
  if (a.read_out == ReadOut::kClassAndDistToken) head_dist_ = linear(1, a.num_classes, a.embed_dim);
  if (a.projection_dim > 0) projection_ = linear(1, a.projection_dim, a.embed_dim);
  if (a.read_out != ReadOut::kAttentionPool) return;
  const std::size_t width = a.embed_dim;
  const std::size_t hidden = a.pool_hidden_dim;
  seen_ = a.grid().size() + (a.pool_sees_prefix ? a.num_prefix_tokens : 0);
  const auto forward = [&](std::size_t rows, std::size_t in, std::size_t out) {
    return nn::make_linear(read_out_precision(precision), {rows, in, out}, workspace);
  };
  pool_forward_ = {forward(seen_, width, 2 * width), forward(1, width, width), forward(1, width, hidden),
                   forward(1, hidden, width)};
  pool_back_ = {linear(seen_, 2 * width, width), linear(1, width, width), linear(1, hidden, width),
                linear(1, width, hidden)};
}

void ReadOutBackward::operator()(const ModelWeights& weights, const ModelWeights& backward, std::span<const float> x,
                                 const OutputGradient& d_output, std::span<float> d_x,
                                 const PoolGradientObserver& observe_pool) {
  const std::size_t width = a_.embed_dim;
  const std::vector<float> normed = normalized(a_, weights.norm, x);
  const std::vector<float> gradient = d_pooled(weights, backward, normed, d_output);  // [pooled]
  std::vector<float> d_normed(x.size(), 0.0F);
  const auto spread_over_patches = [&](std::span<const float> d_mean) {
    for (std::size_t token = a_.num_prefix_tokens; token < a_.tokens(); ++token) {
      for (std::size_t i = 0; i < width; ++i) {
        d_normed[token * width + i] += d_mean[i] / static_cast<float>(a_.grid().size());
      }
    }
  };
  switch (a_.read_out) {
    case ReadOut::kClassToken: std::copy(gradient.begin(), gradient.end(), d_normed.begin()); break;
    case ReadOut::kClassAndDistToken: {
      if (d_output.logits.empty()) {  // features are the class token's
        std::copy(gradient.begin(), gradient.end(), d_normed.begin());
        break;
      }
      // logits = (head(class) + head_dist(dist)) / 2
      std::vector<float> second(width);
      (*head_dist_)(*backward.head_dist, d_output.logits, second);
      for (std::size_t i = 0; i < width; ++i) {
        d_normed[i] = gradient[i] / 2.0F;
        d_normed[width + i] = second[i] / 2.0F;
      }
      break;
    }
    case ReadOut::kPatchMean: spread_over_patches(gradient); break;
    case ReadOut::kClassAndPatchMean: {
      const auto earlier = static_cast<std::ptrdiff_t>((a_.read_out_blocks - 1) * width);
      d_class_tokens_.assign(gradient.begin(), gradient.begin() + earlier);
      std::copy_n(gradient.begin() + earlier, width, d_normed.begin());
      spread_over_patches(std::span(gradient).last(width));
      break;
    }
    case ReadOut::kAttentionPool:
      through_attention_pool(weights, backward, normed, gradient, d_normed, observe_pool);
      break;
  }
  add_through_norm(a_, weights.norm, x, d_normed, d_x);
}

/// With respect to what is pooled, before fc_norm.
std::vector<float> ReadOutBackward::d_pooled(const ModelWeights& weights, const ModelWeights& backward,
                                             std::span<const float> normed, const OutputGradient& d_output) {
  std::vector<float> gradient(a_.pooled_dim());
  if (!d_output.logits.empty()) {
    (*head_)(*backward.head, d_output.logits, gradient);
  } else if (projection_) {
    (*projection_)(*backward.projection, d_output.features, gradient);
  } else {
    gradient = d_output.features;
  }
  if (!weights.fc_norm) return gradient;
  std::vector<float> pooled;
  if (a_.read_out == ReadOut::kPatchMean) {
    pooled = patch_mean(a_, normed);
  } else if (a_.read_out == ReadOut::kAttentionPool) {
    pooled = run_pool(*weights.pool, normed).pooled;
  } else {
    pooled.assign(normed.begin(), normed.begin() + static_cast<std::ptrdiff_t>(a_.embed_dim));
  }
  std::vector<float> before(gradient.size(), 0.0F);
  add_through_norm(a_, weights.fc_norm, pooled, gradient, before);
  return before;
}

void ReadOutBackward::add_class_token(const ModelWeights& weights, std::size_t block, std::span<const float> x,
                                      std::span<float> d_x) const {
  const std::size_t earlier = a_.read_out_blocks - 1;
  if (a_.read_out != ReadOut::kClassAndPatchMean || block + 1 + earlier < a_.depth || block + 1 == a_.depth) return;
  const std::size_t slot = block + 1 + earlier - a_.depth;
  add_through_norm(a_, weights.norm, x.first(a_.embed_dim),
                   std::span(d_class_tokens_).subspan(slot * a_.embed_dim, a_.embed_dim), d_x.first(a_.embed_dim));
}

ReadOutBackward::PoolForward ReadOutBackward::run_pool(const AttentionPoolWeights& weights,
                                                       std::span<const float> normed) {
  const std::size_t width = a_.embed_dim;
  PoolForward forward{std::vector<float>(seen_ * 2 * width), std::vector<float>(a_.num_heads * seen_),
                      std::vector<float>(width), std::vector<float>(a_.pool_hidden_dim), std::vector<float>(width)};
  (*pool_forward_.kv)(*weights.kv, normed.last(seen_ * width), forward.kv);
  std::vector<float> mixed(width);
  nn::attend_with_one_query({seen_, a_.num_heads, a_.head_dim()}, weights.query, forward.kv, mixed, forward.attention);
  (*pool_forward_.proj)(*weights.proj, mixed, forward.x);
  std::vector<float> hidden(a_.pool_hidden_dim);
  (*pool_forward_.fc1)(*weights.fc1, normalized(a_, weights.norm, forward.x), hidden);
  nn::activate(a_.pool_activation, Precision::kF32, hidden, hidden, forward.slope);
  (*pool_forward_.fc2)(*weights.fc2, hidden, forward.pooled);
  for (std::size_t i = 0; i < width; ++i) forward.pooled[i] += forward.x[i];
  return forward;
}

/// Back through x + mlp(norm(x)), x = proj(attention(latent, tokens)).
void ReadOutBackward::through_attention_pool(const ModelWeights& weights, const ModelWeights& backward,
                                             std::span<const float> normed, std::span<const float> d_pooled,
                                             std::span<float> d_normed, const PoolGradientObserver& observe_pool) {
  const std::size_t width = a_.embed_dim;
  const AttentionPoolWeights& pool = *weights.pool;
  const PoolForward forward = run_pool(pool, normed);
  std::vector<float> d_hidden(a_.pool_hidden_dim);
  (*pool_back_.fc2)(*backward.pool->fc2, d_pooled, d_hidden);
  nn::activate_backward(forward.slope, d_hidden, d_hidden);
  std::vector<float> d_mlp(width);
  (*pool_back_.fc1)(*backward.pool->fc1, d_hidden, d_mlp);
  std::vector<float> d_x(d_pooled.begin(), d_pooled.end());
  add_through_norm(a_, pool.norm, forward.x, d_mlp, d_x);
  std::vector<float> d_mixed(width);
  (*pool_back_.proj)(*backward.pool->proj, d_x, d_mixed);

  std::vector<float> gradient(forward.attention.size());
  std::vector<float> d_kv(forward.kv.size());
  nn::attend_with_one_query_backward({seen_, a_.num_heads, a_.head_dim()}, pool.query, forward.kv, forward.attention,
                                     d_mixed, gradient, d_kv);
  if (observe_pool) observe_pool({forward.attention, a_.num_heads, seen_}, {gradient, a_.num_heads, seen_});
  (*pool_back_.kv)(*backward.pool->kv, d_kv, d_normed.last(seen_ * width));
}

}  // namespace fovea
