// Answers from a run of a model.
#include "pipeline/eval/answers.hpp"

#include <algorithm>
#include <utility>

#include "explain/pixel_map.hpp"

namespace fovea {
namespace {

constexpr std::size_t kTop = 5;

/// Whether fewer than five classes have a larger score; among equal ones the first come first, as in predictions.
bool is_in_top5(const Logits& logits, std::size_t truth) {
  std::size_t before = 0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    if (logits[c] > logits[truth] || (logits[c] == logits[truth] && c < truth)) ++before;
  }
  return before < kTop;
}

Answer answer_of(const PictureOutcome& outcome, std::size_t truth) {
  const Record& record = outcome.record;
  Answer answer;
  answer.input = record.index;
  answer.truth = truth;
  answer.predicted = record.predictions.front().class_index;
  answer.confidence = static_cast<double>(record.predictions.front().probability);
  answer.own = static_cast<double>(outcome.probabilities[truth]);
  answer.in_top5 = is_in_top5(outcome.logits, truth);
  answer.decided_by = record.decided_by;
  if (record.unknown) answer.unknown = record.unknown->unknown;
  if (outcome.maps.empty()) return answer;
  const ExplainedMap& map = outcome.maps.front();
  answer.map = PatchMap{patch_sums(map.heatmap, outcome.patches).values, std::nullopt};
  if (map.target) answer.map->target = map.target->class_index;
  return answer;
}

}  // namespace

void ask_model(Engine& engine, const LabelledPictures& pictures, std::span<const std::size_t> truth,
               const PictureOptions& options, const Schedule& schedule, const AnswerProgress& progress,
               const GiveUp& give_up, Answers& answers) {
  const std::vector<std::size_t> todo = every(pictures.inputs.size());
  answers.scores.cols = answers.classes.size();
  const std::size_t written = engine.run(
      pictures.inputs, todo, options, schedule,
      [&](const PictureOutcome& outcome) {
        const Record& record = outcome.record;
        if (record.failure) {
          answers.failures.push_back(record);
        } else {
          answers.pictures.push_back(answer_of(outcome, truth[pictures.classes[record.index]]));
          answers.scores.values.insert(answers.scores.values.end(), outcome.logits.begin(), outcome.logits.end());
          ++answers.scores.rows;
        }
        progress(record);
      },
      nullptr, give_up);
  answers.interrupted = written < todo.size();
}

}  // namespace fovea
