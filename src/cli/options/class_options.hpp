// The flags that say which classes there are and which of them are named.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "fovea/model.hpp"
#include "pipeline/maps/zero_shot.hpp"
#include "pipeline/predictions.hpp"

namespace fovea::cli {

struct ClassFlags {
  std::size_t top_k = 5;
  double threshold = 0;
  std::string labels;           // a file; empty is not given
  std::string text_embeddings;  // a file; empty is not given
};
/// -k, --threshold, --labels, --text-embeddings.
void add_class_options(CLI::App& app, ClassFlags& flags);
[[nodiscard]] PredictionOptions prediction_options(const ClassFlags& flags);
/// What --labels means for the model itself; of text embeddings it names the rows instead.
[[nodiscard]] std::optional<std::filesystem::path> model_labels(const ClassFlags& flags);

/// The head made of --text-embeddings, or null for the model's own. Says what it had to assume, unless -q.
/// @throws Error  kUsage if the file is no such thing or does not fit, or if there is neither head.
[[nodiscard]] std::shared_ptr<const ZeroShotHead> zero_shot_head(const ClassFlags& flags, const ModelInfo& model,
                                                                 const CommonOptions& common);

/// By flag name, for summary.json.
[[nodiscard]] std::map<std::string, std::string> option_texts(const ClassFlags& flags);
/// The same for the fingerprint of a run: files by what is in them.
[[nodiscard]] std::map<std::string, std::string> resolved_texts(const ClassFlags& flags);

}  // namespace fovea::cli
