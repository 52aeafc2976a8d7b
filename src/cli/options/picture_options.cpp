#include "cli/options/picture_options.hpp"

#include <utility>

#include "cli/verbs/models.hpp"
#include "pipeline/folder/outputs.hpp"

namespace fovea::cli {
NamedPictures name_pictures(std::span<const std::string> operands, const InputFlags& flags,
                            const std::string& output_folder) {
  if (auto tensors = open_tensors(operands, flags)) return {tensors->inputs(), tensors};
  return {collect_inputs(operands, flags, output_folder), nullptr};
}

LoadOptions classifier_options(const ModelFlags& model, const ClassFlags& classes, const TensorImages* tensors) {
  LoadOptions options = load_options(model, tensors);
  options.labels = model_labels(classes);
  return options;
}

PictureSetup set_up(const PictureFlags& flags, const Purpose& purpose, NamedPictures& pictures,
                    const CommonOptions& common, RunNote& note) {
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
  if (!options.layout.folder.empty()) check_outputs(options.layout, pictures.inputs);

  const TensorImages* const tensors = pictures.tensors.get();
  auto model = VisionTransformer::load(
      find_model(common.model),
      purpose.features ? load_options(flags.model, tensors) : classifier_options(flags.model, flags.classes, tensors));
  const ModelInfo& info = model->info();
  note.loaded(info);
  options.decode = decode_options(flags.decode, info.recipe);
  if (!purpose.features) {
    options.predictions = prediction_options(flags.classes);
    options.maps.zero_shot = zero_shot_head(flags.classes, info, common);
  }
  if (options.predictions.threshold > 0) require_probabilities(info, class_space(info, options), "--threshold");
  check_plan(options.maps, info);
  if (options.maps.class_specific() || options.maps.faithfulness) {
    options.targets = parse_targets(flags.maps.targets, flags.maps.against, class_space(info, options));
  }
  return {std::move(model), std::move(options)};
}

}  // namespace fovea::cli
