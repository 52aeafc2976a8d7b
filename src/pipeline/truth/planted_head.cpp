#include "pipeline/truth/planted_head.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace fovea {

Logits PlantedHead::operator()(const ForwardResult& result) const {
  learn::Matrix features{1, result.features.size()};
  std::copy(result.features.begin(), result.features.end(), features.values.begin());
  const learn::Matrix scores = learn::scores_of(head_, features);  // [1, 2]
  return {scores.values.begin(), scores.values.end()};
}

OutputScore PlantedHead::score(const ScoreSeed& seed, Gradients /*gradients*/) const {
  std::vector<float> direction(head_.weight.cols);  // [feature_dim], the gradient of a linear head
  for (std::size_t i = 0; i < direction.size(); ++i) {
    double sum = 0;
    for (const ScoreTerm& term : seed) sum += double{term.weight} * head_.weight.row(term.class_index)[i];
    direction[i] = static_cast<float>(sum);
  }
  return {OutputScore::Reads::kFeatures, [direction](std::span<const float> /*output*/, std::span<float> gradient) {
            std::copy(direction.begin(), direction.end(), gradient.begin());
          }};
}

double PlantedHead::bias_of(const ScoreSeed& seed) const {
  double sum = 0;
  for (const ScoreTerm& term : seed) sum += double{term.weight} * head_.bias.at(term.class_index);
  return sum;
}

ClassSpace PlantedHead::classes() const noexcept {
  static const std::array<ClassLabel, 2> labels{ClassLabel{"without the mark", {}}, ClassLabel{"with the mark", {}}};
  return {labels, ScoreFunction::kSoftmax};
}

}  // namespace fovea
