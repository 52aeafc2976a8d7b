#include "pipeline/eval/price.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/process/interrupt.hpp"
#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "pipeline/eval/answers.hpp"
#include "pipeline/eval/class_match.hpp"
#include "pipeline/eval/evaluate.hpp"
#include "pipeline/learn/labelled.hpp"

namespace fovea {
namespace {

constexpr const char* kCheapMap = "rollout";  // needs the forward pass alone

/// The class of each input, or why the folders name none.
struct Labels {
  LabelledPictures pictures;
  std::vector<std::size_t> truth;  // of each label
  std::string why_none;
};
Labels labels_of(const std::string& folder, std::span<const Input> inputs, const ModelInfo& model) {
  const std::vector<Input> all(inputs.begin(), inputs.end());
  Labels labels;
  try {
    labels.pictures = label_pictures(folder, all, {}, LabelUse::kMeasure);
    labels.truth = match_classes(labels.pictures.names, model.labels, model.name).of_label;
    if (!labels.pictures.names.empty()) return labels;
    labels.why_none = "no picture lies in a folder that could name its class";
  } catch (const Error& error) {
    labels.why_none = error.what();
  }
  labels.pictures = {all, std::vector<std::size_t>(all.size()), {""}, {}, {}};
  labels.truth = {0};
  return labels;
}

Answers ask(const std::shared_ptr<const VisionTransformer>& model, const std::string& called, const Labels& labels,
            const Schedule& schedule, const GiveUp& give_up) {
  const ClassSpace space = class_space(model->info());
  Answers answers;
  answers.model = called;
  answers.precision = name(model->info().precision);
  answers.classes.assign(space.labels.begin(), space.labels.end());
  answers.function = space.function;
  PictureOptions options;
  options.maps.methods = {&explain_method(kCheapMap)};
  options.keep_maps = true;
  Engine engine(model);
  ask_model(
      engine, labels.pictures, labels.truth, options, schedule, [](const Record&) {}, give_up, answers);
  stop_if_interrupted();
  return answers;
}

}  // namespace

EvalReport price_of(const std::shared_ptr<const VisionTransformer>& exact,
                    const std::shared_ptr<const VisionTransformer>& rounded, const std::string& folder,
                    std::span<const Input> inputs, const Schedule& schedule, const GiveUp& give_up) {
  const Labels labels = labels_of(folder, inputs, exact->info());
  std::vector<Answers> all;
  all.push_back(ask(exact, exact->info().name, labels, schedule, give_up));
  all.push_back(ask(rounded, rounded->info().path.filename().string(), labels, schedule, give_up));
  if (!labels.why_none.empty()) {
    // The exact model's answers stand in for the truth: what differs from them is wrong.
    std::vector<std::size_t> best(inputs.size());
    for (const Answer& one : all[0].pictures) best[one.input] = one.predicted;
    for (Answers& one : all) {
      for (Answer& answer : one.pictures) answer.truth = best[answer.input];
    }
  }
  EvalReport report = measure(all, labels.pictures, {{}, 0, kCheapMap});
  report.folder = folder;
  if (labels.why_none.empty()) return report;
  report.labels.clear();
  report.comparison->labelled = false;
  report.comparison->missing.push_back({"right and wrong", labels.why_none});
  return report;
}

}  // namespace fovea
