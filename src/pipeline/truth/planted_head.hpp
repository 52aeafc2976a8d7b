// A head that tells pictures with a planted mark from those without one, on a model's frozen features.
#pragma once

#include <cstddef>
#include <utility>

#include "learn/logistic.hpp"
#include "pipeline/maps/other_head.hpp"

namespace fovea {

class PlantedHead final : public OtherHead {
 public:
  static constexpr std::size_t kWithout = 0;
  static constexpr std::size_t kMarked = 1;

  /// @param head  [2, feature_dim], for features as they are
  explicit PlantedHead(learn::LinearHead head) : head_(std::move(head)) {}

  [[nodiscard]] Logits operator()(const ForwardResult& result) const override;
  [[nodiscard]] OutputScore score(const ScoreSeed& seed, Gradients gradients) const override;
  [[nodiscard]] double bias_of(const ScoreSeed& seed) const override;
  [[nodiscard]] ClassSpace classes() const noexcept override;

 private:
  learn::LinearHead head_;
};

}  // namespace fovea
