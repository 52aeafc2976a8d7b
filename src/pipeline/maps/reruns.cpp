#include "pipeline/maps/reruns.hpp"

#include <cmath>
#include <set>
#include <utility>

#include "pipeline/predictions.hpp"

namespace fovea {
namespace {

/// [n][C] of changed images; with several draws their mean.
std::vector<Logits> logits_of(Session& session, const MapPlan& plan, std::span<const float> patches) {
  std::vector<Logits> mean;
  for (std::size_t draw = 0; draw < plan.draws; ++draw) {
    ForwardRequest request;
    request.reduction = plan.of_draw(draw).reduction;
    std::size_t image = 0;
    for (ForwardResult& result : session.forward(patches, request)) {
      Logits logits = plan.logits_of(std::move(result));
      if (draw == 0)
        mean.push_back(std::move(logits));
      else
        add_draw(draw, logits, mean[image]);
      ++image;
    }
  }
  return mean;
}

ClassScore score_of(Logits logits, const Target& target, ScoreFunction function) {
  ClassScore score{.score = logits[target.class_index]};
  if (target.against) {
    score.score -= logits[*target.against];
    score.probability = 1 / (1 + std::exp(-score.score));
  } else {
    to_probabilities(logits, function);
    score.probability = logits[target.class_index];
  }
  return score;
}

}  // namespace

void add_draw(std::size_t draw, const std::vector<float>& values, std::vector<float>& mean) {
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += (values[i] - mean[i]) / static_cast<float>(draw + 1);
}

RunAgain run_again(Session& session, const ModelInfo& model, const MapPlan& plan, const Target& target) {
  const ScoreFunction function = class_space(model, plan).function;
  return [&session, plan, target, function](std::span<const float> patches) {
    std::vector<ClassScore> scores;
    for (Logits& logits : logits_of(session, plan, patches)) {
      scores.push_back(score_of(std::move(logits), target, function));
    }
    return scores;
  };
}

RunSome SubsetRuns::of(const Target& target) {
  const ScoreFunction function = class_space(model_, plan_).function;
  return [this, target, function](MatrixView<const std::size_t> kept) {
    run(kept);
    std::vector<ClassScore> scores;
    scores.reserve(kept.rows());
    for (std::size_t row = 0; row < kept.rows(); ++row) {
      scores.push_back(score_of(logits_.at({kept.row(row).begin(), kept.row(row).end()}), target, function));
    }
    return scores;
  };
}

/// Those that have not run yet.
void SubsetRuns::run(MatrixView<const std::size_t> kept) {
  std::set<std::vector<std::size_t>> missing;
  for (std::size_t row = 0; row < kept.rows(); ++row) {
    std::vector<std::size_t> patches(kept.row(row).begin(), kept.row(row).end());
    if (!logits_.contains(patches)) missing.insert(std::move(patches));
  }
  std::vector<std::size_t> all;
  for (const std::vector<std::size_t>& patches : missing) all.insert(all.end(), patches.begin(), patches.end());
  auto next = missing.begin();
  for (ForwardResult& result : session_.forward_some(patches_, {all, missing.size(), kept.cols()})) {
    logits_.emplace(*next++, plan_.logits_of(std::move(result)));
  }
}

}  // namespace fovea
