// The forward pass, top to bottom: patches → tokens → blocks → norm → class token → head → logits.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "fovea/error.hpp"
#include "model/encoder_block.hpp"
#include "model/vision_transformer.hpp"

namespace fovea {
namespace {

/// Memory for `batch` images; qkv with mixed and the MLP's hidden layer live one after the other in the same place.
struct Activations {
  Activations(const Architecture& a, std::size_t batch)
      : tokens(batch * a.tokens() * a.embed_dim),
        normed(tokens.size()),
        shared(batch * a.tokens() * std::max(4 * a.embed_dim, a.mlp_hidden_dim)),
        pooled(a.embed_dim) {}
  AlignedBuffer<float> tokens;   // [n·N, D]
  AlignedBuffer<float> normed;   // [n·N, D]
  AlignedBuffer<float> shared;   // [n·N, max(4D, F)]
  AlignedBuffer<float> weights;  // [H, N, N], made when somebody observes
  AlignedBuffer<float> pooled;   // [D]

  BlockActivations block_scratch(const Architecture& a, std::size_t batch) {
    const std::size_t values = batch * a.tokens() * a.embed_dim;  // n·N·D
    return {batch * a.tokens(),
            normed.first(values),
            shared.span().subspan(0, 3 * values),
            shared.span().subspan(3 * values, values),
            shared.first(batch * a.tokens() * a.mlp_hidden_dim),
            weights.span()};
  }
};

}  // namespace

struct Session::Impl {
  Impl(std::shared_ptr<const VisionTransformer> transformer, std::size_t most)
      : model(std::move(transformer)),
        max_batch(most),
        activations(model->architecture(), max_batch),
        patch_embed(nn::make_linear(precision(),
                                    {architecture().grid().size(), architecture().patch_dim(), architecture().embed_dim,
                                     nn::Activation::kNone, true},
                                    workspace)),
        norm(1, architecture().embed_dim, architecture().layer_norm_eps, workspace),
        head(nn::make_linear(precision(), {1, architecture().embed_dim, architecture().num_classes}, workspace)) {}

  [[nodiscard]] const Architecture& architecture() const { return model->architecture(); }
  [[nodiscard]] Precision precision() const { return model->impl().precision; }
  [[nodiscard]] const ModelWeights& weights() const { return model->impl().weights; }

  /// Compiled for exactly `batch` images, on first use: the last batch of a folder is often smaller.
  EncoderBlock& block_for(std::size_t batch) {
    auto found = blocks.find(batch);
    if (found == blocks.end()) {
      found = blocks.emplace(batch, EncoderBlock(architecture(), precision(), batch, workspace)).first;
    }
    return found->second;
  }

  /// patches [T, 3·P·P] → tokens [N, D]: class token first, then W·patch + b + position embedding.
  void embed(std::span<const float> patches, std::span<float> tokens) const {
    const std::vector<float>& prefix = weights().prefix_tokens;
    const std::vector<float>& pos_embed = weights().pos_embed;
    std::copy(prefix.begin(), prefix.end(), tokens.begin());
    const std::span<float> patch_tokens = tokens.subspan(prefix.size());
    std::copy(pos_embed.begin(), pos_embed.end(), patch_tokens.begin());
    (*patch_embed)(*weights().patch_embed, patches, patch_tokens);  // accumulates
  }

  /// The class token of one image [D] → logits [C]. One row at a time, so that its kernel never depends on the batch.
  Logits read_out(std::span<const float> class_token) {
    Logits logits(architecture().num_classes);
    norm(weights().norm.weight, weights().norm.bias, class_token, activations.pooled.span());
    (*head)(*weights().head, activations.pooled.span(), logits);
    return logits;
  }

  std::shared_ptr<const VisionTransformer> model;
  std::size_t max_batch;
  nn::Workspace workspace;
  Activations activations;
  std::unique_ptr<nn::Linear> patch_embed;
  nn::LayerNorm norm;
  std::unique_ptr<nn::Linear> head;
  std::map<std::size_t, EncoderBlock> blocks;  // by batch size
};

Session::Session(std::shared_ptr<const VisionTransformer> model, std::size_t max_batch)
    : impl_(std::make_unique<Impl>(std::move(model), std::max<std::size_t>(max_batch, 1))) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::size_t Session::max_batch() const noexcept {
  return impl_->max_batch;
}

std::vector<Logits> Session::run(std::span<const float> patches, const AttentionObserver& observe) {
  Impl& impl = *impl_;
  const Architecture& a = impl.architecture();
  const std::size_t image_size = a.grid().size() * a.patch_dim();  // T·3·P·P
  const std::size_t batch = patches.size() / image_size;
  if (batch == 0 || batch > impl.max_batch || patches.size() != batch * image_size) {
    throw Error(ErrorCode::kShape,
                fmt::format("patches: their number of values is {}, expected 1 to {} times {} ([{}, {}])",
                            patches.size(), impl.max_batch, image_size, a.grid().size(), a.patch_dim()));
  }
  const std::size_t token_values = a.tokens() * a.embed_dim;  // N·D
  const std::span<float> x = impl.activations.tokens.first(batch * token_values);
  for (std::size_t image = 0; image < batch; ++image) {
    impl.embed(patches.subspan(image * image_size, image_size), x.subspan(image * token_values, token_values));
  }

  AlignedBuffer<float>& attention = impl.activations.weights;
  if (observe && attention.size() == 0) attention = AlignedBuffer<float>(a.num_heads * a.tokens() * a.tokens());
  EncoderBlock& encoder_block = impl.block_for(batch);
  const BlockActivations scratch = impl.activations.block_scratch(a, batch);
  for (std::size_t block = 0; block < a.depth; ++block) {
    AttentionReady attention_ready;
    if (observe) {
      attention_ready = [&, block](std::size_t image) {
        observe(image, {block, a.num_heads, a.tokens(), attention.span()});
      };
    }
    const EncoderBlockWeights& weights = impl.weights().blocks[block];
    if (block + 1 < a.depth) {
      encoder_block(weights, x, scratch, attention_ready);
    } else {
      encoder_block.class_tokens_only(weights, x, scratch, attention_ready);
    }
  }

  std::vector<Logits> logits;
  for (std::size_t image = 0; image < batch; ++image) {
    logits.push_back(impl.read_out(x.subspan(image * a.embed_dim, a.embed_dim)));
  }
  return logits;
}

}  // namespace fovea
