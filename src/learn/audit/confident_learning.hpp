// Which labels are probably wrong: confident learning (Northcutt, Jiang, Chuang 2021, arXiv:1911.00068), by the rules
// of cleanlab 2.9, whose numbers it gives.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learn/matrix.hpp"
#include "learn/metrics.hpp"

namespace fovea::learn {

/// How many examples of each given label are surely of each class. An example is sure of the classes whose probability
/// reaches the mean that the examples with that label have; of several it counts for its most probable class. The
/// diagonal is at least 1.
/// @param probabilities  [n, C] of heads that have not learned from the example
/// @param labels         [n] as given
/// @return               row: the given label, column: the class that the example seems to be of
[[nodiscard]] Confusion confident_joint(const Matrix& probabilities, std::span<const std::size_t> labels);

/// The joint of all examples: each row sums to the examples with that label. Whole numbers; what rounding adds to a row
/// or takes from it is put where the rounding was largest; among equals cleanlab's choice depends on how numpy sorts.
[[nodiscard]] Confusion calibrated_joint(const Confusion& joint, std::span<const std::size_t> labels);

/// An example whose label is probably wrong.
struct LabelIssue {
  std::size_t example = 0;
  std::size_t label = 0;         // as given
  std::size_t likely = 0;        // the most probable class
  double self_confidence = 0;    // the probability of the given label
  double normalised_margin = 0;  // (that less the largest of the other probabilities, plus 1) / 2
};
/// cleanlab's filter `prune_by_noise_rate`, its default: for each cell of the calibrated joint off the diagonal as many
/// examples as it counts, those with the largest margin of the other class over the given label. Examples whose given
/// label is the most probable one are left out, and each class keeps an example. The least self-confidence comes first,
/// as `return_indices_ranked_by="self_confidence"` ranks; equal ones keep the order of the examples.
[[nodiscard]] std::vector<LabelIssue> label_issues(const Matrix& probabilities, std::span<const std::size_t> labels);

}  // namespace fovea::learn
