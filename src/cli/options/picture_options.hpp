// From the flags of a verb to a model, the pictures that it runs and what is made of each.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/options/class_options.hpp"
#include "cli/options/map_options.hpp"
#include "cli/options/model_options.hpp"
#include "cli/options/options.hpp"
#include "cli/options/token_reduction_options.hpp"
#include "cli/terminal/run_note.hpp"
#include "fovea/model.hpp"
#include "pipeline/pictures.hpp"

namespace fovea::cli {

/// The flags of a verb that runs pictures; those that the verb does not add keep their defaults.
struct PictureFlags {
  InputFlags input;
  ClassFlags classes;
  ModelFlags model;
  DecodeFlags decode;
  MapFlags maps;
  TokenReductionFlags reduction;
};

/// -r, --files-from, -0, --tensor, and the groups of classes, model and decoding.
/// @param token_reduction  its group, too, after the classes
void add_picture_options(CLI::App& app, PictureFlags& flags, bool token_reduction = false);

/// What a verb makes of each picture, whatever its flags say.
struct Purpose {
  std::optional<FeaturePool> features = {};         // in place of classes
  bool maps = false;                                // those of the flags
  OutputLayout layout = {};                         // where their files go, and what else is written there
  std::vector<std::filesystem::path> outputs = {};  // all other files that are written; empty ones are none
  bool stamp_sources = false;
};

/// A warning and its hint.
struct Remark {
  std::string message;
  std::string hint;
};

/// The pictures that a call names.
struct NamedPictures {
  std::vector<Input> inputs;
  std::shared_ptr<const TensorImages> tensors;  // of --tensor; else null
  std::vector<Remark> remarks;                  // about arguments that give no picture; set_up() says them
  std::vector<std::string> arguments = {};      // the files and folders that they were found in; none with --tensor
  std::vector<Input> others = {};               // those of the other shards: they are not written over either
};
/// @throws Error  kUsage as collect_inputs() and open_tensors().
[[nodiscard]] NamedPictures name_pictures(std::span<const std::string> operands, const InputFlags& flags,
                                          const std::string& output_folder = {});

/// A model that is loaded, and what is made of each picture.
struct PictureSetup {
  std::shared_ptr<const VisionTransformer> model;
  PictureOptions options;
};
/// All that the flags come to. What is wrong without knowing the model is found before the model is read: flags that
/// contradict each other, files that would be written over one that is read. Warns about arguments that give no
/// picture, and about what had to be assumed of the model.
/// @param pictures  those that the file system takes no output name for become failures
/// @throws Error    kUsage for flags that contradict each other or do not fit the model; as find_model() and
///                  VisionTransformer::load().
[[nodiscard]] PictureSetup set_up(const PictureFlags& flags, const Purpose& purpose, NamedPictures& pictures,
                                  const CommonOptions& common, RunNote& note);

/// How the model of a verb with classes is loaded: with --labels, and for the size of --tensor's pictures.
/// @throws Error  as load_options().
[[nodiscard]] LoadOptions classifier_options(const ModelFlags& model, const ClassFlags& classes,
                                             const TensorImages* tensors = nullptr);

}  // namespace fovea::cli
