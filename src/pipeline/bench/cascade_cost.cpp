#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "base/process/interrupt.hpp"
#include "pipeline/bench/measure.hpp"
#include "pipeline/pictures.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMostRanks = 5;

/// The best classes of each picture that could be read, best first, and who decided about it.
struct Answers {
  std::vector<std::vector<std::size_t>> classes;  // [inputs]; empty: not read
  std::size_t quick = 0;                          // decided by the quick form
  double seconds = 0;
};

Answers answers_of(const BenchPlan& plan, const std::shared_ptr<const VisionTransformer>& model,
                   std::span<const Input> inputs, std::size_t ranks) {
  std::vector<std::size_t> todo(inputs.size());
  std::iota(todo.begin(), todo.end(), std::size_t{0});
  PictureOptions options;
  options.decode = plan.decode;
  options.predictions.top_k = ranks;
  Answers answers;
  answers.classes.resize(inputs.size());
  const auto begin = std::chrono::steady_clock::now();
  Engine(model).run(inputs, todo, options, plan_schedule(todo.size(), plan.threads, plan.batch),
                    [&](const PictureOutcome& outcome) {
                      for (const Prediction& one : outcome.record.predictions) {
                        answers.classes[outcome.record.index].push_back(one.class_index);
                      }
                      const auto decided = outcome.record.decided_by;
                      if (decided && model->quick() && *decided == model->quick()->info().precision) ++answers.quick;
                    });
  stop_if_interrupted();
  answers.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return answers;
}

}  // namespace

std::vector<CascadeCost> measure_cascade(const BenchPlan& plan) {
  const std::vector<Input> inputs = folder_pictures(plan);
  std::vector<CascadeCost> costs;
  for (const std::size_t ranks : {std::size_t{1}, std::min(kMostRanks, plan.model->architecture().num_classes)}) {
    const Answers full = answers_of(plan, plan.full, inputs, ranks);
    const Answers cascade = answers_of(plan, plan.model, inputs, ranks);
    CascadeCost cost;
    cost.ranks = ranks;
    cost.quick = cascade.quick;
    cost.speedup = full.seconds / cascade.seconds;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (full.classes[i].empty() || cascade.classes[i].empty()) continue;
      ++cost.images;
      cost.same += full.classes[i] == cascade.classes[i] ? 1U : 0U;
    }
    if (cost.images == 0) fail_unreadable(plan, inputs.size());
    costs.push_back(cost);
  }
  return costs;
}

}  // namespace fovea
