// Writes a model with another head, and all else unchanged, as one file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json_text.hpp"
#include "base/pending_file.hpp"
#include "fovea/model.hpp"
#include "model/config/checkpoint_folder.hpp"

namespace fovea {

/// A head for the features that FeaturePool::kHeadInput gives.
struct LearnedHead {
  std::vector<std::string> classes;
  std::vector<float> weight;  // [C, pooled_dim]
  std::vector<float> bias;    // [C]
  double temperature = 1;     // the scores are divided by it when the file is read
  std::optional<UnknownRule> unknown;
  double rejected = 0;  // share of known pictures that the rule rejects, out of fold
};

/// One safetensors file with all that the model's folder says.
/// @param about   how it was made, by the names of fovea_learned_keys(); the classes and the read-out are added
/// @throws Error  kOutput; kUsage for a model whose head no file can hold.
void write_learned(const OpenModel& model, const LearnedHead& head, JsonObject about, PendingFile& file);

}  // namespace fovea
