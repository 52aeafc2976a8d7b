#include "model/layer_inputs.hpp"

#include <utility>

#include "model/vision_transformer.hpp"

namespace fovea {
namespace {

std::size_t values_a_token(const Architecture& a) {
  return 5 * a.embed_dim + a.fc1_dim() + a.mlp_hidden_dim;
}

}  // namespace

LayerInputs::LayerInputs(std::shared_ptr<const VisionTransformer> model)
    : model_(std::move(model)),
      session_(model_, 1),
      block_(model_->architecture(), model_->info().precision, 1, model_->architecture().tokens(), workspace_),
      buffer_(model_->architecture().tokens() * values_a_token(model_->architecture())) {}

void LayerInputs::operator()(std::span<const float> patches, const Visit& visit) {
  const Architecture& a = model_->architecture();
  const ModelWeights& weights = model_->impl().weights;
  ForwardRequest request;
  request.tokens = [&](std::size_t, std::size_t block, MatrixView<const float> tokens) {
    if (block == 0) x_.assign(tokens.values().begin(), tokens.values().end());
  };
  (void)session_.forward(patches, request);

  const std::size_t rows = a.tokens();
  std::span<float> rest = buffer_.span();
  const auto take = [&](std::size_t width) {
    const std::span<float> values = rest.first(rows * width);
    rest = rest.subspan(values.size());
    return values;
  };
  BlockActivations scratch{rows, {}, {}, {}, {}, {}, {}, {}, {}};
  scratch.normed = take(a.embed_dim);
  scratch.qkv = take(3 * a.embed_dim);
  scratch.mixed = take(a.embed_dim);
  scratch.hidden = take(a.fc1_dim());
  scratch.gated = take(a.gated_mlp ? a.mlp_hidden_dim : 0);
  const nn::RotaryTable* rotary = weights.rotary ? &*weights.rotary : nullptr;
  for (std::size_t block = 0; block < a.depth; ++block) {
    block_.attention_residual(weights.blocks[block], rotary, x_, scratch, {});
    visit(block, BlockLayer::kQkv, scratch.normed);
    visit(block, BlockLayer::kProj, scratch.mixed);
    block_.mlp_residual(weights.blocks[block], x_, scratch);
    visit(block, BlockLayer::kFc1, scratch.normed);
    visit(block, BlockLayer::kFc2, a.gated_mlp ? scratch.gated : scratch.hidden);
  }
}

}  // namespace fovea
