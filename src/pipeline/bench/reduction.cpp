#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "base/numerics.hpp"
#include "base/process/interrupt.hpp"
#include "fovea/session.hpp"
#include "pipeline/bench/measure.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/pictures.hpp"

namespace fovea {
namespace {

/// One row for each of `todo`, empty where the picture cannot be read.
std::vector<Logits> logits_of(const BenchPlan& plan, const MapPlan& reduction, std::span<const Input> inputs,
                              std::span<const std::size_t> todo) {
  PictureOptions options;
  options.maps = reduction;
  std::vector<Logits> rows;
  rows.reserve(todo.size());
  Engine(plan.model)
      .run(inputs, todo, options, plan_schedule(todo.size(), plan.threads, plan.batch),
           [&](PictureOutcome outcome) { rows.push_back(std::move(outcome.logits)); });
  stop_if_interrupted();
  return rows;
}

void compare(Logits whole, Logits reduced, ScoreFunction function, Agreement& agreement) {
  ++agreement.images;
  agreement.same_top1 += top_k(whole, 1) == top_k(reduced, 1) ? 1U : 0U;
  to_probabilities(whole, function);
  to_probabilities(reduced, function);
  for (std::size_t c = 0; c < whole.size(); ++c) {
    const double difference = std::abs(static_cast<double>(whole[c]) - static_cast<double>(reduced[c]));
    agreement.largest_difference = std::max(agreement.largest_difference, difference);
  }
}

Agreement compare_folder(const BenchPlan& plan) {
  const std::vector<Input> inputs = folder_pictures(plan);
  const std::vector<std::size_t> todo = evenly_spread(inputs.size());
  std::vector<Logits> whole = logits_of(plan, {}, inputs, todo);
  std::vector<Logits> reduced = logits_of(plan, *plan.hard_attention, inputs, todo);
  Agreement agreement;
  agreement.found = inputs.size();
  for (std::size_t i = 0; i < todo.size(); ++i) {
    if (whole[i].empty() || reduced[i].empty()) continue;
    compare(std::move(whole[i]), std::move(reduced[i]), class_space(plan.model->info()).function, agreement);
  }
  if (agreement.images == 0) fail_unreadable(plan, todo.size());
  return agreement;
}

}  // namespace

ReducedForward measure_reduction(const BenchPlan& plan, std::span<const float> patches) {
  Session session(plan.model, plan.batch);
  std::vector<ExplainedImage> whole;
  std::vector<ExplainedImage> reduced;
  const std::vector<std::function<void()>> passes{
      [&] { whole = explain_images(*plan.model, session, patches, {}, {}, best_class); },
      [&] { reduced = explain_images(*plan.model, session, patches, *plan.hard_attention, {}, best_class); }};
  for (const auto& pass : passes) pass();  // what is compiled at first use
  const auto times = time_in_turn(plan.seconds, passes);

  ReducedForward report;
  report.tokens = {plan.model->architecture().tokens()};
  if (reduced.front().looked_at) report.tokens = reduced.front().looked_at->tokens;
  std::vector<double> ratios(times[0].size());
  std::transform(times[0].begin(), times[0].end(), times[1].begin(), ratios.begin(), std::divides<>());
  report.speedup = quantile(ratios, 0.5);
  report.whole_ms = quantile(times[0], 0.5) / static_cast<double>(plan.batch);
  report.ms = quantile(times[1], 0.5) / static_cast<double>(plan.batch);
  if (plan.model->architecture().num_classes == 0) return report;
  if (plan.folder) {
    report.agreement = compare_folder(plan);
    return report;
  }
  Agreement agreement;
  agreement.found = 1;
  compare(whole.front().result.logits, reduced.front().result.logits, class_space(plan.model->info()).function,
          agreement);
  report.agreement = agreement;
  return report;
}

}  // namespace fovea
