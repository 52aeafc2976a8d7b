// The forward pass, top to bottom: patches → tokens → blocks → read-out → logits.
#include "fovea/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "model/backward/backward.hpp"
#include "model/forward/encoder_block.hpp"
#include "model/forward/pooling.hpp"
#include "model/forward/token_reduction.hpp"
#include "model/forward/vision_transformer.hpp"

namespace fovea {
namespace {

/// Memory for `batch` images; qkv with mixed and the MLP's hidden layers live one after the other in the same place.
struct Activations {
  Activations(const Architecture& a, std::size_t batch)
      : tokens(batch * a.tokens() * a.embed_dim),
        normed(tokens.size()),
        shared(batch * a.tokens() * std::max(4 * a.embed_dim, a.fc1_dim() + gated_dim(a))) {}
  AlignedBuffer<float> tokens;   // [n·N, D]
  AlignedBuffer<float> normed;   // [n·N, D]
  AlignedBuffer<float> shared;   // [n·N, max(4D, F)], of gated MLPs max(4D, 3F)
  AlignedBuffer<float> weights;  // [H, N, N], or [N, N] while heads are fused; made when somebody observes

  /// @param rows  n·N, or fewer where tokens were left out
  BlockActivations block_scratch(const Architecture& a, std::size_t rows) {
    const std::size_t values = rows * a.embed_dim;  // n·N·D
    return {rows,
            normed.first(values),
            shared.span().subspan(0, 3 * values),
            shared.span().subspan(3 * values, values),
            shared.first(rows * a.fc1_dim()),
            shared.span().subspan(rows * a.fc1_dim(), rows * gated_dim(a)),
            {},
            {},
            {}};
  }

  /// [H, N, N] or [N, D], for what hard attention left, shown un-merged.
  std::span<float> room_for_whole(const Architecture& a) {
    if (whole_.size() == 0) whole_ = AlignedBuffer<float>(a.tokens() * std::max(a.num_heads * a.tokens(), a.embed_dim));
    return whole_.span();
  }

 private:
  static std::size_t gated_dim(const Architecture& a) { return a.gated_mlp ? a.mlp_hidden_dim : 0; }
  AlignedBuffer<float> whole_;
};

std::vector<float> logit_gradient(const ScoreSeed& seed, std::size_t num_classes) {
  std::vector<float> gradient(num_classes, 0.0F);
  for (const ScoreTerm& term : seed) {
    if (term.class_index >= num_classes) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("target: class {} is asked for, expected one of {}", term.class_index, num_classes),
                  "classes are counted from 0");
    }
    gradient[term.class_index] += term.weight;
  }
  return gradient;
}

}  // namespace

struct Session::Impl {
  Impl(std::shared_ptr<const VisionTransformer> transformer, std::size_t most)
      : model(std::move(transformer)),
        max_batch(most),
        activations(model->architecture(), max_batch),
        patch_embed(nn::make_linear(
            patch_embed_precision(precision()),
            {architecture().grid().size(), architecture().patch_dim(), architecture().embed_dim, true}, workspace)),
        read_out(architecture(), precision(), workspace) {}

  [[nodiscard]] const Architecture& architecture() const { return model->architecture(); }
  [[nodiscard]] Precision precision() const { return model->info().precision; }
  [[nodiscard]] const ModelWeights& weights() const { return model->impl().weights; }

  /// Compiled for exactly `batch` images of so many tokens, on first use: the last batch of a folder is often smaller,
  /// and hard attention goes on with fewer tokens.
  EncoderBlock& block_for(std::size_t batch, std::size_t tokens) {
    auto found = blocks.find({batch, tokens});
    if (found == blocks.end()) {
      found =
          blocks.emplace(std::pair(batch, tokens), EncoderBlock(architecture(), precision(), batch, tokens, workspace))
              .first;
    }
    return found->second;
  }

  void lead_back(const ScoreGradient& score, const GradientRequest& request) {
    if (saved.x_out.empty()) {
      throw Error(ErrorCode::kShape,
                  "gradients: no forward pass was kept, expected ForwardRequest::keep_for_gradients");
    }
    if (!backward) backward = std::make_unique<BackwardPass>(architecture(), precision(), workspace);
    (*backward)(weights(), model->impl().backward_weights(), saved, score, request);
  }

  /// patches [T, 3·P·P] → tokens [N, D]: prefix tokens first, then W·patch + b + position embedding.
  void embed(std::span<const float> patches, std::span<float> tokens) const {
    const std::vector<float>& prefix = weights().prefix_tokens;
    const std::vector<float>& pos_embed = weights().pos_embed;
    std::copy(prefix.begin(), prefix.end(), tokens.begin());
    const std::span<float> patch_tokens = tokens.subspan(prefix.size());
    if (pos_embed.empty()) std::fill(patch_tokens.begin(), patch_tokens.end(), 0.0F);
    std::copy(pos_embed.begin(), pos_embed.end(), patch_tokens.begin());
    (*patch_embed)(*weights().patch_embed, patches, patch_tokens);  // accumulates
    const NormWeights& norm = weights().norm_pre;
    if (!norm) return;
    const std::size_t width = architecture().embed_dim;
    nn::normalize(norm_shape(architecture(), architecture().tokens(), width), norm.weight, norm.bias,
                  {tokens.data(), width}, {tokens.data(), width});
  }

