// Sessions: the forward pass with its observers, and the backward pass after it.
#include "fovea/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "model/backward/backward_pass.hpp"
#include "model/forward/first_non_finite.hpp"
#include "model/forward/forward_pass.hpp"
#include "model/forward/observers.hpp"
#include "model/forward/token_reduction.hpp"

namespace fovea {
namespace {

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

/// @throws Error  kUsage for what cannot be had together.
void require_possible(const ModelInfo& model, const ForwardRequest& request, std::size_t batch) {
  if (request.reduction.active()) {
    require_reducible(model, request.reduction);
    if (request.keep_for_gradients) {
      throw Error(ErrorCode::kUsage, "hard attention: gradients are asked for, expected a method that needs none",
                  "gradients through left out tokens are not computed; rollout, attention and token-rank need none");
    }
  }
  if (request.keep_for_gradients && batch != 1) {
    throw Error(ErrorCode::kShape, fmt::format("gradients: the batch is {} images, expected 1", batch));
  }
}

}  // namespace

struct Session::Impl {
  Impl(std::shared_ptr<const VisionTransformer> model, std::size_t most)
      : max_batch(most), pass(std::move(model), max_batch) {}

  [[nodiscard]] const Architecture& architecture() const { return pass.model().architecture(); }

  /// @return  how many images these are
  [[nodiscard]] std::size_t batch_of(std::span<const float> patches) const {
    const Architecture& a = architecture();
    const std::size_t image_size = a.grid().size() * a.patch_dim();  // T·3·P·P
    const std::size_t batch = patches.size() / image_size;
    if (batch == 0 || batch > max_batch || patches.size() != batch * image_size) {
      throw Error(ErrorCode::kShape,
                  fmt::format("patches: their number of values is {}, expected 1 to {} times {} ([{}, {}])",
                              patches.size(), max_batch, image_size, a.grid().size(), a.patch_dim()));
    }
    return batch;
  }

  [[nodiscard]] BlockOptions options_of(const ForwardRequest& request) {
    BlockOptions options;
    options.all_tokens = (request.tokens && request.unread_tokens) || request.keep_tokens;
    options.reducer = reducer ? &*reducer : nullptr;
    if (request.attention) {
      options.attention = request.attention_detail;
      if (request.keep_for_gradients || reducer || architecture().differential_attention) {
        options.attention->fused.reset();
      }
    }
    if (request.keep_for_gradients) {
      while (saved.blocks.size() < architecture().depth) saved.blocks.emplace_back(architecture());
      options.saved = &saved;
    }
    return options;
  }

  /// @param x  tokens after a block, [N, D], or the leading ones
  [[nodiscard]] ForwardResult read_out(std::span<const float> x) {
    std::vector<float> tokens(x.begin(), x.end());
    ForwardHook no_hook;
    return pass.read_out(1, tokens, false, no_hook).front();
  }

  void backward(const ScoreGradient& score, const GradientRequest& request) {
    if (saved.x_out.empty()) {
      throw Error(ErrorCode::kShape,
                  "gradients: no forward pass was kept, expected ForwardRequest::keep_for_gradients");
    }
    if (!backward_pass) backward_pass = std::make_unique<BackwardPass>(pass.model(), pass.workspace());
    (*backward_pass)(saved, score, request);
  }

  std::size_t max_batch;
  ForwardPass pass;
  std::optional<TokenReducer> reducer;          // of a forward pass that reduces tokens
  AlignedBuffer<float> unmerged;                // all tokens again, for observers
  SavedForward saved;                           // of the last forward pass that was asked to keep it
  std::unique_ptr<BackwardPass> backward_pass;  // compiled when gradients are asked for
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
  const std::size_t batch = impl.batch_of(patches);
  require_possible(impl.pass.model().info(), request, batch);
  for (std::optional<FirstNonFinite> search;; search.emplace(impl.architecture())) {
    impl.reducer.reset();
    if (request.reduction.active()) impl.reducer.emplace(impl.architecture(), request.reduction, batch);
    const BlockOptions options = impl.options_of(request);
    Observers observers(impl.architecture(), request, options.reducer, impl.unmerged);
    ForwardHook& hook = search ? static_cast<ForwardHook&>(*search) : observers;

    std::span<float> x = impl.pass.embed(patches, hook, options.saved);
    x = impl.pass.run_blocks(0, impl.architecture().depth, x, options, hook);
    if (request.keep_for_gradients) impl.saved.x_out.assign(x.begin(), x.end());
    std::vector<float> whole;
    if (impl.reducer && options.all_tokens) {
      whole = impl.reducer->unmerge_tokens(x);  // [n·N', D] → [n·N, D]
      x = whole;
    }
    std::vector<ForwardResult> results = impl.pass.read_out(batch, x, request.keep_tokens, hook);
    if (search) search->fail();
    if (all_finite(results)) return results;
    // Where the first number that is not finite comes from is looked for in a second pass.
  }
}

std::vector<ForwardResult> Session::forward_some(std::span<const float> patches, MatrixView<const std::size_t> kept) {
  Impl& impl = *impl_;
  const Architecture& a = impl.architecture();
  require_droppable(impl.pass.model().info());
  const std::span<const std::size_t> all = kept.values();
  const bool exist = std::all_of(all.begin(), all.end(), [&](std::size_t patch) { return patch < a.grid().size(); });
  if (impl.batch_of(patches) != 1 || !exist) {
    throw Error(ErrorCode::kShape,
                fmt::format("patches to keep: expected one image, and of its {} patches some", a.grid().size()));
  }
  ForwardHook no_hook;
  const std::span<const float> x = impl.pass.embed(patches, no_hook);
  const std::vector<float> embedded(x.begin(), x.end());  // [N, D]
  BlockOptions options;
  options.tokens = a.num_prefix_tokens + kept.cols();
  std::vector<ForwardResult> results;
  results.reserve(kept.rows());
  for (std::size_t first = 0; first < kept.rows(); first += impl.max_batch) {
    const std::size_t batch = std::min(impl.max_batch, kept.rows() - first);
    const std::span<float> some =
        impl.pass.gather(embedded, {all.subspan(first * kept.cols(), batch * kept.cols()), batch, kept.cols()});
    const std::span<float> out = impl.pass.run_blocks(0, a.depth, some, options, no_hook);
    for (ForwardResult& result : impl.pass.read_out(batch, out, false, no_hook)) results.push_back(std::move(result));
  }
  if (all_finite(results)) return results;
  throw Error(ErrorCode::kBackend, "the scores of some patches alone have NaN or infinity, expected finite numbers");
}

void Session::gradients(const ScoreSeed& seed, const GradientRequest& request) {
  const std::vector<float> d_logits = logit_gradient(seed, impl_->architecture().num_classes);
  const auto gradient = [&](std::span<const float> x) {
    return OutputGradient{d_logits, {}, request.gamma > 0.0F ? impl_->read_out(x).pooled : std::vector<float>()};
  };
  impl_->backward(gradient, request);
}

void Session::gradients(const OutputScore& score, const GradientRequest& request) {
  const auto gradient = [&](std::span<const float> x) {
    const ForwardResult at = impl_->read_out(x);
    OutputGradient d_output;
    d_output.pooled = at.pooled;
    const bool logits = score.reads == OutputScore::Reads::kLogits;
    std::vector<float>& wanted = logits ? d_output.logits : d_output.features;
    wanted.resize((logits ? at.logits : at.features).size());
    score.gradient(logits ? at.logits : at.features, wanted);
    return d_output;
  };
  impl_->backward(gradient, request);
}

}  // namespace fovea
