#include "cli/options/picture_options.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "cli/options/models.hpp"
#include "cli/terminal/terminal.hpp"
#include "pipeline/cascade.hpp"
#include "pipeline/folder/outputs.hpp"
#include "pipeline/folder/run_files.hpp"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

/// What is said about the folders among the arguments.
std::vector<Remark> remarks_on_folders(std::span<const std::string> operands, const InputFlags& flags,
                                       const std::vector<Input>& inputs, const fs::path& output) {
  std::vector<Remark> remarks;
  for (const std::string& operand : operands) {
    std::error_code ignored;
    if (!fs::is_directory(operand, ignored)) continue;
    const bool gives_pictures =
        std::any_of(inputs.begin(), inputs.end(), [&](const Input& input) { return input.path.starts_with(operand); });
    if (!gives_pictures && is_model(operand)) {
      remarks.push_back(
          {fmt::format("{}: is a model and holds no picture", printable(operand)), hint_for_model(operand)});
    } else if (const std::size_t count =
                   flags.recurse || flags.flat ? 0 : count_skipped_folders(operand, {false, output});
               count > 0) {
      remarks.push_back({fmt::format("{}: {} {} not read", printable(operand), count,
                                     count == 1 ? "sub-folder is" : "sub-folders are"),
                         "-r reads them, too"});
    }
  }
  return remarks;
}

/// A name of a model among the arguments is no file: its row says what it is.
void name_models(std::span<const std::string> operands, std::vector<Input>& inputs) {
  for (const std::string& operand : operands) {
    std::error_code ignored;
    if (looks_like_image(operand) || fs::exists(fs::symlink_status(operand, ignored)) || !is_model(operand)) continue;
    for (Input& input : inputs) {
      if (input.path != operand) continue;
      input.failure =
          Failure{ErrorCode::kNotFound, fmt::format("{}: no such file", printable(operand)), hint_for_model(operand)};
    }
  }
}

}  // namespace

void add_picture_options(CLI::App& app, PictureFlags& flags, bool token_reduction) {
  app.add_flag("-r,--recurse", flags.input.recurse, "read sub-folders, too");
  add_input_options(app, flags.input);
  add_tensor_option(app, flags.input);
  add_class_options(app, flags.classes);
  if (token_reduction) add_token_reduction_options(app, flags.reduction);
  add_model_options(app, flags.model);
  add_decode_options(app, flags.decode);
}

NamedPictures name_pictures(std::span<const std::string> operands, const InputFlags& flags,
                            const std::string& output_folder) {
  if (auto tensors = open_tensors(operands, flags)) return {tensors->inputs(), tensors, {}, {}};
  std::vector<std::string> arguments = input_arguments(operands, flags);
  std::vector<std::string> unread;
  NamedPictures pictures{collect_inputs(arguments, flags, output_folder, unread), nullptr, {}, {}};
  name_models(operands, pictures.inputs);
  pictures.remarks = remarks_on_folders(operands, flags, pictures.inputs, output_folder);
  if (!unread.empty()) pictures.remarks.push_back({unread_remark(unread), std::string(kUnreadHint)});
  pictures.arguments = std::move(arguments);
  return pictures;
}

LoadOptions classifier_options(const ModelFlags& model, const ClassFlags& classes, const TensorImages* tensors) {
  LoadOptions options = load_options(model, tensors);
  options.labels = model_labels(classes);
  return options;
}

namespace {

/// A cascade's margin was measured on the logits of the model's own classes, with all tokens.
void check_cascade(const PictureFlags& flags, const Purpose& purpose, const ModelInfo& info) {
  const auto refuse = [](std::string_view with, std::string_view why) {
    throw Error(ErrorCode::kUsage, fmt::format("--precision cascade with {}, expected one of them", with),
                std::string(why));
  };
  require_cascade_of_classes(info);
  if (purpose.features) refuse("features", "a cascade decides about classes: --precision auto");
  if (!flags.classes.text_embeddings.empty()) {
    refuse("--text-embeddings", "how far its scores can be trusted was measured for the model's own classes");
  }
  if (token_reduction(flags.reduction).active()) {
    refuse("token reduction", "how far its scores can be trusted was measured with all tokens");
  }
}

/// Nothing that the run reads is written over.
void check_places(const PictureFlags& flags, const Purpose& purpose, const OutputLayout& layout,
                  NamedPictures& pictures, const CommonOptions& common) {
  RunFiles files;
  files.reads(pictures.inputs);
  files.reads(pictures.others);
  files.reads(flags.input.files_from, "list");
  files.reads(flags.classes.labels, "file of labels");
  files.reads(flags.classes.text_embeddings, "file of text embeddings");
  files.reads(common.config, "configuration");
  files.reads_model(find_model(common.model, common.quiet));
  files.require_unread_standard_output();
  for (const std::filesystem::path& output : purpose.outputs) files.writes(output);
  if (!layout.folder.empty()) check_outputs(layout, pictures.inputs, files);
}

}  // namespace

PictureSetup set_up(const PictureFlags& flags, const Purpose& purpose, NamedPictures& pictures,
                    const CommonOptions& common, RunNote& note) {
  const Messages messages(use_color(common.color, STDERR_FILENO));
  for (const Remark& remark : pictures.remarks) {
    if (!common.quiet) messages.warning(remark.message, remark.hint);
  }
  claim_threads(common);
  PictureOptions options;
  options.tensors = pictures.tensors;
  options.features = purpose.features;
  options.stamp_sources = purpose.stamp_sources;
  if (purpose.maps) {
    options.maps = map_plan(flags.maps);
    options.style = overlay_style(flags.maps);
    options.top_patches = flags.maps.top_patches;
    options.layout = output_layout(flags.maps, options.maps, purpose.layout);
  }
  options.maps.reduction = token_reduction(flags.reduction, options.maps.options.seed);
  options.maps.draws = flags.reduction.draws;
  check_places(flags, purpose, options.layout, pictures, common);

  const TensorImages* const tensors = pictures.tensors.get();
  auto model = VisionTransformer::load(
      find_model(common.model, common.quiet),
      purpose.features ? load_options(flags.model, tensors) : classifier_options(flags.model, flags.classes, tensors));
  const ModelInfo& info = model->info();
  if (model->quick()) check_cascade(flags, purpose, info);
  note.loaded(info);
  options.decode = decode_options(flags.decode, info.recipe);
  if (!purpose.features) {
    options.predictions = prediction_options(flags.classes);
    options.maps.other_head = zero_shot_head(flags.classes, info, common);
  }
  if (options.predictions.threshold > 0) require_probabilities(info, class_space(info, options), "--threshold");
  check_plan(options.maps, info);
  if (options.maps.class_specific() || options.maps.faithfulness) {
    options.targets = parse_targets(flags.maps.targets, flags.maps.against, class_space(info, options));
  }
  return {std::move(model), std::move(options)};
}

}  // namespace fovea::cli
