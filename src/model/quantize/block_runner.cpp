#include "model/quantize/block_runner.hpp"

#include <utility>

#include "fovea/architecture.hpp"
#include "model/forward/vision_transformer.hpp"

namespace fovea {
namespace {

std::size_t values_a_token(const Architecture& a) {
  return 5 * a.embed_dim + a.fc1_dim() + a.mlp_hidden_dim;
}

}  // namespace

BlockRunner::BlockRunner(std::shared_ptr<const VisionTransformer> model)
    : model_(std::move(model)),
      session_(model_, 1),
      block_(model_->architecture(), model_->info().precision, 1, model_->architecture().tokens(), workspace_),
      read_out_(model_->architecture(), model_->info().precision, workspace_),
      buffer_(model_->architecture().tokens() * values_a_token(model_->architecture())) {}

std::vector<float> BlockRunner::enter(std::span<const float> patches) {
  std::vector<float> entering;
  ForwardRequest request;
  request.tokens = [&](std::size_t, std::size_t block, MatrixView<const float> tokens) {
    if (block == 0) entering.assign(tokens.values().begin(), tokens.values().end());
  };
  (void)session_.forward(patches, request);
  read_out_.begin(1);
  return entering;
}

void BlockRunner::run(std::size_t block, std::span<float> tokens, const Visit& visit) {
  const Architecture& a = model_->architecture();
  const ModelWeights& weights = model_->impl().weights;
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
  block_.attention_residual(weights.blocks[block], rotary, tokens, scratch, {});
  if (visit) visit(BlockLayer::kQkv, scratch.normed);
  if (visit) visit(BlockLayer::kProj, scratch.mixed);
  block_.mlp_residual(weights.blocks[block], tokens, scratch);
  if (visit) visit(BlockLayer::kFc1, scratch.normed);
  if (visit) visit(BlockLayer::kFc2, a.gated_mlp ? scratch.gated : scratch.hidden);
  read_out_.note_class_tokens(block, tokens);
}

std::vector<float> BlockRunner::scores(std::span<float> tokens) {
  // Where no patches are read, of the leading tokens alone: they are in front.
  const std::size_t leading = EncoderBlock::leading_tokens(model_->architecture());
  const std::span<float> read = leading > 0 ? tokens.first(leading * model_->architecture().embed_dim) : tokens;
  ForwardResult result = read_out_(model_->impl().weights, 0, read, {});
  return std::move(result.logits.empty() ? result.features : result.logits);
}

}  // namespace fovea
