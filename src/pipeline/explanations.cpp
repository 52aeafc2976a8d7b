#include "pipeline/explanations.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "explain/faithfulness.hpp"
#include "image/patches.hpp"
#include "pipeline/predictions.hpp"

namespace fovea {
namespace {

using Explainers = std::vector<std::unique_ptr<Explainer>>;

/// One explainer for each method, null for those that `wanted` refuses.
Explainers make_explainers(const MapPlan& plan, const TokenLayout& layout, bool class_specific) {
  Explainers explainers;
  explainers.reserve(plan.methods.size());
  for (const ExplainMethod* method : plan.methods) {
    const bool wanted = method->needs.class_specific() == class_specific;
    explainers.push_back(wanted ? method->make(plan.options, layout) : nullptr);
  }
  return explainers;
}

/// Calls `feed` for the explainers of methods with this need.
template <typename Feed>
void feed_each(const MapPlan& plan, const Explainers& explainers, bool Evidence::*need, Feed feed) {
  for (std::size_t m = 0; m < explainers.size(); ++m) {
    if (explainers[m] && plan.methods[m]->needs.*need) feed(*explainers[m]);
  }
}

/// One pass back for all methods that need one.
void lead_back(Session& session, const MapPlan& plan, const Target& target, const Explainers& explainers) {
  GradientRequest request;
  request.first_block = plan.options.start_block;
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
  const ScoreSeed seed = score_seed(target);
  if (plan.zero_shot) {
    session.gradients(plan.zero_shot->score(seed), request);
  } else {
    session.gradients(seed, request);
  }
}

/// The maps of one image for its targets; evidence that a forward pass leaves behind is used before the model runs
/// again.
/// @return  by target, and in it by method: explainers that have seen everything
std::vector<Explainers> explain_targets(const VisionTransformer& model, Session& session,
                                        std::span<const float> patches, const MapPlan& plan, const TokenLayout& layout,
                                        const std::vector<Target>& targets) {
  std::vector<Explainers> by_target;
  by_target.reserve(targets.size());
  for (const Target& target : targets) {
    const Explainers& explainers = by_target.emplace_back(make_explainers(plan, layout, true));
    if (plan.backward()) lead_back(session, plan, target, explainers);
    if (!plan.needs(&Evidence::relevance)) continue;
    propagate_relevance(model, patches, score_seed(target),
                        [&](std::size_t block, std::span<const double> gradient, std::span<const double> relevance) {
                          feed_each(plan, explainers, &Evidence::relevance, [&](Explainer& explainer) {
                            explainer.observe_relevance(block, gradient, relevance);
                          });
                        });
  }
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const RunAgain again = run_again(session, model.info(), plan, targets[t]);
    feed_each(plan, by_target[t], &Evidence::reruns,
              [&](Explainer& explainer) { explainer.rerun(patches, session.max_batch(), again); });
  }
  return by_target;
}

/// Class-agnostic maps are judged for the first target.
void judge_maps(const VisionTransformer& model, Session& session, std::span<const float> patches, const MapPlan& plan,
                const std::vector<Target>& targets, std::vector<ExplainedMap>& maps) {
  const PatchGrid grid = model.architecture().grid();
  std::vector<float> blurred(patches.size());
  blur_patches(patches, grid, model.architecture().patch_size, blurred);
  for (const Target& target : targets) {
    const RunAgain again = run_again(session, model.info(), plan, target);
    Perturbation perturbation(patches, blurred, grid.size(), session.max_batch(), again);
    const PerturbationBaselines baselines = perturbation_baselines(perturbation, grid, plan.options.seed);
    for (ExplainedMap& map : maps) {
      if (map.target.value_or(targets.front()) != target) continue;
      map.faithfulness = judge(perturbation.areas(patch_order(map.heatmap.values)), baselines, grid.size());
    }
  }
}

std::vector<ExplainedMap> collect(const MapPlan& plan, const Explainers& agnostic, const std::vector<Target>& targets,
                                  const std::vector<Explainers>& by_target) {
  std::vector<ExplainedMap> maps;
  for (std::size_t m = 0; m < plan.methods.size(); ++m) {
    if (agnostic[m]) maps.push_back({plan.methods[m], std::nullopt, agnostic[m]->heatmap(), std::nullopt});
    for (std::size_t t = 0; t < targets.size(); ++t) {
      if (by_target[t][m]) maps.push_back({plan.methods[m], targets[t], by_target[t][m]->heatmap(), std::nullopt});
    }
  }
  return maps;
}

/// What one forward pass of some images shows.
struct Observed {
  std::vector<Explainers> agnostic;     // by image
  std::vector<LookedAt> looked_at;      // by image, with a reduction
  std::optional<float> outlier_tokens;  // of a single image
};

/// The caller's request and what the plan observes beside it.
/// @param first     the caller's number of the batch's first image
/// @param observed  outlives the request
ForwardRequest observing(const ForwardRequest& request, const MapPlan& plan, const TokenLayout& layout,
                         std::size_t first, Observed& observed) {
  ForwardRequest asked = request;
  asked.reduction = plan.reduction;
  asked.keep_for_gradients = plan.backward();
  if (request.tokens || plan.faithfulness) {
    asked.tokens = [&, first](std::size_t image, std::size_t block, MatrixView<const float> tokens) {
      if (request.tokens) request.tokens(first + image, block, tokens);
      if (plan.faithfulness && block == layout.num_blocks) {
        observed.outlier_tokens = outlier_share(tokens, layout.num_prefix);
      }
    };
  }
  asked.reduced = [&, first](std::size_t image, const ReducedTokens& tokens) {
    observed.looked_at[image].tokens.push_back(tokens.tokens);
    observed.looked_at[image].kept.assign(tokens.kept.begin(), tokens.kept.end());
    if (request.reduced) request.reduced(first + image, tokens);
  };
  if (plan.needs(&Evidence::attention) || request.attention) {
    asked.attention = [&, first](std::size_t image, const AttentionView& attention) {
      if (request.attention) request.attention(first + image, attention);
      feed_each(plan, observed.agnostic[image], &Evidence::attention,
                [&](Explainer& explainer) { explainer.observe(attention); });
    };
  }
  if (plan.needs(&Evidence::attention) || request.pool_attention) {
    asked.pool_attention = [&, first](std::size_t image, MatrixView<const float> weights) {
      if (request.pool_attention) request.pool_attention(first + image, weights);
      feed_each(plan, observed.agnostic[image], &Evidence::attention,
                [&](Explainer& explainer) { explainer.observe_pool(weights); });
    };
  }
  return asked;
}

/// One draw of the plan's.
std::vector<ExplainedImage> explain_draw(const VisionTransformer& model, Session& session,
                                         std::span<const float> patches, const MapPlan& plan,
                                         const ForwardRequest& request, const ChooseTargets& choose) {
  const Architecture& architecture = model.architecture();
  const TokenLayout layout = token_layout(architecture);
  const std::size_t image_size = architecture.grid().size() * architecture.patch_dim();  // T·3·P·P
  const bool one_by_one = plan.class_specific() || plan.faithfulness;
  const std::size_t step = one_by_one ? image_size : patches.size();
  std::vector<ExplainedImage> images;
  images.reserve(patches.size() / image_size);
  for (std::size_t begin = 0; begin < patches.size(); begin += step) {
    const std::span<const float> batch = patches.subspan(begin, step);
    const std::size_t first = images.size();
    Observed observed;
    observed.agnostic.reserve(batch.size() / image_size);
    for (std::size_t at = 0; at < batch.size(); at += image_size) {
      observed.agnostic.push_back(make_explainers(plan, layout, false));
    }
    observed.looked_at.assign(observed.agnostic.size(), LookedAt{{layout.tokens()}, {}});
    for (ForwardResult& result : session.forward(batch, observing(request, plan, layout, first, observed))) {
      if (plan.zero_shot) result.logits = (*plan.zero_shot)(result);
      images.push_back({std::move(result), {}, std::nullopt, observed.outlier_tokens});
    }
    for (std::size_t i = 0; i < observed.agnostic.size(); ++i) {
      ExplainedImage& image = images[first + i];
      std::vector<Target> targets;
      if (one_by_one) targets = choose(first + i, image.result);
      const auto by_target = explain_targets(model, session, batch, plan, layout, targets);
      image.maps = collect(plan, observed.agnostic[i], targets, by_target);
      if (plan.reduction.active()) image.looked_at = std::move(observed.looked_at[i]);
      if (plan.faithfulness) judge_maps(model, session, batch, plan, targets, image.maps);
    }
  }
  return images;
}

/// What is averaged over draws.
std::vector<std::vector<float>*> values_of(ExplainedImage& image) {
  std::vector<std::vector<float>*> values{&image.result.logits, &image.result.pooled, &image.result.features,
                                          &image.result.tokens};
  if (image.looked_at) values.push_back(&image.looked_at->kept);
  for (ExplainedMap& map : image.maps) values.push_back(&map.heatmap.values);
  return values;
}

}  // namespace

