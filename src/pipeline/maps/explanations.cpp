#include "pipeline/maps/explanations.hpp"

#include <algorithm>
#include <utility>

#include "explain/contributions.hpp"
#include "explain/faithfulness.hpp"
#include "explain/pixel_map.hpp"
#include "fovea/architecture.hpp"
#include "image/preprocess/patches.hpp"
#include "pipeline/maps/backward_evidence.hpp"
#include "pipeline/maps/explainers.hpp"
#include "pipeline/maps/reruns.hpp"

namespace fovea {
namespace {

/// One more forward pass, for the methods that choose patches by the tokens.
void observe_tokens(Session& session, std::span<const float> patches, const MapPlan& plan,
                    const std::vector<Explainers>& by_target) {
  ForwardRequest request;
  request.tokens = [&](std::size_t /*image*/, std::size_t block, MatrixView<const float> tokens) {
    if (block == 0) return;  // what enters the first block
    for (const Explainers& explainers : by_target) {
      feed_each(plan, explainers, &Evidence::subsets,
                [&](Explainer& explainer) { explainer.observe_tokens(block - 1, tokens); });
    }
  };
  (void)session.forward(patches, request);
}

double score_of(const ScoreSeed& seed, const Logits& logits) {
  double score = 0;
  for (const ScoreTerm& term : seed) {
    score += static_cast<double>(term.weight) * static_cast<double>(logits[term.class_index]);
  }
  return score;
}

/// What another head's bias adds to a target's score: no part of the score that was differentiated.
double other_bias(const MapPlan& plan, const Target& target) {
  return plan.other_head ? plan.other_head->bias_of(score_seed(target)) : 0;
}

TargetContributions contributions_of(const MapPlan& plan, const Target& target, const Logits& logits,
                                     Contributions& collected) {
  TargetContributions made{target, score_of(score_seed(target), logits), collected.take()};
  for (BlockContributions& block : made.blocks) block.biases += other_bias(plan, target);
  return made;
}

/// The maps of one image for its targets. What a forward pass has kept is used before the model runs again.
/// @param image  its contributions are filled in, where the plan wants them
/// @return       by target, and in it by method: explainers that have seen everything
std::vector<Explainers> explain_targets(const VisionTransformer& model, Session& session,
                                        std::span<const float> patches, const MapPlan& plan, const TokenLayout& layout,
                                        const std::vector<Target>& targets, SubsetRuns& runs, ExplainedImage& image) {
  std::vector<Explainers> by_target;
  by_target.reserve(targets.size());
  for (const Target& target : targets) {
    const Explainers& explainers = by_target.emplace_back(make_explainers(plan, layout, true));
    if (plan.contributions) {
      Contributions contributions(layout);
      run_backward(session, plan, target, explainers, &contributions);
      image.contributions.push_back(contributions_of(plan, target, image.result.logits, contributions));
    } else if (plan.backward()) {
      run_backward(session, plan, target, explainers, nullptr);
    }
    if (!plan.needs(&Evidence::relevance)) continue;
    propagate_relevance(model, patches, score_seed(target),
                        [&](std::size_t block, std::span<const double> gradient, std::span<const double> relevance) {
                          feed_each(plan, explainers, &Evidence::relevance, [&](Explainer& explainer) {
                            explainer.observe_relevance(block, gradient, relevance);
                          });
                        });
  }
  if (plan.reads_pixels()) run_moved_images(model, session, patches, plan, targets, by_target);
  if (plan.needs(&Evidence::subsets)) observe_tokens(session, patches, plan, by_target);
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const RunAgain again = run_again(session, model.info(), plan, targets[t]);
    feed_each(plan, by_target[t], &Evidence::reruns,
              [&](Explainer& explainer) { explainer.rerun(patches, session.max_batch(), again); });
    const RunSome some = runs.of(targets[t]);
    feed_each(plan, by_target[t], &Evidence::subsets, [&](Explainer& explainer) { explainer.run_some(some); });
  }
  return by_target;
}

/// Class-agnostic maps are judged for the first target.
void judge_maps(const MapPlan& plan, PatchGrid grid, const Target& target, bool is_first, Perturbation& perturbation,
                std::vector<ExplainedMap>& maps) {
  const PerturbationBaselines baselines = perturbation_baselines(perturbation, grid, plan.options.seed);
  for (ExplainedMap& map : maps) {
    if (map.target ? *map.target != target : !is_first) continue;
    const Heatmap patches = patch_sums(map.heatmap, grid);
    map.faithfulness = judge(perturbation.areas_both_ways(patch_order(patches.values)), baselines, grid.size(),
                             perturbation.substrate());
  }
}

void judge_maps(const VisionTransformer& model, Session& session, std::span<const float> patches, const MapPlan& plan,
                const std::vector<Target>& targets, SubsetRuns& runs, std::vector<ExplainedMap>& maps) {
  const PatchGrid grid = model.architecture().grid();
  std::vector<float> blurred(patches.size());
  blur_patches(patches, grid, model.architecture().patch_size, blurred);
  for (const Target& target : targets) {
    const bool is_first = target == targets.front();
    if (plan.substrate == Substrate::kDrop) {
      const RunSome some = runs.of(target);
      Dropping dropping(grid.size(), some);
      judge_maps(plan, grid, target, is_first, dropping, maps);
    } else {
      const RunAgain again = run_again(session, model.info(), plan, target);
      Painting painting(patches, blurred, grid.size(), session.max_batch(), again);
      judge_maps(plan, grid, target, is_first, painting, maps);
    }
  }
}

/// @param logits  [C], of the image
ExplainedMap map_of(const MapPlan& plan, std::size_t method, const Target& target, const Explainers& explainers,
                    const Logits& logits) {
  ExplainedMap map{.method = plan.methods[method], .target = target, .heatmap = heatmap_of(plan, explainers, method)};
  map.sum = explainers[method]->sum();
  if (!map.sum) return map;
  map.sum->score = score_of(score_seed(target), logits);
  map.sum->biases += other_bias(plan, target);
  return map;
}

/// In the order of the methods, for each in the order of the targets.
/// @param agnostic  maps that are the same for every class, in the order of their methods
std::vector<ExplainedMap> in_order(const MapPlan& plan, std::vector<ExplainedMap> agnostic,
                                   const std::vector<Target>& targets, const std::vector<Explainers>& by_target,
                                   const Logits& logits) {
  std::vector<ExplainedMap> maps;
  auto next = agnostic.begin();
  for (std::size_t m = 0; m < plan.methods.size(); ++m) {
    if (!plan.methods[m]->needs.class_specific()) maps.push_back(std::move(*next++));
    for (std::size_t t = 0; t < targets.size(); ++t) {
      if (by_target[t][m]) maps.push_back(map_of(plan, m, targets[t], by_target[t], logits));
    }
  }
  return maps;
}

/// What was observed in one forward pass of some images.
struct Observed {
  std::vector<Explainers> agnostic;                    // by image
  std::vector<LookedAt> looked_at;                     // by image, with a reduction
  std::optional<float> outlier_tokens;                 // of a single image
  std::vector<std::optional<OutlierTokens>> outliers;  // by image
};

/// The least detail that is enough for all explainers of one image that observe attention.
AttentionDetail common_detail(const MapPlan& plan, const Explainers& explainers) {
  std::optional<AttentionDetail> common;
  feed_each(plan, explainers, &Evidence::attention, [&](const Explainer& explainer) {
    const AttentionDetail detail = explainer.attention_detail();
    if (!common) common = detail;
    if (common->fused != detail.fused) common->fused.reset();
    common->unread_rows |= detail.unread_rows;
  });
  return common.value_or(AttentionDetail{});
}

/// Where maps are made of whole pictures, and no token is there to take such notes.
bool warns_of_outliers(const MapPlan& plan, const TokenLayout& layout) {
  return !plan.methods.empty() && !plan.reduction.active() && layout.num_registers == 0 && layout.num_blocks > 1;
}

/// The caller's request, and beside it what the plan observes.
/// @param first     the caller's number of the batch's first image
/// @param observed  outlives the request
ForwardRequest observing(const ForwardRequest& request, const MapPlan& plan, const TokenLayout& layout,
                         std::size_t first, Observed& observed) {
  ForwardRequest asked = request;
  asked.reduction = plan.reduction;
  asked.keep_for_gradients = plan.backward();
  const bool warns = warns_of_outliers(plan, layout);
  if (request.tokens || plan.faithfulness || warns) {
    asked.unread_tokens = (request.tokens && request.unread_tokens) || plan.faithfulness;
    asked.tokens = [&, first, warns](std::size_t image, std::size_t block, MatrixView<const float> tokens) {
      if (request.tokens) request.tokens(first + image, block, tokens);
      if (warns && block + 1 == layout.num_blocks) {
        observed.outliers[image] = outlier_tokens(tokens, layout.num_prefix);
      }
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
    if (!request.attention) asked.attention_detail = common_detail(plan, observed.agnostic.front());
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

/// One forward pass, and the maps that are the same for every class.
/// @param first  the caller's number of the batch's first image
std::vector<ExplainedImage> run_once(const VisionTransformer& model, Session& session, std::span<const float> batch,
                                     const MapPlan& plan, const ForwardRequest& request, std::size_t first) {
  const TokenLayout layout = token_layout(model.architecture());
  const std::size_t size = batch.size() / (layout.grid.size() * model.architecture().patch_dim());
  Observed observed;
  observed.agnostic.reserve(size);
  for (std::size_t i = 0; i < size; ++i) observed.agnostic.push_back(make_explainers(plan, layout, false));
  observed.outliers.resize(size);
  observed.looked_at.assign(size, LookedAt{{layout.tokens()}, {}});
  std::vector<ExplainedImage> images;
  images.reserve(size);
  for (ForwardResult& result : session.forward(batch, observing(request, plan, layout, first, observed))) {
    if (plan.other_head) result.logits = (*plan.other_head)(result);
    const Explainers& explainers = observed.agnostic[images.size()];
    std::optional<LookedAt> looked_at;
    if (plan.reduction.active()) looked_at = std::move(observed.looked_at[images.size()]);
    ExplainedImage& image = images.emplace_back(ExplainedImage{
        std::move(result), {}, {}, std::move(looked_at), observed.outlier_tokens, observed.outliers[images.size()]});
    for (std::size_t m = 0; m < explainers.size(); ++m) {
      if (explainers[m]) image.maps.push_back({.method = plan.methods[m], .heatmap = heatmap_of(plan, explainers, m)});
    }
  }
  return images;
}

void add_image(std::size_t draw, const ExplainedImage& image, ExplainedImage& mean) {
  add_draw(draw, image.result.logits, mean.result.logits);
  add_draw(draw, image.result.pooled, mean.result.pooled);
  add_draw(draw, image.result.features, mean.result.features);
  add_draw(draw, image.result.tokens, mean.result.tokens);
  if (mean.looked_at) add_draw(draw, image.looked_at->kept, mean.looked_at->kept);
  if (mean.outlier_tokens)
    *mean.outlier_tokens += (*image.outlier_tokens - *mean.outlier_tokens) / static_cast<float>(draw + 1);
  for (std::size_t m = 0; m < mean.maps.size(); ++m) {
    add_draw(draw, image.maps[m].heatmap.values, mean.maps[m].heatmap.values);
  }
}

/// The mean of all draws; the caller sees the first.
std::vector<ExplainedImage> run_draws(const VisionTransformer& model, Session& session, std::span<const float> batch,
                                      const MapPlan& plan, const ForwardRequest& request, std::size_t first) {
  std::vector<ExplainedImage> mean = run_once(model, session, batch, plan, request, first);
  ForwardRequest unseen = request;
  unseen.tokens = nullptr;
  unseen.reduced = nullptr;
  unseen.attention = nullptr;
  unseen.pool_attention = nullptr;
  for (std::size_t draw = 1; draw < plan.draws; ++draw) {
    const auto images = run_once(model, session, batch, plan.of_draw(draw), unseen, first);
    for (std::size_t i = 0; i < images.size(); ++i) add_image(draw, images[i], mean[i]);
  }
  return mean;
}

}  // namespace

std::vector<Target> best_class(std::size_t /*image*/, const ForwardResult& result) {
  const auto best = std::max_element(result.logits.begin(), result.logits.end());
  return {Target{static_cast<std::size_t>(best - result.logits.begin()), std::nullopt}};
}

std::vector<ExplainedImage> explain_images(const VisionTransformer& model, Session& session,
                                           std::span<const float> patches, const MapPlan& plan,
                                           const ForwardRequest& request, const ChooseTargets& choose) {
  const Architecture& architecture = model.architecture();
  const std::size_t image_size = architecture.grid().size() * architecture.patch_dim();  // T·3·P·P
  if (!plan.class_specific() && !plan.faithfulness) return run_draws(model, session, patches, plan, request, 0);
  const TokenLayout layout = token_layout(architecture);
  std::vector<ExplainedImage> images;
  images.reserve(patches.size() / image_size);
  for (std::size_t begin = 0; begin < patches.size(); begin += image_size) {
    const std::span<const float> one = patches.subspan(begin, image_size);
    ExplainedImage& image =
        images.emplace_back(std::move(run_draws(model, session, one, plan, request, images.size()).front()));
    const std::vector<Target> targets = choose(images.size() - 1, image.result);
    SubsetRuns runs(model.info(), session, one, plan);
    const auto by_target = explain_targets(model, session, one, plan, layout, targets, runs, image);
    image.maps = in_order(plan, std::move(image.maps), targets, by_target, image.result.logits);
    if (plan.faithfulness) judge_maps(model, session, one, plan, targets, runs, image.maps);
  }
  return images;
}

}  // namespace fovea
