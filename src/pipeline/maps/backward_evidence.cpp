#include "pipeline/maps/backward_evidence.hpp"

#include <utility>

#include "explain/pixel_map.hpp"
#include "fovea/architecture.hpp"
#include "image/preprocess/patches.hpp"

namespace fovea {
namespace {

/// What the explainers that read gradients of this kind need of a backward pass; empty where there are none.
GradientRequest gradient_request(const MapPlan& plan, const Explainers& explainers, Gradients gradients,
                                 Contributions* contributions) {
  GradientRequest request;
  request.gradients = gradients;
  if (gradients == Gradients::kLibra) request.gamma = plan.options.gamma;
  request.first_block = plan.options.start_block;
  if (gradients == Gradients::kLibra && plan.needs(&Evidence::score_terms) && !plan.reads_pixels()) {
    request.score_terms = [&, contributions](const ScoreTerms& terms) {
      feed_each(plan, explainers, &Evidence::score_terms,
                [&](Explainer& explainer) { explainer.observe_score_terms(terms); });
      if (contributions != nullptr) contributions->observe(terms);
    };
  }
  if (contributions != nullptr) {
    request.attention = [contributions](const AttentionView& attention, std::span<const float> gradient) {
      contributions->observe(attention, gradient);
    };
  }
  if (gradients != plan.options.gradients) return request;
  if (plan.needs(&Evidence::gradients)) {
    request.attention = [&, also = std::move(request.attention)](const AttentionView& attention,
                                                                 std::span<const float> gradient) {
      if (also) also(attention, gradient);
      feed_each(plan, explainers, &Evidence::gradients,
                [&](Explainer& explainer) { explainer.observe_gradient(attention, gradient); });
    };
    request.pool = [&](MatrixView<const float> weights, MatrixView<const float> gradient) {
      feed_each(plan, explainers, &Evidence::gradients,
                [&](Explainer& explainer) { explainer.observe_pool_gradient(weights, gradient); });
    };
  }
  if (plan.needs(&Evidence::features)) {
    request.features = [&](MatrixView<const float> features, MatrixView<const float> gradient) {
      feed_each(plan, explainers, &Evidence::features,
                [&](Explainer& explainer) { explainer.observe_features(features, gradient); });
    };
  }
  if (plan.needs(&Evidence::layer_gradients)) {
    request.layer_attention = [&](const AttentionView& attention, std::span<const float> gradient) {
      feed_each(plan, explainers, &Evidence::layer_gradients,
                [&](Explainer& explainer) { explainer.observe_layer_gradient(attention, gradient); });
    };
  }
  return request;
}

void differentiate(Session& session, const MapPlan& plan, const Target& target, const GradientRequest& request) {
  const ScoreSeed seed = score_seed(target);
  if (plan.other_head) {
    session.gradients(plan.other_head->score(seed, request.gradients), request);
  } else {
    session.gradients(seed, request);
  }
}

}  // namespace

void run_backward(Session& session, const MapPlan& plan, const Target& target, const Explainers& explainers,
                  Contributions* contributions) {
  for (const Gradients gradients : {Gradients::kTrue, Gradients::kLibra}) {
    if (plan.reads(gradients)) {
      Contributions* const fed = gradients == Gradients::kLibra ? contributions : nullptr;
      differentiate(session, plan, target, gradient_request(plan, explainers, gradients, fed));
    }
  }
}

void run_moved_images(const VisionTransformer& model, Session& session, std::span<const float> patches,
                      const MapPlan& plan, const std::vector<Target>& targets,
                      const std::vector<Explainers>& by_target) {
  const Architecture& architecture = model.architecture();
  const auto middle = static_cast<int>(plan.options.shifts / 2);
  const int step = shift_step(plan.options.shifts, architecture.patch_size);
  ForwardRequest forward;
  forward.keep_for_gradients = true;
  GradientRequest backward;
  backward.gradients = Gradients::kLibra;
  backward.gamma = plan.options.gamma;
  std::vector<float> moved(patches.size());
  for (int down = -middle; down <= middle; ++down) {
    for (int right = -middle; right <= middle; ++right) {
      shift_patches(patches, architecture.grid(), architecture.patch_size, down * step, right * step, moved);
      (void)session.forward(moved, forward);
      for (std::size_t t = 0; t < targets.size(); ++t) {
        backward.pixels = [&](std::span<const float> gradient) {
          feed_each(plan, by_target[t], &Evidence::pixels, [&](Explainer& explainer) {
            explainer.observe_pixels({down * step, right * step, moved, gradient});
          });
        };
        differentiate(session, plan, targets[t], backward);
      }
    }
  }
}

}  // namespace fovea