std::vector<Target> best_class(std::size_t /*image*/, const ForwardResult& result) {
  const auto best = std::max_element(result.logits.begin(), result.logits.end());
  return {Target{static_cast<std::size_t>(best - result.logits.begin()), std::nullopt}};
}

std::vector<ExplainedImage> explain_images(const VisionTransformer& model, Session& session,
                                           std::span<const float> patches, const MapPlan& plan,
                                           const ForwardRequest& request, const ChooseTargets& choose) {
  std::vector<ExplainedImage> mean = explain_draw(model, session, patches, plan, request, choose);
  MapPlan other = plan;
  for (std::size_t draw = 1; draw < plan.draws; ++draw) {
    other.reduction.draw = plan.reduction.draw + draw;
    std::vector<ExplainedImage> images = explain_draw(model, session, patches, other, request, choose);
    for (std::size_t i = 0; i < images.size(); ++i) {
      const auto sums = values_of(mean[i]);
      const auto values = values_of(images[i]);
      for (std::size_t v = 0; v < sums.size(); ++v) {
        for (std::size_t at = 0; at < sums[v]->size(); ++at) {  // the mean of draw + 1 passes
          float& sum = (*sums[v])[at];
          sum += ((*values[v])[at] - sum) / static_cast<float>(draw + 1);
        }
      }
    }
  }
  return mean;
}

RunAgain run_again(Session& session, const ModelInfo& model, const MapPlan& plan, const Target& target) {
  const bool multi_label = class_space(model, plan).multi_label;
  return [&session, zero_shot = plan.zero_shot, reduction = plan.reduction, target,
          multi_label](std::span<const float> patches) {
    ForwardRequest request;
    request.reduction = reduction;
    std::vector<ClassScore> scores;
    for (ForwardResult& result : session.forward(patches, request)) {
      Logits logits = zero_shot ? (*zero_shot)(result) : std::move(result.logits);
      ClassScore& score = scores.emplace_back();
      score.score = logits[target.class_index];
      if (target.against) {
        score.score -= logits[*target.against];
        score.probability = 1 / (1 + std::exp(-score.score));
      } else {
        to_probabilities(logits, multi_label);
        score.probability = logits[target.class_index];
      }
    }
    return scores;
  };
}

}  // namespace fovea
