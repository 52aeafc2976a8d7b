#include "pipeline/truth/planted_test.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/random.hpp"
#include "explain/pixel_map.hpp"
#include "explain/truth.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/maps/targets.hpp"
#include "pipeline/truth/planted_head.hpp"
#include "pipeline/truth/show_test.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMostPictures = 200;
constexpr std::size_t kLeastPictures = 12;
constexpr std::size_t kCopies = 4;  // of each picture with the mark; the first is the one that is tested
constexpr std::size_t kExamples = 1 + kCopies;
constexpr std::size_t kFolds = 4;
constexpr double kWeakPenalty = 1;  // LogisticRegression::fit()'s c: the head only has to tell the two apart
constexpr double kLeastAccuracy = 0.99;
constexpr float kCovered = 0.05F;  // the share of a patch from which on it holds the mark

}  // namespace

void require_plantable(const MapPlan& plan) {
  for (const ExplainMethod* method : plan.methods) {
    if (!method->needs.relevance) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("--plant with {}: it explains the model's own head alone, expected methods that explain "
                            "the head that learns the mark",
                            method->name),
                "leave it out of --method, or leave --plant out");
  }
}

PlantedTest::PlantedTest(std::shared_ptr<const VisionTransformer> model, std::shared_ptr<Session> session, MapPlan plan)
    : model_(std::move(model)), session_(std::move(session)), plan_(std::move(plan)) {
  plan_.faithfulness = false;
}

void PlantedTest::add(std::span<const float> patches) {
  if (pictures_.size() < kMostPictures) pictures_.emplace_back(patches.begin(), patches.end());
}

/// One, two and three sevenths of the shorter side: 32, 64 and 96 of 224 px.
std::vector<std::size_t> PlantedTest::sides() const {
  const Architecture& a = model_->architecture();
  const std::size_t shorter = std::min(a.grid().rows, a.grid().cols) * a.patch_size;
  return {std::max<std::size_t>(shorter / 7, 1), std::max<std::size_t>(2 * shorter / 7, 1),
          std::max<std::size_t>(3 * shorter / 7, 1)};
}

void PlantedTest::run(MethodTest& test, const std::function<void()>& step) {
  PlantedMarks& planted = test.planted.emplace();
  planted.pictures = pictures_.size();
  if (pictures_.size() < kLeastPictures) {
    planted.not_measurable = fmt::format("there are {} pictures, expected at least {} to learn the mark from",
                                         pictures_.size(), kLeastPictures);
    return;
  }
  for (const std::size_t side : sides()) {
    const Trial trial = try_side(side, step);
    planted.tried.push_back({side, trial.accuracy, trial.flipped.size()});
    if (trial.accuracy < kLeastAccuracy) continue;
    for (const std::size_t picture : trial.flipped) measure(picture, trial, test);
    return;
  }
  planted.not_measurable = "a head on its frozen features does not learn to tell the mark";
}

PlantedTest::Trial PlantedTest::try_side(std::size_t side, const std::function<void()>& step) {
  const Architecture& a = model_->architecture();
  Trial trial;
  trial.side = side;
  Random random(plan_.options.seed);
  learn::Matrix features{pictures_.size() * kExamples, a.feature_dim()};
  for (std::size_t i = 0; i < pictures_.size(); ++i) {
    std::vector<PlantedMark>& marks = trial.marks.emplace_back();
    std::vector<float> examples = pictures_[i];  // [1 + copies, T, 3·P·P]
    for (std::size_t copy = 0; copy < kCopies; ++copy) {
      marks.push_back({side, random.below(a.grid().rows * a.patch_size - side + 1),
                       random.below(a.grid().cols * a.patch_size - side + 1)});
      const std::vector<float> with = marked(i, marks.back());
      examples.insert(examples.end(), with.begin(), with.end());
    }
    const std::vector<double> rows = features_of(examples);
    std::copy(rows.begin(), rows.end(), features.row(i * kExamples).begin());
    step();
  }
  learn_heads(features, trial);
  return trial;
}

