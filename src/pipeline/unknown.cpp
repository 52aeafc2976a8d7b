#include "pipeline/unknown.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace fovea {
namespace {

learn::Matrix matrix_of(std::span<const float> values, std::size_t rows) {
  return {rows, values.size() / rows, {values.begin(), values.end()}};
}

}  // namespace

UnknownDetector::UnknownDetector(const ModelInfo& model)
    : rule_(model.unknown), reads_both_tokens_(model.architecture.read_out == ReadOut::kClassAndDistToken) {
  if (!rule_) return;
  neighbours_ = {matrix_of(rule_->neighbours, rule_->neighbours.size() / model.architecture.pooled_dim())};
  known_ = {{rule_->known_near.begin(), rule_->known_near.end()}, {rule_->known_far.begin(), rule_->known_far.end()}};
  if (rule_->by == UnknownRule::By::kEnergy) return;
  const std::size_t classes = model.architecture.num_classes;
  balls_ = {matrix_of(rule_->projection, rule_->centres.size() / classes), matrix_of(rule_->centres, classes)};
}

std::optional<UnknownVerdict> UnknownDetector::operator()(const ForwardResult& result) const {
  if (!rule_) return std::nullopt;
  const std::vector<float>& read = reads_both_tokens_ ? result.features : result.pooled;
  const std::vector<double> features(read.begin(), read.end());
  const std::vector<double> logits(result.logits.begin(), result.logits.end());
  const double near =
      rule_->by == UnknownRule::By::kEnergy ? learn::energy(logits) : learn::distance(balls_, features);
  const double score = learn::strangeness(known_, near, learn::distance(neighbours_, features));
  return UnknownVerdict{score > rule_->threshold, score};
}

}  // namespace fovea
