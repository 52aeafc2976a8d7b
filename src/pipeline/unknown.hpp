// Whether a picture is of none of a learned model's classes.
#pragma once

#include <optional>

#include "fovea/model.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"
#include "learn/strangeness.hpp"

namespace fovea {

class UnknownDetector {
 public:
  explicit UnknownDetector(const ModelInfo& model);
  /// None for a model without a rule.
  [[nodiscard]] std::optional<UnknownVerdict> operator()(const ForwardResult& result) const;

 private:
  std::optional<UnknownRule> rule_;
  bool reads_both_tokens_;  // of a model with two heads
  learn::ClassBalls balls_;
  learn::Neighbours neighbours_;
  learn::KnownScores known_;
};

}  // namespace fovea
