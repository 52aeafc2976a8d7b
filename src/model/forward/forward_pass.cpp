#include "model/forward/forward_pass.hpp"

#include <algorithm>

#include "base/process/interrupt.hpp"
#include "model/forward/norm.hpp"
#include "model/forward/vision_transformer.hpp"

namespace fovea {
namespace {

std::size_t gated_dim(const Architecture& a) {
  return a.gated_mlp ? a.mlp_hidden_dim : 0;
}

}  // namespace

ForwardPass::ForwardPass(std::shared_ptr<const VisionTransformer> model, std::size_t max_batch)
    : model_(std::move(model)),
      weights_((require_one_size(model_->info()), ModelAccess::impl(*model_).shared->weights)),
      pos_embed_(ModelAccess::impl(*model_).pos_embed),
      tokens_(max_batch * architecture().tokens() * architecture().embed_dim),
      normed_(tokens_.size()),
      shared_(max_batch * architecture().tokens() *
              std::max(4 * architecture().embed_dim, architecture().fc1_dim() + gated_dim(architecture()))),
      patch_embed_(nn::make_linear(
          kPatchEmbedPrecision,
          {architecture().grid().size(), architecture().patch_dim(), architecture().embed_dim, true}, workspace_)),
      read_out_(architecture(), model_->info().precision, workspace_) {}

std::span<float> ForwardPass::embed(std::span<const float> patches, ForwardHook& hook, SavedForward* saved) {
  const Architecture& a = architecture();
  const std::size_t pixels = a.grid().size() * a.patch_dim();  // T·3·P·P
  const std::size_t size = a.tokens() * a.embed_dim;           // N·D
  const std::vector<float>& prefix = weights_.prefix_tokens;
  const std::size_t batch = patches.size() / pixels;  // n
  read_out_.begin(batch);
  const std::span<float> x = tokens_.first(batch * size);
  for (std::size_t image = 0; image < batch; ++image) {
    const std::span<const float> own = patches.subspan(image * pixels, pixels);  // [T, 3·P·P]
    const std::span<float> tokens = x.subspan(image * size, size);               // [N, D]
    const LayerCall layer{LayerKind::kPatchEmbed, 0, image, false, own, tokens};
    stop_if_interrupted();
    hook.before(layer);
    std::copy(prefix.begin(), prefix.end(), tokens.begin());
    const std::span<float> patch_tokens = tokens.subspan(prefix.size());  // [T, D]
    const bool positions_first = !pos_embed_.empty() && !weights_.embed_norm;
    if (positions_first) std::copy(pos_embed_.begin(), pos_embed_.end(), patch_tokens.begin());
    if (!positions_first) std::fill(patch_tokens.begin(), patch_tokens.end(), 0.0F);
    (*patch_embed_)(*weights_.patch_embed, own, patch_tokens);  // [T, 3·P·P] → [T, D], added to the positions
    if (weights_.embed_norm) {
      if (saved != nullptr) saved->embedded.assign(patch_tokens.begin(), patch_tokens.end());
      norm_forward(a, weights_.embed_norm, patch_tokens, patch_tokens);
      for (std::size_t i = 0; i < pos_embed_.size(); ++i) patch_tokens[i] += pos_embed_[i];
    }
    if (saved != nullptr && weights_.norm_pre) saved->embedded.assign(tokens.begin(), tokens.end());
    norm_forward(a, weights_.norm_pre, tokens, tokens);
    hook.after(layer);
  }
  return x;
}

std::span<float> ForwardPass::gather(std::span<const float> embedded, MatrixView<const std::size_t> kept) {
  const std::size_t width = architecture().embed_dim;
  const std::size_t prefix = architecture().num_prefix_tokens;
  const std::span<float> x = tokens_.first(kept.rows() * (prefix + kept.cols()) * width);
  auto to = x.begin();
  for (std::size_t image = 0; image < kept.rows(); ++image) {
    to = std::copy_n(embedded.begin(), prefix * width, to);
    for (const std::size_t patch : kept.row(image)) {
      const auto token = embedded.subspan((prefix + patch) * width, width);
      to = std::copy(token.begin(), token.end(), to);
    }
  }
  return x;
}

std::span<float> ForwardPass::run_blocks(std::size_t first, std::size_t last, std::span<float> x,
                                         const BlockOptions& options, ForwardHook& hook) {
  const Architecture& a = architecture();
  std::size_t tokens = options.tokens > 0 ? options.tokens : a.tokens();  // N, or N' after a reduction
  const std::size_t batch = x.size() / (tokens * a.embed_dim);            // n
  const bool shortens = EncoderBlock::leading_tokens(a) > 0 && !options.all_tokens;
  for (std::size_t index = first; index < last; ++index) {
    stop_if_interrupted();
    BlockCall call{index,
                   weights_.blocks[index],
                   weights_.rotary_of(index),
                   shortens && index + 1 == a.depth,
                   activations_for(index, batch, tokens, options),
                   hook};
    x = block_for(batch, tokens).attention_residual(call, x);
    if (options.reducer != nullptr && options.reducer->left_after(index) < tokens) {
      tokens = options.reducer->left_after(index);
      const std::span<float> left = x.first(batch * tokens * a.embed_dim);
      const LayerCall layer = call.begin(LayerKind::kTokenReduction, x, left, false);
      options.reducer->reduce_after(index, call.activations.qkv, x, call.activations.normed);
      x = left;  // [n·N, D] → [n·N', D]
      hook.after(layer);
      call.activations = activations_for(index, batch, tokens, options);
    }
    block_for(batch, tokens).mlp_residual(call, x);
    read_out_.note_class_tokens(index, x);
  }
  return x;
}

std::vector<ForwardResult> ForwardPass::read_out(std::size_t batch, std::span<float> x, bool keep_tokens,
                                                 ForwardHook& hook) {
  const std::size_t size = x.size() / batch;  // of one image
  std::vector<ForwardResult> results;
  results.reserve(batch);
  for (std::size_t image = 0; image < batch; ++image) {
    results.push_back(read_out_(weights_, image, x.subspan(image * size, size), keep_tokens, hook));
  }
  return results;
}

/// Compiled for exactly `batch` images of so many tokens, at first use: the last batch of a folder is often smaller,
/// and a token reduction goes on with fewer tokens.
EncoderBlock& ForwardPass::block_for(std::size_t batch, std::size_t tokens) {
  auto found = blocks_.find({batch, tokens});
  if (found == blocks_.end()) {
    EncoderBlock block(architecture(), model_->info().precision, batch, tokens, workspace_);
    found = blocks_.emplace(std::pair(batch, tokens), std::move(block)).first;
  }
  return found->second;
}

/// @param tokens  N, or N' after a token reduction
BlockActivations ForwardPass::activations_for(std::size_t block, std::size_t batch, std::size_t tokens,
                                              const BlockOptions& options) {
  const Architecture& a = architecture();
  const std::size_t rows = batch * tokens;
  const std::size_t values = rows * a.embed_dim;  // n·N·D
  BlockActivations own;
  own.normed = normed_.first(values);
  own.qkv = shared_.first(3 * values);
  own.mixed = shared_.span().subspan(3 * values, values);
  own.wide = shared_.first(rows * a.fc1_dim());
  own.gated = shared_.span().subspan(rows * a.fc1_dim(), rows * gated_dim(a));
  own.detail.unread_rows = false;
  if (options.reducer != nullptr) own.log_sizes = options.reducer->log_sizes();
  if (options.attention) own.detail = *options.attention;
  if (options.saved != nullptr) {
    own.saved = &options.saved->blocks[block];
    own.qkv = own.saved->qkv.span();
    own.weights = own.saved->attention.span();
  } else if (options.attention) {
    const std::size_t matrices = own.detail.fused ? 1 : a.num_heads;
    if (weights_of_attention_.size() == 0) {
      weights_of_attention_ = AlignedBuffer<float>(a.num_heads * a.tokens() * a.tokens());
    }
    own.weights = weights_of_attention_.first(matrices * tokens * tokens);
  }
  return own;
}

}  // namespace fovea
