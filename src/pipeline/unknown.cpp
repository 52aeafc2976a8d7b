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
  if (!rule_ || rule_->by == UnknownRule::By::kEnergy) return;
  const std::size_t classes = model.architecture.num_classes;
  balls_ = {matrix_of(rule_->projection, rule_->centres.size() / classes), matrix_of(rule_->centres, classes)};
}

std::optional<UnknownVerdict> UnknownDetector::operator()(const ForwardResult& result) const {
  if (!rule_) return std::nullopt;
  const bool by_energy = rule_->by == UnknownRule::By::kEnergy;
  const std::vector<float>& read = by_energy ? result.logits : reads_both_tokens_ ? result.features : result.pooled;
  const std::vector<double> values(read.begin(), read.end());
  const double score = by_energy ? learn::energy(values) : learn::distance(balls_, values);
  return UnknownVerdict{score > rule_->threshold, score};
}

}  // namespace fovea
