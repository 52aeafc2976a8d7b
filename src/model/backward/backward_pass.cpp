#include "model/backward/backward_pass.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

#include "base/process/interrupt.hpp"
#include "model/forward/norm.hpp"
#include "model/forward/vision_transformer.hpp"
#include "nn/kernels/dot_kernels.hpp"

namespace fovea {

BackwardPass::BackwardPass(const VisionTransformer& model, nn::Workspace& workspace)
    : model_(*ModelAccess::impl(model).shared),
      a_(model.architecture()),
      weights_(model_.weights),
      backward_(model_.backward_weights()),
      workspace_(workspace),
      read_rows_(EncoderBlock::leading_tokens(a_) > 0 ? EncoderBlock::leading_tokens(a_) : a_.tokens()),
      read_out_(a_, model.info().precision, workspace),
      block_(a_, model.info().precision, workspace),
      inverse_rotary_(weights_.rotary),
      d_x_(a_.tokens() * a_.embed_dim) {
  for (nn::RotaryTable& table : inverse_rotary_) {  // the inverse of a rotation turns the other way
    for (float& sine : table.sin) sine = -sine;
  }
}

void BackwardPass::operator()(const SavedForward& saved, const ScoreGradient& score, const GradientRequest& request) {
  if (request.attention || request.pool || request.features || request.score_terms || request.pixels) {
    score_of_the_last_block(saved, score, request);
  }
  if (request.layer_attention) scores_of_all_blocks(saved, score, request);
}

BlockBackwardCall BackwardPass::call_of(const SavedForward& saved, std::size_t block, std::size_t rows,
                                        BackwardMode& mode) const {
  const bool libra = mode.gradients == Gradients::kLibra;
  return {weights_.blocks[block],
          backward_.blocks[block],
          libra ? model_.value_weights()[block].get() : nullptr,
          mode.absolute == nullptr ? nullptr : &mode.absolute->blocks[block],
          saved.blocks[block],
          rows,
          mode};
}

BackwardMode BackwardPass::mode_of(const GradientRequest& request) {
  assert(request.gamma == 0.0F || request.gradients == Gradients::kLibra);
  return {request.gradients, request.gamma, request.gamma > 0.0F ? &model_.absolute_weights() : nullptr,
          static_cast<bool>(request.score_terms)};
}

AttentionView BackwardPass::attention_of(const SavedForward& saved, std::size_t block) const {
  return {block, a_.num_heads, a_.tokens(), saved.blocks[block].attention.span()};
}

void BackwardPass::score_of_the_last_block(const SavedForward& saved, const ScoreGradient& score,
                                           const GradientRequest& request) {
  BackwardMode mode = mode_of(request);
  std::fill_n(d_x_.data(), d_x_.size(), 0.0F);
  read_out_(weights_, backward_, saved.x_out, score(saved.x_out), d_x_.first(saved.x_out.size()), mode, request.pool);
  assert(!request.pixels || request.first_block == 0);
  const bool through_all = request.attention || request.score_terms || request.pixels;
  const std::size_t stop = through_all ? request.first_block : a_.depth - 1;
  std::size_t rows = read_rows_;
  for (std::size_t block = a_.depth; block-- > stop; rows = a_.tokens()) {
    stop_if_interrupted();
    const BlockBackwardCall call = call_of(saved, block, rows, mode);
    const std::span<float> d_read = d_x_.first(rows * a_.embed_dim);
    block_.mlp_residual(call, d_read);
    block_.projection(call, d_read);
    if (request.attention || mode.gradients == Gradients::kTrue) {
      const std::span<const float> d_weights = block_.attention_weights(call);
      if (request.attention) request.attention(attention_of(saved, block), d_weights);
    }
    const bool features = request.features && block + 1 == a_.depth;
    if (block == stop && !features && !request.score_terms && !request.pixels)
      return;  // nobody asks for what lies before
    const nn::RotaryTable* const rotary =
        inverse_rotary_.empty() ? nullptr : &inverse_rotary_[block % inverse_rotary_.size()];
    const std::span<const float> d_normed = block_.attention_residual(call, rotary, d_x_.span());
    if (features) show_features(call, d_normed, request.features);
    if (block > 0) {
      read_out_.add_class_token(weights_, mode.gradients, block - 1, call.saved.x_in.span(), d_x_.span());
    }
    if (!request.score_terms) continue;
    std::vector<double> terms(a_.tokens());
    nn::dot_rows(a_.embed_dim, {call.saved.x_in.data(), a_.embed_dim}, {d_x_.data(), a_.embed_dim}, terms);
    request.score_terms({block, terms, mode.biases, earlier_class_tokens(saved, block)});
  }
  if (request.pixels) show_pixels(saved, mode, d_x_.span(), request.pixels);
}

void BackwardPass::show_pixels(const SavedForward& saved, BackwardMode& mode, std::span<const float> d_x,
                               const PixelGradientObserver& observe) {
  const std::size_t patches = a_.grid().size();
  const auto through = [&](const NormWeights& norm, std::span<const float> d_y) {
    std::vector<float> d_embedded(d_y.size());
    mode.norm(a_, norm, norm ? std::span(saved.embedded) : d_y, d_y, d_embedded);
    return d_embedded;
  };
  const std::vector<float> d_tokens = through(weights_.norm_pre, d_x);  // [N, D]
  const std::vector<float> d_patches =                                  // [T, D]
      through(weights_.embed_norm, std::span(d_tokens).last(patches * a_.embed_dim));
  const nn::LinearWeights& backward = *model_.pixel_weights();
  if (!pixels_) pixels_ = nn::make_linear(backward.precision(), {patches, a_.embed_dim, a_.patch_dim()}, workspace_);
  std::vector<float> gradient(patches * a_.patch_dim());
  (*pixels_)(backward, d_patches, gradient);  // [T, D] → [T, 3·P·P]
  observe(gradient);
}

/// What a head that reads the class tokens of several blocks adds to the score before this block's input: Σ x ⊙
/// ∂score/∂x over the class tokens that earlier blocks put out and that are read directly.
double BackwardPass::earlier_class_tokens(const SavedForward& saved, std::size_t block) const {
  double sum = 0;
  if (a_.read_out_blocks == 1) return sum;
  for (std::size_t earlier = 1; earlier < block; ++earlier) {
    const std::span<const float> x = saved.blocks[earlier].x_in.span().first(a_.embed_dim);  // what earlier - 1 put out
    std::vector<float> d_token(a_.embed_dim, 0.0F);
    read_out_.add_class_token(weights_, Gradients::kLibra, earlier - 1, x, d_token);
    for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * static_cast<double>(d_token[i]);
  }
  return sum;
}

void BackwardPass::show_features(const BlockBackwardCall& call, std::span<const float> d_normed,
                                 const FeatureGradientObserver& observe) const {
  std::vector<float> normed(d_normed.size());
  norm_forward(a_, norm_before(a_, call.weights.norm1), call.saved.x_in.span(), normed);
  observe({normed, a_.tokens(), a_.embed_dim}, {d_normed, a_.tokens(), a_.embed_dim});
}

/// A score of its own for each block, so each pass is short: read-out, MLP, projection, ∂score/∂A.
void BackwardPass::scores_of_all_blocks(const SavedForward& saved, const ScoreGradient& score,
                                        const GradientRequest& request) {
  const std::size_t values = read_rows_ * a_.embed_dim;
  BackwardMode mode = mode_of(request);
  const std::span<float> d_x = d_x_.first(values);
  for (std::size_t block = a_.depth; block-- > request.first_block;) {
    stop_if_interrupted();
    const std::span<const float> x =
        block + 1 < a_.depth ? saved.blocks[block + 1].x_in.span() : std::span(saved.x_out);
    std::fill(d_x.begin(), d_x.end(), 0.0F);
    read_out_(weights_, backward_, x.first(values), score(x.first(values)), d_x, mode, {});
    const BlockBackwardCall call = call_of(saved, block, read_rows_, mode);
    block_.mlp_residual(call, d_x);
    block_.projection(call, d_x);
    request.layer_attention(attention_of(saved, block), block_.attention_weights(call));
  }
}

}  // namespace fovea
