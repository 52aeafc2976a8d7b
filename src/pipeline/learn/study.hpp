// One backbone's features under test: what a head can be learned from them, and how good it is on other pictures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "learn/cross_validation.hpp"
#include "learn/unknown.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {

/// Who is kept together, who is held out, and on whom it is measured: the same for all backbones.
struct StudyPlan {
  std::vector<std::size_t> groups;    // [n]
  std::vector<learn::Split> folds;    // of the pictures that are learned from: they choose penalty and temperature
  std::vector<std::size_t> train;     // the pictures that are learned from, rising
  std::vector<learn::Split> measure;  // one: all of them against a validation folder; none: the folds are measured
  std::uint64_t seed = 0;
};

/// What is known of the pictures that are measured, in the order of `rows`.
struct Measurement {
  std::vector<std::size_t> rows;  // of the examples
  std::vector<std::size_t> truth;
  std::vector<std::size_t> groups;
  learn::Matrix before;  // probabilities [rows, C] at temperature 1
  learn::Matrix after;   // with a temperature from other pictures
};

class Study {
 public:
  /// @param examples  unscaled; both must outlive the study
  Study(const learn::Examples& examples, const StudyPlan& plan);

  [[nodiscard]] const Measurement& measurement() const noexcept { return measurement_; }
  [[nodiscard]] std::vector<std::size_t> predicted() const;
  [[nodiscard]] double temperature() const noexcept { return temperature_; }
  [[nodiscard]] const learn::CrossValidation& validation() const noexcept { return validation_; }

  [[nodiscard]] LearnedBackbone summary() const;
  [[nodiscard]] std::vector<Baseline> baselines() const;
  /// The baseline of scores that nothing had to be learned for.
  /// @param scores  [n, C] of all examples
  [[nodiscard]] Baseline baseline(const std::string& name, const learn::Matrix& scores) const;
  [[nodiscard]] std::vector<CurvePoint> curve() const;
  /// @param share  of known pictures that may be called unknown
  [[nodiscard]] learn::UnknownChoice unknown(double share) const;

 private:
  [[nodiscard]] MeasuredShare top1_of(std::span<const std::size_t> predicted) const;
  [[nodiscard]] const std::vector<learn::Split>& splits() const noexcept {
    return plan_.measure.empty() ? plan_.folds : plan_.measure;
  }
  [[nodiscard]] Baseline baseline(const std::string& name, std::span<const std::size_t> predicted) const;
  /// Predictions of each split's pictures, in the order of the measurement.
  [[nodiscard]] std::vector<std::size_t> in_order(const std::vector<std::vector<std::size_t>>& predicted) const;
  void measure();

  const learn::Examples& examples_;
  const StudyPlan& plan_;
  learn::CrossValidation validation_;
  double temperature_ = 1;
  Measurement measurement_;
};

}  // namespace fovea
