// Tests maps with a planted mark: a mark is painted into pictures, a head learns on frozen features whether a picture
// has it, and maps of that answer are compared with where the mark is. Nothing else can decide the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/preprocess/planted_mark.hpp"
#include "learn/cross_validation.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "report/method_test/method_test.hpp"

namespace fovea {

class PlantedTest {
 public:
  /// @param session  of `model`, for plan.session_batch() images
  /// @param plan     methods and their options; its head is not read
  PlantedTest(std::shared_ptr<const VisionTransformer> model, std::shared_ptr<Session> session, MapPlan plan);

  /// The first 200 pictures are kept until run().
  /// @param patches  [T, 3·P·P]
  void add(std::span<const float> patches);

  /// Tries marks from the smallest on until the head tells them, then measures the maps of held-out pictures.
  /// @param step  called for each picture of each size
  /// @param test  its methods, then its controls, get their values, and its `planted` is filled
  void run(MethodTest& test, const std::function<void()>& step);

 private:
  /// The pictures with a mark of one size.
  struct Trial {
    std::size_t side = 0;                         // px
    std::vector<std::vector<PlantedMark>> marks;  // by picture: of the copy that is tested, then of those to learn from
    std::vector<learn::LinearHead> heads;         // by fold
    std::vector<std::size_t> fold_of;             // by picture: the one that has not learned from it
    std::vector<std::size_t> flipped;             // pictures whose answer, held out, flips with the mark
    double accuracy = 0;                          // of held-out answers
  };
  [[nodiscard]] std::vector<std::size_t> sides() const;
  [[nodiscard]] Trial try_side(std::size_t side, const std::function<void()>& step);
  void learn_heads(const learn::Matrix& features, Trial& trial) const;
  [[nodiscard]] std::vector<double> features_of(std::span<const float> patches);
  [[nodiscard]] std::vector<float> marked(std::size_t picture, const PlantedMark& mark) const;
  void measure(std::size_t picture, const Trial& trial, MethodTest& test);

  std::shared_ptr<const VisionTransformer> model_;
  std::shared_ptr<Session> session_;
  MapPlan plan_;
  std::vector<std::vector<float>> pictures_;  // [T, 3·P·P] each
};

/// Before any work: whether all methods explain another head than the model's own.
/// @throws Error  kUsage for a method that does not.
void require_plantable(const MapPlan& plan);

}  // namespace fovea
