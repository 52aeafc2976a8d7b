#include "model/backward/read_out.hpp"

#include <algorithm>

#include "model/forward/norm.hpp"
#include "model/forward/read_out.hpp"

namespace fovea {

ReadOutBackward::ReadOutBackward(const Architecture& a, Precision precision, nn::Workspace& workspace)
    : a_(a), precision_(precision), workspace_(workspace) {
  const auto one_row = [&](std::size_t in, std::size_t out) {
    return nn::make_linear(backward_precision(precision), {1, in, out}, workspace);
  };
  if (a.num_classes > 0) head_ = one_row(a.num_classes, a.pooled_dim());
  if (a.read_out == ReadOut::kClassAndDistToken) head_dist_ = one_row(a.num_classes, a.embed_dim);
  if (a.projection_dim > 0) projection_ = one_row(a.projection_dim, a.embed_dim);
  if (a.read_out != ReadOut::kAttentionPool) return;
  pool_.emplace(a, precision, workspace);
  pool_backward_.emplace(a, precision, pool_->shape(), workspace);
}

void ReadOutBackward::operator()(const ModelWeights& weights, const ModelWeights& backward, std::span<const float> x,
                                 OutputGradient d_output, std::span<float> d_x, BackwardMode& mode,
                                 const PoolGradientObserver& observe_pool) {
  const std::size_t width = a_.embed_dim;
  std::vector<float> normed(x.size());
  norm_forward(a_, weights.norm, x, normed);
  const PooledTokens pool = pool_ ? pool_->forward(*weights.pool, normed) : PooledTokens{};
  if (a_.read_out == ReadOut::kClassAndDistToken) {  // logits = (head(class) + head_dist(dist)) / 2
    for (float& value : d_output.logits) value /= 2.0F;
  }
  const std::vector<float> gradient = d_pooled(weights, backward, normed, pool, d_output, mode);  // [pooled]
  std::vector<float> d_normed(x.size(), 0.0F);
  switch (a_.read_out) {
    case ReadOut::kClassToken: std::copy(gradient.begin(), gradient.end(), d_normed.begin()); break;
    case ReadOut::kClassAndDistToken:
      std::copy(gradient.begin(), gradient.end(), d_normed.begin());
      if (d_output.logits.empty()) break;  // features are the class token's
      head_backward(*weights.head_dist, *backward.head_dist, true, std::span(normed).subspan(width, width),
                    d_output.logits, std::span(d_normed).subspan(width, width), mode);
      break;
    case ReadOut::kPatchMean: patch_mean_backward(gradient, d_normed); break;
    case ReadOut::kClassAndPatchMean: {
      const auto earlier = static_cast<std::ptrdiff_t>((a_.read_out_blocks - 1) * width);
      d_class_tokens_.assign(gradient.begin(), gradient.begin() + earlier);
      std::copy_n(gradient.begin() + earlier, width, d_normed.begin());
      patch_mean_backward(std::span(gradient).last(width), d_normed);
      break;
    }
    case ReadOut::kAttentionPool:
      (*pool_backward_)(*weights.pool, *backward.pool, pool, gradient, d_normed, mode, observe_pool);
      break;
  }
  if (!d_class_tokens_.empty() && weights.norm) mode.count_bias(weights.norm.bias, d_class_tokens_);
  mode.norm(a_, weights.norm, x, d_normed, d_x);
}

/// With respect to what is pooled, before fc_norm.
std::vector<float> ReadOutBackward::d_pooled(const ModelWeights& weights, const ModelWeights& backward,
                                             std::span<const float> normed, const PooledTokens& pool,
                                             const OutputGradient& d_output, BackwardMode& mode) {
  std::vector<float> gradient(a_.pooled_dim());
  if (!d_output.logits.empty()) {
    head_backward(*weights.head, *backward.head, false, d_output.pooled, d_output.logits, gradient, mode);
  } else if (projection_) {
    mode.count_bias(backward.projection->bias(), d_output.features);
    (*projection_)(*backward.projection, d_output.features, gradient);
  } else {
    gradient = d_output.features;
  }
  if (!weights.fc_norm) return gradient;
  std::vector<float> pooled(normed.begin(), normed.begin() + static_cast<std::ptrdiff_t>(a_.embed_dim));
  if (a_.read_out == ReadOut::kPatchMean) pooled = patch_mean(a_, normed);
  if (a_.read_out == ReadOut::kAttentionPool) pooled = pool.pooled;
  std::vector<float> before(gradient.size(), 0.0F);
  mode.norm(a_, weights.fc_norm, pooled, gradient, before);
  return before;
}

void ReadOutBackward::head_backward(const nn::LinearWeights& forward, const nn::LinearWeights& backward,
                                    bool distillation, std::span<const float> x, std::span<const float> d_logits,
                                    std::span<float> d_x, BackwardMode& mode) {
  if (mode.absolute == nullptr) {
    mode.count_bias(backward.bias(), d_logits);
    (*(distillation ? head_dist_ : head_))(backward, d_logits, d_x);
    return;
  }
  std::unique_ptr<GammaLinear>& head = distillation ? gamma_head_dist_ : gamma_head_;
  if (!head) {
    head = std::make_unique<GammaLinear>(read_out_precision(precision_), backward_precision(precision_), 1, d_x.size(),
                                         d_logits.size(), workspace_);
  }
  (*head)({forward, backward, distillation ? mode.absolute->head_dist : mode.absolute->head}, x, d_logits, d_x, mode);
}

/// Adds to each token of the mean its share of the mean's gradient.
void ReadOutBackward::patch_mean_backward(std::span<const float> d_mean, std::span<float> d_tokens) const {
  const auto count = static_cast<float>(a_.mean_tokens());
  for (std::size_t token = a_.first_mean_token(); token < a_.tokens(); ++token) {
    for (std::size_t i = 0; i < a_.embed_dim; ++i) d_tokens[token * a_.embed_dim + i] += d_mean[i] / count;
  }
}

void ReadOutBackward::add_class_token(const ModelWeights& weights, Gradients gradients, std::size_t block,
                                      std::span<const float> x, std::span<float> d_x) const {
  const std::size_t earlier = a_.read_out_blocks - 1;
  if (a_.read_out != ReadOut::kClassAndPatchMean || block + 1 + earlier < a_.depth || block + 1 == a_.depth) return;
  const std::size_t slot = block + 1 + earlier - a_.depth;
  norm_backward(a_, gradients, weights.norm, x.first(a_.embed_dim),
                std::span(d_class_tokens_).subspan(slot * a_.embed_dim, a_.embed_dim), d_x.first(a_.embed_dim));
}

}  // namespace fovea
