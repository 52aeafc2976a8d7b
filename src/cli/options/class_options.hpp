// The flags that say which classes exist and which of them are printed.
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
/// --labels, --text-embeddings.
void add_class_names_options(CLI::App& app, ClassFlags& flags);
[[nodiscard]] PredictionOptions prediction_options(const ClassFlags& flags);
/// --labels as the model's own class names; none with text embeddings, whose rows it then names.
[[nodiscard]] std::optional<std::filesystem::path> model_labels(const ClassFlags& flags);

/// The head made of --text-embeddings, or null for the model's own head. Unless -q, warns about what had to be assumed.
/// @throws Error  kUsage if the file is no text embeddings or does not fit the model, or if there is no head at all.
[[nodiscard]] std::shared_ptr<const ZeroShotHead> zero_shot_head(const ClassFlags& flags, const ModelInfo& model,
                                                                 const CommonOptions& common);

/// By flag name, for summary.json.
[[nodiscard]] std::map<std::string, std::string> option_texts(const ClassFlags& flags);
/// The same for the fingerprint of a run: text embeddings by the hash of their file, class names by their own hash,
/// because a file of names may be a pipe, which can be read only once.
[[nodiscard]] std::map<std::string, std::string> resolved_texts(const ClassFlags& flags, const ClassSpace& classes);

}  // namespace fovea::cli
