#include "pipeline/maps/backward_evidence.hpp"

namespace fovea {
namespace {

/// What the explainers that read gradients of this kind need of a backward pass; empty where there are none.
GradientRequest gradient_request(const MapPlan& plan, const Explainers& explainers, Gradients gradients) {
  GradientRequest request;
  request.gradients = gradients;
  if (gradients == Gradients::kLibra) request.gamma = plan.options.gamma;
  request.first_block = plan.options.start_block;
  if (gradients == Gradients::kLibra && plan.needs(&Evidence::score_terms)) {
    request.score_terms = [&](const ScoreTerms& terms) {
      feed_each(plan, explainers, &Evidence::score_terms,
                [&](Explainer& explainer) { explainer.observe_score_terms(terms); });
    };
  }
  if (gradients != plan.options.gradients) return request;
  if (plan.needs(&Evidence::gradients)) {
    request.attention = [&](const AttentionView& attention, std::span<const float> gradient) {
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

}  // namespace

void run_backward(Session& session, const MapPlan& plan, const Target& target, const Explainers& explainers) {
  const ScoreSeed seed = score_seed(target);
  for (const Gradients gradients : {Gradients::kTrue, Gradients::kLibra}) {
    if (!plan.reads(gradients)) continue;
    const GradientRequest request = gradient_request(plan, explainers, gradients);
    if (plan.zero_shot) {
      session.gradients(plan.zero_shot->score(seed, gradients), request);
    } else {
      session.gradients(seed, request);
    }
  }
}

}  // namespace fovea
