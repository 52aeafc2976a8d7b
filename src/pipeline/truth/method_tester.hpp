// Tests explanation methods on a model with known truth, on a user's own pictures, which need no labels: the model's
// own confident answers name the classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "report/method_test/method_test.hpp"

namespace fovea {

/// Feed it pictures one by one, then take the result.
class MethodTester {
 public:
  /// @param session  of `model`, for plan.session_batch() images
  /// @param plan     methods and their options; its faithfulness is not read
  MethodTester(std::shared_ptr<const VisionTransformer> model, std::shared_ptr<Session> session, MapPlan plan);

  /// Explains the picture's best class with each method and measures the maps: deletion, insertion, SRG, and single
  /// deletion where patches can be dropped.
  /// @param patches  [T, 3·P·P]
  /// @param path     what the page calls the picture
  void add(std::span<const float> patches, const std::string& path);
  void add_failure() { ++test_.failed; }

  /// Makes mosaics of four pictures of different classes that the model is sure of, and measures the maps of all four.
  void run_mosaics();
  /// The result, into which other tests of the same methods write.
  [[nodiscard]] MethodTest& result() noexcept { return test_; }
  [[nodiscard]] const MethodTest& result() const noexcept { return test_; }

 private:
  /// A picture that may become a quarter of a mosaic.
  struct Quarter {
    std::size_t class_index = 0;
    std::vector<float> half;  // [3, height / 2, width / 2]
  };
  using Mosaic = std::vector<const Quarter*>;  // up to four, of different classes
  [[nodiscard]] std::vector<Mosaic> compose() const;
  void measure_mosaic(const Mosaic& mosaic);
  /// By map.
  [[nodiscard]] std::vector<PerturbationAreas> deletions(std::span<const float> patches, const Target& target,
                                                         const std::vector<std::vector<float>>& maps);
  /// By map.
  [[nodiscard]] std::vector<double> single_deletions(std::span<const float> patches, const Target& target,
                                                     const std::vector<std::vector<float>>& maps);
  /// What knows nothing, after the methods: another random map for each picture or mosaic.
  void append_controls(std::vector<std::vector<float>>& maps);
  [[nodiscard]] ExplainedImage explain(std::span<const float> patches, const ChooseTargets& choose);

  std::shared_ptr<const VisionTransformer> model_;
  std::shared_ptr<Session> session_;
  MapPlan plan_;
  std::vector<Quarter> quarters_;
  std::uint64_t random_maps_ = 0;  // that were drawn
  MethodTest test_;
};

}  // namespace fovea