/// Each fold's head learns from the pictures of all other folds; a picture and its marked copies stay together.
void PlantedTest::learn_heads(const learn::Matrix& features, Trial& trial) const {
  learn::Examples examples{features, {}, {}, 2};
  for (std::size_t row = 0; row < features.rows; ++row) {
    examples.classes.push_back(row % kExamples == 0 ? PlantedHead::kWithout : PlantedHead::kMarked);
  }
  examples.weights = learn::class_weights(examples.classes, 2, true);
  trial.fold_of.resize(pictures_.size());
  for (std::size_t i = 0; i < pictures_.size(); ++i) trial.fold_of[i] = i % kFolds;
  double right = 0;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<std::size_t> train;
    for (std::size_t row = 0; row < features.rows; ++row) {
      if (trial.fold_of[row / kExamples] != fold) train.push_back(row);
    }
    const learn::LinearHead& head = trial.heads.emplace_back(
        learn::fit_head(learn::examples_of(examples, train), kWeakPenalty, learn::kFoldTolerance));
    const learn::Matrix scores = learn::scores_of(head, features);
    for (std::size_t i = fold; i < pictures_.size(); i += kFolds) {
      const bool clean = learn::largest(scores.row(i * kExamples)) == PlantedHead::kWithout;
      const bool found = learn::largest(scores.row(i * kExamples + 1)) == PlantedHead::kMarked;
      right += static_cast<double>(clean) + static_cast<double>(found);
      if (clean && found) trial.flipped.push_back(i);
    }
  }
  std::sort(trial.flipped.begin(), trial.flipped.end());
  trial.accuracy = right / (2 * static_cast<double>(pictures_.size()));
}

/// @param patches  [n, T, 3·P·P]
/// @return         [n, feature_dim]
std::vector<double> PlantedTest::features_of(std::span<const float> patches) {
  const Architecture& a = model_->architecture();
  const std::size_t most = session_->max_batch() * a.grid().size() * a.patch_dim();
  std::vector<double> features;
  ForwardRequest request;
  request.reduction = plan_.reduction;
  for (std::size_t begin = 0; begin < patches.size(); begin += most) {
    const std::size_t size = std::min(most, patches.size() - begin);
    for (const ForwardResult& result : session_->forward(patches.subspan(begin, size), request)) {
      features.insert(features.end(), result.features.begin(), result.features.end());
    }
  }
  return features;
}

std::vector<float> PlantedTest::marked(std::size_t picture, const PlantedMark& mark) const {
  const Architecture& a = model_->architecture();
  std::vector<float> patches = pictures_[picture];
  plant_mark(mark, model_->info().recipe, a.grid(), a.patch_size, patches);
  return patches;
}

void PlantedTest::measure(std::size_t picture, const Trial& trial, MethodTest& test) {
  const Architecture& a = model_->architecture();
  const PlantedMark& mark = trial.marks[picture].front();
  std::vector<std::uint8_t> inside;
  for (const float share : mark_coverage(mark, a.grid(), a.patch_size)) inside.push_back(share > kCovered ? 1 : 0);
  MapPlan plan = plan_;
  plan.other_head = std::make_shared<PlantedHead>(trial.heads[trial.fold_of[picture]]);
  const Target target{PlantedHead::kMarked, std::nullopt};
  const std::vector<float> patches = marked(picture, mark);
  const auto images = explain_images(*model_, *session_, patches, plan, {},
                                     [&](std::size_t, const ForwardResult&) { return std::vector<Target>{target}; });
  std::vector<std::vector<float>> maps;  // of each method, then of the controls
  for (const ExplainedMap& map : images.front().maps) maps.push_back(patch_sums(map.heatmap, a.grid()).values);
  maps.push_back(random_map(a.grid(), Random(plan_.options.seed).bits() + picture));
  maps.push_back(centred_map(a.grid()));
  for (std::size_t m = 0; m < maps.size(); ++m) {
    const TileMeasures measured = measure_tile(maps[m], inside);
    TestedMethod& method = test.methods[m];
    method.of(Measure::kMarkShare).push_back(measured.share);
    method.of(Measure::kMarkHit).push_back(measured.hit);
    method.of(Measure::kMarkAuroc).push_back(measured.auroc);
    method.of(Measure::kMarkPrecision).push_back(average_precision(maps[m], inside));
  }
  show_test(
      model_->info(), plan_,
      {ShownTest::Kind::kMark, fmt::format("picture {}, with the mark", picture + 1), patches, maps, inside},
      [&](std::size_t m) { return test.methods[m].of(Measure::kMarkPrecision).back(); }, test);
  const auto covered = static_cast<double>(std::count(inside.begin(), inside.end(), 1));
  test.planted->patches += covered / static_cast<double>(trial.flipped.size());
}

}  // namespace fovea
