// Labelled pictures to a head and what is known about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "learn/logistic.hpp"
#include "learn/near_duplicates.hpp"
#include "model/learned/learned_writer.hpp"
#include "model/learned/text_directions.hpp"
#include "pipeline/learn/embedded.hpp"
#include "pipeline/learn/labelled.hpp"
#include "pipeline/learn/study.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {

struct LearnOptions {
  std::size_t folds = 5;
  std::uint64_t seed = 0;
  bool balanced = false;          // each class counts the same
  std::string group_by;           // a regular expression over names; what its first group matches is kept together
  std::optional<double> unknown;  // the share of known pictures that may be called unknown; none: no such rule
  bool compare = true;            // with simpler classifiers, and with heads from fewer pictures
};

/// One backbone's features: of the same pictures in the same order as all others'.
struct BackboneFeatures {
  std::string model;       // as given
  learn::Matrix features;  // [n, D] as classify sees a picture: what is measured on, and, without means, learned from
  learn::Matrix averaged;  // [n, D] means over several views; may be empty
  std::optional<TextDirections> texts = {};  // [C, D] of the classes, where the head starts from texts
};

/// What is learned from.
struct LearnInput {
  const LabelledPictures& pictures;
  std::span<const std::size_t> inputs;          // [n] index of each usable picture
  std::span<const std::size_t> classes;         // [n]
  std::span<const std::uint64_t> hashes;        // [n]
  std::span<const BackboneFeatures> backbones;  // at least one
};

struct Learned {
  std::size_t backbone = 0;  // the best one
  LearnedHead head;
  LearnReport report;  // without what only the caller knows: files, failures, seconds of embedding
  Measurement measurement;                       // of the best backbone, out of fold
  std::vector<learn::Split> splits;              // what was learned from for it, and what was measured on, by row
  std::vector<double> weights;                   // of the rows
  double c = 0;                                  // the penalty of all these heads
  std::vector<learn::DuplicatePair> duplicates;  // of usable pictures, by row
};

/// @throws Error  kUsage where nothing can be measured, or for a regular expression that is none.
[[nodiscard]] Learned learn_head(const LearnInput& input, const LearnOptions& options);

}  // namespace fovea
