#include "model/forward/pooling.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "nn/attention/attention.hpp"
#include "nn/kernels/activation.hpp"

namespace fovea {
namespace {

/// [rows, features] → the same, normalised in place.
void normalize(const Architecture& a, const NormWeights& norm, std::span<float> x) {
  if (!norm) return;
  const std::size_t features = norm.weight.size();
  nn::normalize(norm_shape(a, x.size() / features, features), norm.weight, norm.bias, {x.data(), features},
                {x.data(), features});
}

}  // namespace

Pooling::Pooling(const Architecture& a, Precision model_precision, nn::Workspace& workspace) : a_(a) {
  const Precision precision = read_out_precision(model_precision);
  const auto one_row = [&](std::size_t in, std::size_t out) {
    return nn::make_linear(precision, {1, in, out}, workspace);
  };
  if (a.num_classes > 0) head_ = one_row(a.pooled_dim(), a.num_classes);
  if (a.num_classes > 0 && a.read_out == ReadOut::kClassAndDistToken) head_dist_ = one_row(a.embed_dim, a.num_classes);
  if (a.projection_dim > 0) projection_ = one_row(a.embed_dim, a.projection_dim);
  if (a.read_out == ReadOut::kAttentionPool) {
    const std::size_t seen = a.grid().size() + (a.pool_sees_prefix ? a.num_prefix_tokens : 0);
    pool_kv_ = nn::make_linear(precision, {seen, a.embed_dim, 2 * a.embed_dim}, workspace);
    pool_proj_ = one_row(a.embed_dim, a.embed_dim);
    pool_fc1_ = one_row(a.embed_dim, a.pool_hidden_dim);
    pool_fc2_ = one_row(a.pool_hidden_dim, a.embed_dim);
    kv_ = AlignedBuffer<float>(seen * 2 * a.embed_dim);
  }
}

void Pooling::begin(std::size_t batch) {
  class_tokens_.resize(batch * (a_.read_out_blocks - 1) * a_.embed_dim);
}

void Pooling::note_class_tokens(std::size_t block, std::span<const float> x) {
  const std::size_t earlier = a_.read_out_blocks - 1;
  if (block + 1 == a_.depth || block + 1 + earlier < a_.depth) return;
  const std::size_t slot = block + 1 + earlier - a_.depth;
  const std::size_t batch = x.size() / (a_.tokens() * a_.embed_dim);
  for (std::size_t image = 0; image < batch; ++image) {
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(image * a_.tokens() * a_.embed_dim), a_.embed_dim,
                class_tokens_.begin() + static_cast<std::ptrdiff_t>((image * earlier + slot) * a_.embed_dim));
  }
}

ForwardResult Pooling::operator()(const ModelWeights& weights, std::size_t image, std::span<float> tokens,
                                  const ForwardRequest& request) {
  normalize(a_, weights.norm, tokens);
  ForwardResult result;
  if (request.keep_tokens) result.tokens.assign(tokens.begin(), tokens.end());
  result.pooled = pool(weights, image, tokens, request);
  normalize(a_, weights.fc_norm, result.pooled);
  if (head_) result.logits = logits(weights, result.pooled, tokens);
  result.features = result.pooled;
  if (projection_) {
    result.features.resize(a_.projection_dim);
    (*projection_)(*weights.projection, result.pooled, result.features);
  }
  return result;
}

std::vector<float> Pooling::pool(const ModelWeights& weights, std::size_t image, std::span<const float> tokens,
                                 const ForwardRequest& request) {
  switch (a_.read_out) {
    case ReadOut::kClassToken:
    case ReadOut::kClassAndDistToken: break;
    case ReadOut::kPatchMean: return patch_mean(tokens);
    case ReadOut::kClassAndPatchMean: return class_and_patch_mean(weights, image, tokens);
    case ReadOut::kAttentionPool: return attention_pool(*weights.pool, image, tokens, request);
  }
  return {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(a_.embed_dim)};
}

/// [N, D] → [D]
std::vector<float> Pooling::patch_mean(std::span<const float> tokens) const {
  const std::size_t width = a_.embed_dim;
  std::vector<double> sums(width, 0.0);
  for (std::size_t token = a_.num_prefix_tokens; token < a_.tokens(); ++token) {
    for (std::size_t i = 0; i < width; ++i) sums[i] += static_cast<double>(tokens[token * width + i]);
  }
  std::vector<float> mean(width);
  for (std::size_t i = 0; i < width; ++i) mean[i] = static_cast<float>(sums[i] / static_cast<double>(a_.grid().size()));
  return mean;
}

/// Class tokens of the last blocks, first to last, then the mean patch: dinov2/hub/classifiers.py, and
/// Dinov2ForImageClassification with one block.
std::vector<float> Pooling::class_and_patch_mean(const ModelWeights& weights, std::size_t image,
                                                 std::span<const float> tokens) const {
  const std::size_t earlier = (a_.read_out_blocks - 1) * a_.embed_dim;
  const auto begin = class_tokens_.begin() + static_cast<std::ptrdiff_t>(image * earlier);
  std::vector<float> pooled(begin, begin + static_cast<std::ptrdiff_t>(earlier));
  normalize(a_, weights.norm, pooled);
  pooled.insert(pooled.end(), tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(a_.embed_dim));
  const std::vector<float> mean = patch_mean(tokens);
  pooled.insert(pooled.end(), mean.begin(), mean.end());
  return pooled;
}

/// x = proj(attention(latent, tokens)); x + mlp(norm(x)) (timm AttentionPoolLatent).
std::vector<float> Pooling::attention_pool(const AttentionPoolWeights& weights, std::size_t image,
                                           std::span<const float> tokens, const ForwardRequest& request) {
  const std::size_t width = a_.embed_dim;
  const std::size_t unseen = a_.pool_sees_prefix ? 0 : a_.num_prefix_tokens;
  const std::size_t seen = a_.tokens() - unseen;  // n
  (*pool_kv_)(*weights.kv, tokens.subspan(unseen * width), kv_.span());
  std::vector<float> mixed(width);
  std::vector<float> attention(a_.num_heads * seen);
  nn::attend_with_one_query({seen, a_.num_heads, a_.head_dim()}, weights.query, kv_.span(), mixed, attention);
  if (request.pool_attention) request.pool_attention(image, {attention, a_.num_heads, seen});

  std::vector<float> x(width);
  (*pool_proj_)(*weights.proj, mixed, x);
  std::vector<float> normed = x;
  normalize(a_, weights.norm, normed);
  std::vector<float> hidden(a_.pool_hidden_dim);
  std::vector<float> change(width);
  (*pool_fc1_)(*weights.fc1, normed, hidden);
  nn::activate(a_.pool_activation, Precision::kF32, hidden, hidden);
  (*pool_fc2_)(*weights.fc2, hidden, change);
  for (std::size_t i = 0; i < width; ++i) x[i] += change[i];
  return x;
}

Logits Pooling::logits(const ModelWeights& weights, std::span<const float> pooled, std::span<const float> tokens) {
  Logits logits(a_.num_classes);
  (*head_)(*weights.head, pooled, logits);
  if (!head_dist_) return logits;
  Logits second(a_.num_classes);
  (*head_dist_)(*weights.head_dist, tokens.subspan(a_.embed_dim, a_.embed_dim), second);
  for (std::size_t c = 0; c < logits.size(); ++c) logits[c] = (logits[c] + second[c]) / 2.0F;
  return logits;
}

}  // namespace fovea
