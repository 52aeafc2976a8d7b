// A model whose features are learned from, and the features of labelled pictures: what `learn` and `audit` share.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "fovea/model.hpp"
#include "image/preprocess/view.hpp"
#include "pipeline/learn/embedded.hpp"
#include "pipeline/learn/labelled.hpp"
#include "pipeline/learn/learn.hpp"
#include "pipeline/pictures.hpp"

namespace fovea::cli {

/// What is left of a backbone once its features are there.
struct Backbone {
  std::filesystem::path path;
  std::string name;
  std::string sha256;
  std::string fingerprint;  // of all that features depend on
};

/// The model, and what is kept of it, as the last of `backbones`.
/// @throws Error  as find_model() and VisionTransformer::load().
[[nodiscard]] std::shared_ptr<const VisionTransformer> load_backbone(const std::string& model,
                                                                     const CommonOptions& common,
                                                                     std::vector<Backbone>& backbones);

/// The pictures that are embedded.
struct EmbedTask {
  const LabelledPictures& pictures;
  std::span<const std::string> hashes;  // [inputs], of hash_files()
  std::span<const Record> failed;       // in an earlier view: nothing new would be found out about them
};
struct EmbedPlace {
  std::filesystem::path cache;  // the folder
  const CommonOptions& common;
};
/// The features of one view, with a progress bar. Each view has a cache of its own; the middle's is the one without
/// views.
/// @param interrupted  says so, and gives the exit code
/// @throws Error       kOutput.
[[nodiscard]] EmbeddedPictures embed_view(Engine& engine, const Backbone& backbone, const View& view,
                                          const EmbedTask& task, const EmbedPlace& place,
                                          const std::function<int()>& interrupted);

/// --folds and --group-by
void add_fold_options(CLI::App& app, LearnOptions& options);

/// Says that the same command goes on from here.
/// @return  the exit code
[[nodiscard]] int features_interrupted(const CommonOptions& common);

}  // namespace fovea::cli
