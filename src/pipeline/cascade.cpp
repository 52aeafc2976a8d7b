#include "pipeline/cascade.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

double log_odds(double probability) {
  return std::log(probability) - std::log1p(-probability);
}

/// A softmax's log-odds of class c: its logit above the others' log-sum-exp. If each distance to another logit changes
/// by at most m, so do the log-odds.
double softmax_log_odds(const Logits& logits, std::size_t c) {
  double largest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (i != c) largest = std::max(largest, static_cast<double>(logits[i]));
  }
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (i != c) sum += std::exp(static_cast<double>(logits[i]) - largest);
  }
  return static_cast<double>(logits[c]) - (largest + std::log(sum));
}

bool sides_are_sure(const Logits& logits, std::span<const std::size_t> best, ScoreFunction function, double threshold,
                    double margin) {
  if (threshold <= 0 || threshold >= 1) return true;
  const double edge = log_odds(threshold);
  return std::all_of(best.begin(), best.end(), [&](std::size_t c) {
    const double odds =
        function == ScoreFunction::kSigmoid ? static_cast<double>(logits[c]) : softmax_log_odds(logits, c);
    return std::abs(odds - edge) > margin;
  });
}

}  // namespace

AskedAnswer asked_answer(const PredictionOptions& predictions, std::span<const TargetRule> targets) {
  AskedAnswer asked{predictions.top_k, predictions.threshold};
  const auto ranked = [&](const ClassRule& rule, std::size_t rank) {
    if (rule.kind == ClassRule::Kind::kRanked) asked.ranks = std::max(asked.ranks, rank);
  };
  for (const TargetRule& rule : targets) {
    ranked(rule.target, std::max(rule.target.rank, rule.ranks));
    if (rule.against) ranked(*rule.against, rule.against->rank);
  }
  return asked;
}

bool is_sure(const Logits& logits, ScoreFunction function, const AskedAnswer& asked, const CascadeInfo& cascade) {
  const double margin = cascade.margin();
  const std::size_t ranks = std::min(asked.ranks, logits.size());
  const std::vector<std::size_t> best = top_k(logits, ranks + 1);  // with the first that is not asked for
  for (std::size_t rank = 1; rank < best.size(); ++rank) {
    const double distance = static_cast<double>(logits[best[rank - 1]]) - static_cast<double>(logits[best[rank]]);
    if (!(distance > margin)) return false;
  }
  return sides_are_sure(logits, std::span(best).first(ranks), function, asked.threshold, margin);
}

void require_cascade_of_classes(const ModelInfo& model) {
  if (!model.regression && model.architecture.num_classes > 0) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: a cascade decides about classes, but the model's outputs are {}", printable(model.path),
                          model.regression ? "values" : "features"),
              "--precision auto");
}

}  // namespace fovea