  void prepare_to_keep(std::size_t batch) {
    if (batch != 1) {
      throw Error(ErrorCode::kShape, fmt::format("gradients: the batch is {} images, expected 1", batch));
    }
    saved.blocks.reserve(architecture().depth);
    while (saved.blocks.size() < architecture().depth) saved.blocks.emplace_back(architecture());
  }

  /// All blocks; x [n·N, D] in place, of hard attention [n·N', D] in front.
  /// @param whole_tokens  whether all tokens are needed after the last block, not just those that are read out
  void run_blocks(std::size_t batch, std::span<float> x, const ForwardRequest& request, bool whole_tokens) {
    const Architecture& a = architecture();
    std::size_t tokens = a.tokens();
    const nn::RotaryTable* rotary = weights().rotary ? &*weights().rotary : nullptr;
    read_out.begin(batch);
    BlockActivations scratch = scratch_for(request, batch, tokens);
    for (std::size_t block = 0; block < a.depth; ++block) {
      const EncoderBlockWeights& own = weights().blocks[block];
      if (request.keep_for_gradients) {
        scratch.saved = &saved.blocks[block];
        scratch.qkv = scratch.saved->qkv.span();
        scratch.weights = scratch.saved->attention.span();
      }
      AttentionReady attention_ready;
      if (request.attention) {
        attention_ready = [&, block](std::size_t image) { show_attention(request, image, block, scratch.weights); };
      }
      if (block + 1 == a.depth && !whole_tokens) {
        block_for(batch, tokens).leading_tokens_only(own, rotary, x, scratch, attention_ready);
        break;
      }
      block_for(batch, tokens).attention_residual(own, rotary, x, scratch, attention_ready);
      if (reducer && reducer->reduce_behind(block, scratch.qkv, x, scratch.normed)) {
        tokens = reducer->tokens();
        x = x.first(batch * tokens * a.embed_dim);
        scratch = scratch_for(request, batch, tokens);
        show_reduced(request, batch, block);
      }
      block_for(batch, tokens).mlp_residual(own, x, scratch);
      show_tokens(request, batch, block + 1, x);
      read_out.note_class_tokens(block, x);
    }
  }

  /// @param tokens  N, or N' of hard attention
  BlockActivations scratch_for(const ForwardRequest& request, std::size_t batch, std::size_t tokens) {
    const Architecture& a = architecture();
    if (request.attention && activations.weights.size() == 0) {
      activations.weights = AlignedBuffer<float>(a.num_heads * a.tokens() * a.tokens());
    }
    BlockActivations scratch = activations.block_scratch(a, batch * tokens);
    scratch.detail.unread_rows = request.attention && request.attention_detail.unread_rows;
    if (request.attention) {
      if (!request.keep_for_gradients && !reducer) scratch.detail.fused = request.attention_detail.fused;
      scratch.weights = activations.weights.first((scratch.detail.fused ? 1 : a.num_heads) * tokens * tokens);
    }
    if (reducer) scratch.log_sizes = reducer->log_sizes();
    return scratch;
  }

  void show_attention(const ForwardRequest& request, std::size_t image, std::size_t block,
                      std::span<const float> attention) {
    const Architecture& a = architecture();
    if (reducer) {
      const std::span<float> whole = activations.room_for_whole(a).first(a.num_heads * a.tokens() * a.tokens());
      reducer->map(image).unmerge_attention(a.num_heads, attention, whole);
      attention = whole;
    }
    request.attention(image, {block, attention.size() / (a.tokens() * a.tokens()), a.tokens(), attention});
  }

  void show_tokens(const ForwardRequest& request, std::size_t batch, std::size_t block, std::span<const float> x) {
    if (!request.tokens) return;
    const Architecture& a = architecture();
    const std::size_t values = x.size() / batch;
    for (std::size_t image = 0; image < batch; ++image) {
      std::span<const float> tokens = x.subspan(image * values, values);
      if (reducer) {
        const std::span<float> whole = activations.room_for_whole(a).first(a.tokens() * a.embed_dim);
        reducer->map(image).unmerge_tokens(a.embed_dim, tokens, whole);
        tokens = whole;
      }
      request.tokens(image, block, {tokens, a.tokens(), a.embed_dim});
    }
  }

