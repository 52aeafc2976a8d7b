#include "model/forward/read_out.hpp"

#include <algorithm>
#include <utility>

#include "model/forward/norm.hpp"

namespace fovea {

std::vector<float> patch_mean(const Architecture& a, std::span<const float> tokens) {
  std::vector<double> sums(a.embed_dim, 0.0);
  for (std::size_t token = a.first_mean_token(); token < a.tokens(); ++token) {
    for (std::size_t i = 0; i < a.embed_dim; ++i) sums[i] += static_cast<double>(tokens[token * a.embed_dim + i]);
  }
  std::vector<float> mean(a.embed_dim);
  const auto count = static_cast<double>(a.mean_tokens());
  for (std::size_t i = 0; i < a.embed_dim; ++i) mean[i] = static_cast<float>(sums[i] / count);
  return mean;
}

ReadOutForward::ReadOutForward(const Architecture& a, Precision precision, nn::Workspace& workspace) : a_(a) {
  const auto one_row = [&](std::size_t in, std::size_t out) {
    return nn::make_linear(read_out_precision(precision), {1, in, out}, workspace);
  };
  if (a.num_classes > 0) head_ = one_row(a.pooled_dim(), a.num_classes);
  if (a.num_classes > 0 && a.read_out == ReadOut::kClassAndDistToken) head_dist_ = one_row(a.embed_dim, a.num_classes);
  if (a.projection_dim > 0) projection_ = one_row(a.embed_dim, a.projection_dim);
  if (a.read_out == ReadOut::kAttentionPool) pool_.emplace(a, precision, workspace);
}

void ReadOutForward::begin(std::size_t batch) {
  class_tokens_.resize(batch * (a_.read_out_blocks - 1) * a_.embed_dim);
}

void ReadOutForward::note_class_tokens(std::size_t block, std::span<const float> x) {
  const std::size_t earlier = a_.read_out_blocks - 1;
  if (block + 1 == a_.depth || block + 1 + earlier < a_.depth) return;
  const std::size_t slot = block + 1 + earlier - a_.depth;
  const std::size_t size = a_.tokens() * a_.embed_dim;  // N·D
  for (std::size_t image = 0; image < x.size() / size; ++image) {
    std::copy_n(x.data() + image * size, a_.embed_dim, class_tokens_.data() + (image * earlier + slot) * a_.embed_dim);
  }
}

ForwardResult ReadOutForward::operator()(const ModelWeights& weights, std::size_t image, std::span<float> tokens,
                                         bool keep_tokens, ForwardHook& hook) {
  LayerCall layer{LayerKind::kReadOut, 0, image, false, tokens, {}};
  hook.before(layer);
  norm_forward(a_, weights.norm, tokens, tokens);
  ForwardResult result;
  if (keep_tokens) result.tokens.assign(tokens.begin(), tokens.end());
  PooledTokens pool;
  switch (a_.read_out) {
    case ReadOut::kClassToken:
    case ReadOut::kClassAndDistToken:
      result.pooled.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(a_.embed_dim));
      break;
    case ReadOut::kPatchMean: result.pooled = patch_mean(a_, tokens); break;
    case ReadOut::kClassAndPatchMean: result.pooled = class_and_patch_mean(weights, image, tokens); break;
    case ReadOut::kAttentionPool:
      pool = pool_->forward(*weights.pool, tokens);
      result.pooled = pool.pooled;
      break;
  }
  norm_forward(a_, weights.fc_norm, result.pooled, result.pooled);
  if (head_) {
    result.logits.resize(a_.num_classes);
    (*head_)(*weights.head, result.pooled, result.logits);
  }
  if (head_dist_) average_with_distillation_head(weights, tokens, result.logits);
  result.features = result.pooled;
  if (a_.read_out ==
      ReadOut::kClassAndDistToken) {  // each head reads its own token: timm's forward_head(pre_logits=True)
    for (std::size_t i = 0; i < a_.embed_dim; ++i) {
      result.features[i] = (tokens[i] + tokens[a_.embed_dim + i]) / 2.0F;
    }
  }
  if (projection_) {
    result.features.resize(a_.projection_dim);
    (*projection_)(*weights.projection, result.pooled, result.features);
  }
  layer.attention = pool.attention;
  hook.after(layer);
  return result;
}

/// Class tokens of the last blocks, first to last, then the mean patch: dinov2/hub/classifiers.py, and
/// Dinov2ForImageClassification with one block.
std::vector<float> ReadOutForward::class_and_patch_mean(const ModelWeights& weights, std::size_t image,
                                                        std::span<const float> tokens) const {
  const std::size_t earlier = (a_.read_out_blocks - 1) * a_.embed_dim;
  const std::span<const float> noted = std::span(class_tokens_).subspan(image * earlier, earlier);
  std::vector<float> pooled(earlier);
  norm_forward(a_, weights.norm, noted, pooled);
  pooled.insert(pooled.end(), tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(a_.embed_dim));
  const std::vector<float> mean = patch_mean(a_, tokens);
  pooled.insert(pooled.end(), mean.begin(), mean.end());
  return pooled;
}

void ReadOutForward::average_with_distillation_head(const ModelWeights& weights, std::span<const float> tokens,
                                                    std::span<float> logits) {
  Logits second(a_.num_classes);
  (*head_dist_)(*weights.head_dist, tokens.subspan(a_.embed_dim, a_.embed_dim), second);
  for (std::size_t c = 0; c < logits.size(); ++c) logits[c] = (logits[c] + second[c]) / 2.0F;
}

}  // namespace fovea
