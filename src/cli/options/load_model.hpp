// From the flags of a verb to a model that is loaded, with its classes.
#pragma once

#include <memory>

#include "cli/command.hpp"
#include "cli/options/class_options.hpp"
#include "cli/options/model_options.hpp"
#include "cli/options/options.hpp"
#include "cli/terminal/run_note.hpp"
#include "fovea/model.hpp"
#include "pipeline/pictures.hpp"

namespace fovea::cli {

/// The model that -m names; `note` says what had to be assumed about it.
/// @throws Error  as find_model() and VisionTransformer::load().
[[nodiscard]] std::shared_ptr<const VisionTransformer> load_model(const CommonOptions& common,
                                                                  const LoadOptions& options, RunNote& note);

/// How the flags want it: with --labels, and the size of --tensor's pictures.
/// @throws Error  as load_options().
[[nodiscard]] LoadOptions classifier_options(const ModelFlags& model, const ClassFlags& classes,
                                             const TensorImages* tensors = nullptr);

/// A model that names classes: its own, or those of --text-embeddings.
/// @param pictures  has its tensors, if any; gets how its pictures are read, which classes there are, and how many of
///                  them are named
/// @throws Error    as load_model(), classifier_options() and zero_shot_head().
[[nodiscard]] std::shared_ptr<const VisionTransformer> load_classifier(const CommonOptions& common,
                                                                       const ModelFlags& model,
                                                                       const ClassFlags& classes,
                                                                       const DecodeFlags& decode, RunNote& note,
                                                                       PictureOptions& pictures);

}  // namespace fovea::cli