  void show_reduced(const ForwardRequest& request, std::size_t batch, std::size_t block) const {
    if (!request.reduced) return;
    for (std::size_t image = 0; image < batch; ++image) {
      request.reduced(image, reducer->map(image).seen_behind(block));
    }
  }

  /// Of hard attention: x [n·N', D] → [n·N, D], in place.
  void unmerge_tokens(std::size_t batch, std::span<float> x) {
    const std::size_t width = architecture().embed_dim;
    const std::size_t left = reducer->tokens() * width;         // N'·D
    const std::size_t whole = architecture().tokens() * width;  // N·D
    std::copy_n(x.begin(), batch * left, activations.normed.data());
    for (std::size_t image = 0; image < batch; ++image) {
      reducer->map(image).unmerge_tokens(width, activations.normed.span().subspan(image * left, left),
                                         x.subspan(image * whole, whole));
    }
  }

  std::shared_ptr<const VisionTransformer> model;
  std::size_t max_batch;
  nn::Workspace workspace;
  Activations activations;
  std::unique_ptr<nn::Linear> patch_embed;
  Pooling read_out;
  std::optional<TokenReducer> reducer;     // of a forward pass with hard attention
  SavedForward saved;                      // of the last forward pass that was asked to keep it
  std::unique_ptr<BackwardPass> backward;  // compiled when gradients are asked for
  std::map<std::pair<std::size_t, std::size_t>, EncoderBlock> blocks;  // by batch size and tokens
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
  ForwardRequest request;
  request.attention = observe;
  std::vector<Logits> logits;
  for (ForwardResult& result : forward(patches, request)) logits.push_back(std::move(result.logits));
  return logits;
}

std::vector<ForwardResult> Session::forward(std::span<const float> patches, const ForwardRequest& request) {
  Impl& impl = *impl_;
  const Architecture& a = impl.architecture();
  const std::size_t image_size = a.grid().size() * a.patch_dim();  // T·3·P·P
  const std::size_t batch = patches.size() / image_size;
  if (batch == 0 || batch > impl.max_batch || patches.size() != batch * image_size) {
    throw Error(ErrorCode::kShape,
                fmt::format("patches: their number of values is {}, expected 1 to {} times {} ([{}, {}])",
                            patches.size(), impl.max_batch, image_size, a.grid().size(), a.patch_dim()));
  }
  impl.reducer.reset();
  if (request.reduction.active()) {
    require_reducible(impl.model->info(), request.reduction);
    if (request.keep_for_gradients) {
      throw Error(ErrorCode::kUsage, "hard attention: gradients are asked for, expected a method that needs none",
                  "gradients through left out tokens are not computed; rollout, attention and token-rank need none");
    }
    impl.reducer.emplace(a, request.reduction, batch);
  }
  if (request.keep_for_gradients) impl.prepare_to_keep(batch);
  const std::size_t token_values = a.tokens() * a.embed_dim;  // N·D
  const std::span<float> x = impl.activations.tokens.first(batch * token_values);
  for (std::size_t image = 0; image < batch; ++image) {
    impl.embed(patches.subspan(image * image_size, image_size), x.subspan(image * token_values, token_values));
  }
  impl.show_tokens(request, batch, 0, x);

  const std::size_t leading = EncoderBlock::leading_tokens(a);
  const bool whole_tokens = leading == 0 || request.tokens || request.keep_tokens;
  impl.run_blocks(batch, x, request, whole_tokens);
  if (impl.reducer && whole_tokens) impl.unmerge_tokens(batch, x);

  const std::size_t read_values = whole_tokens ? token_values : leading * a.embed_dim;
  if (request.keep_for_gradients)
    impl.saved.x_out.assign(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(read_values));
  std::vector<ForwardResult> results;
  results.reserve(batch);
  for (std::size_t image = 0; image < batch; ++image) {
    results.push_back(impl.read_out(impl.weights(), image, x.subspan(image * read_values, read_values), request));
  }
  return results;
}

void Session::gradients(const ScoreSeed& seed, const GradientRequest& request) {
  const std::vector<float> d_logits = logit_gradient(seed, impl_->architecture().num_classes);
  impl_->lead_back([&](std::span<const float>) { return OutputGradient{d_logits, {}}; }, request);
}

void Session::gradients(const OutputScore& score, const GradientRequest& request) {
  Impl& impl = *impl_;
  const auto gradient = [&](std::span<const float> x) {
    std::vector<float> tokens(x.begin(), x.end());
    const ForwardResult at = impl.read_out(impl.weights(), 0, tokens, {});
    OutputGradient d_output;
    const bool logits = score.reads == OutputScore::Reads::kLogits;
    std::vector<float>& wanted = logits ? d_output.logits : d_output.features;
    wanted.resize((logits ? at.logits : at.features).size());
    score.gradient(logits ? at.logits : at.features, wanted);
    return d_output;
  };
  impl.lead_back(gradient, request);
}

}  // namespace fovea
