#include "pipeline/truth/method_tester.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <utility>

#include "base/random.hpp"
#include "explain/faithfulness.hpp"
#include "explain/pixel_map.hpp"
#include "explain/truth.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "image/preprocess/mosaic.hpp"
#include "image/preprocess/patches.hpp"
#include "pipeline/maps/reruns.hpp"
#include "pipeline/predictions.hpp"
#include "pipeline/truth/show_test.hpp"
#include "report/comparison.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

constexpr float kConfident = 0.5F;  // the probability of a picture in a mosaic, alone

std::string obstacle_to_dropping(const ModelInfo& model) {
  try {
    require_droppable(model);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

MethodTester::MethodTester(std::shared_ptr<const VisionTransformer> model, std::shared_ptr<Session> session,
                           MapPlan plan)
    : model_(std::move(model)), session_(std::move(session)), plan_(std::move(plan)) {
  plan_.faithfulness = false;
  test_.not_dropped = obstacle_to_dropping(model_->info());
  for (const ExplainMethod* method : plan_.methods) {
    test_.methods.push_back({std::string(method->name), method->variant(plan_.options)});
  }
  test_.methods.push_back({std::string(kRandomMap), {}});
  test_.methods.push_back({std::string(kCentreMap), {}});
}

ExplainedImage MethodTester::explain(std::span<const float> patches, const ChooseTargets& choose) {
  return std::move(explain_images(*model_, *session_, patches, plan_, {}, choose).front());
}

void MethodTester::append_controls(std::vector<std::vector<float>>& maps) {
  const PatchGrid grid = model_->architecture().grid();
  maps.push_back(random_map(grid, Random(plan_.options.seed).bits() + random_maps_++));
  maps.push_back(centred_map(grid));
}

void MethodTester::add(std::span<const float> patches, const std::string& path) {
  const Architecture& a = model_->architecture();
  ExplainedImage image = explain(patches, best_class);
  const Target target = best_class(0, image.result).front();
  std::vector<std::vector<float>> maps;  // of each method, then of the controls
  maps.reserve(test_.methods.size());
  for (const ExplainedMap& map : image.maps) maps.push_back(patch_sums(map.heatmap, a.grid()).values);
  append_controls(maps);
  const std::vector<PerturbationAreas> areas = deletions(patches, target, maps);
  std::vector<double> single;
  if (test_.not_dropped.empty()) single = single_deletions(patches, target, maps);
  // A picture that fails has failed by now: each method has as many values as each other one.
  for (std::size_t m = 0; m < maps.size(); ++m) {
    TestedMethod& method = test_.methods[m];
    method.of(Measure::kDeletion).push_back(areas[m].deletion);
    method.of(Measure::kInsertion).push_back(areas[m].insertion);
    method.of(Measure::kGain).push_back(areas[m].gain());
    method.of(Measure::kSrg).push_back(areas[m].srg().value());
    if (!single.empty()) method.of(Measure::kSingleDeletion).push_back(single[m]);
  }
  ++test_.pictures;
  const ClassSpace classes = class_space(model_->info(), plan_);
  const std::string class_of_map = class_name(classes.labels[target.class_index].label(), target.class_index);
  show_test(
      model_->info(), plan_, {ShownTest::Kind::kPicture, path + ": " + class_of_map, patches, maps, {}},
      [&](std::size_t m) { return areas[m].gain(); }, test_);
  const auto probabilities = probabilities_of(image.result.logits, classes);
  if (probabilities[target.class_index] < kConfident) return;
  ++test_.confident;
  quarters_.push_back({target.class_index, half_image(patches, a.grid(), a.patch_size)});
}

std::vector<PerturbationAreas> MethodTester::deletions(std::span<const float> patches, const Target& target,
                                                       const std::vector<std::vector<float>>& maps) {
  const Architecture& a = model_->architecture();
  std::vector<float> blurred(patches.size());
  blur_patches(patches, a.grid(), a.patch_size, blurred);
  const RunAgain again = run_again(*session_, model_->info(), plan_, target);
  Painting painting(patches, blurred, a.grid().size(), session_->max_batch(), again);
  std::vector<PerturbationAreas> areas;
  areas.reserve(maps.size());
  for (const std::vector<float>& map : maps) areas.push_back(painting.areas_both_ways(patch_order(map)));
  return areas;
}

std::vector<double> MethodTester::single_deletions(std::span<const float> patches, const Target& target,
                                                   const std::vector<std::vector<float>>& maps) {
  const PatchGrid grid = model_->architecture().grid();
  const auto cells = deletion_cells(grid);
  SubsetRuns runs(model_->info(), *session_, patches, plan_);
  const RunSome some = runs.of(target);
  std::map<std::size_t, std::vector<std::size_t>> by_size;  // equally many patches run together
  for (std::size_t cell = 0; cell < cells.size(); ++cell) by_size[cells[cell].size()].push_back(cell);
  std::vector<float> left(cells.size());  // the score without each cell
  for (const auto& [size, same] : by_size) {
    std::vector<std::size_t> kept;
    for (const std::size_t cell : same) {
      for (std::size_t patch = 0; patch < grid.size(); ++patch) {
        if (!std::binary_search(cells[cell].begin(), cells[cell].end(), patch)) kept.push_back(patch);
      }
    }
    const std::vector<ClassScore> scores = some({kept, same.size(), grid.size() - size});
    for (std::size_t i = 0; i < same.size(); ++i) left[same[i]] = scores[i].score;
  }
  // What is lost is the whole score less what is left: for ranks the sign is enough.
  std::transform(left.begin(), left.end(), left.begin(), [](float score) { return -score; });
  std::vector<double> scores;
  scores.reserve(maps.size());
  for (const std::vector<float>& map : maps) scores.push_back(single_deletion_score(map, cells, left));
  return scores;
}

/// Pictures in random order, each in the first mosaic that lacks its class; mosaics of fewer than four are left out.
std::vector<MethodTester::Mosaic> MethodTester::compose() const {
  std::vector<Mosaic> mosaics;
  for (const std::size_t i : random_order(quarters_.size(), plan_.options.seed)) {
    const auto takes = [&](const Mosaic& mosaic) {
      return mosaic.size() < 4 && std::none_of(mosaic.begin(), mosaic.end(), [&](const Quarter* quarter) {
               return quarter->class_index == quarters_[i].class_index;
             });
    };
    auto place = std::find_if(mosaics.begin(), mosaics.end(), takes);
    if (place == mosaics.end()) place = mosaics.insert(place, Mosaic());
    place->push_back(&quarters_[i]);
  }
  std::erase_if(mosaics, [](const Mosaic& mosaic) { return mosaic.size() < 4; });
  return mosaics;
}

void MethodTester::run_mosaics() {
  for (const Mosaic& mosaic : compose()) {
    measure_mosaic(mosaic);
    ++test_.mosaics;
  }
}

/// A mosaic's value is the mean over its four classes, as those are no independent cases.
void MethodTester::measure_mosaic(const Mosaic& mosaic) {
  const Architecture& a = model_->architecture();
  std::vector<Target> targets;
  targets.reserve(mosaic.size());
  for (const Quarter* quarter : mosaic) targets.push_back({quarter->class_index, std::nullopt});
  const auto patches =
      mosaic_patches({mosaic[0]->half, mosaic[1]->half, mosaic[2]->half, mosaic[3]->half}, a.grid(), a.patch_size);
  const ExplainedImage image = explain(patches, [&](std::size_t, const ForwardResult&) { return targets; });
  std::vector<TileMeasures> sums(test_.methods.size());
  for (std::size_t tile = 0; tile < 4; ++tile) {
    const std::vector<std::uint8_t> inside = tile_patches(a.grid(), tile);
    std::vector<std::vector<float>> maps;
    for (const ExplainedMap& map : image.maps) {
      if (map.target && *map.target != targets[tile]) continue;
      maps.push_back(patch_sums(map.heatmap, a.grid()).values);
    }
    append_controls(maps);
    const ClassSpace classes = class_space(model_->info(), plan_);
    const std::size_t shown_class = targets[tile].class_index;
    show_test(
        model_->info(), plan_,
        {ShownTest::Kind::kMosaic, class_name(classes.labels[shown_class].label(), shown_class), patches, maps, inside},
        [&](std::size_t m) { return measure_tile(maps[m], inside).auroc; }, test_);
    for (std::size_t m = 0; m < maps.size(); ++m) {
      const TileMeasures measured = measure_tile(maps[m], inside);
      sums[m].share += measured.share / 4;
      sums[m].hit += measured.hit / 4;
      sums[m].auroc += measured.auroc / 4;
    }
  }
  for (std::size_t m = 0; m < sums.size(); ++m) {
    test_.methods[m].of(Measure::kShare).push_back(sums[m].share);
    test_.methods[m].of(Measure::kHit).push_back(sums[m].hit);
    test_.methods[m].of(Measure::kAuroc).push_back(sums[m].auroc);
  }
}

}  // namespace fovea
