#include "cli/options/load_model.hpp"

#include "cli/verbs/models.hpp"

namespace fovea::cli {

std::shared_ptr<const VisionTransformer> load_model(const CommonOptions& common, const LoadOptions& options,
                                                    RunNote& note) {
  auto model = VisionTransformer::load(find_model(common.model), options);
  note.loaded(model->info());
  return model;
}

LoadOptions classifier_options(const ModelFlags& model, const ClassFlags& classes, const TensorImages* tensors) {
  LoadOptions options = load_options(model, tensors);
  options.labels = model_labels(classes);
  return options;
}

std::shared_ptr<const VisionTransformer> load_classifier(const CommonOptions& common, const ModelFlags& model,
                                                         const ClassFlags& classes, const DecodeFlags& decode,
                                                         RunNote& note, PictureOptions& pictures) {
  auto loaded = load_model(common, classifier_options(model, classes, pictures.tensors.get()), note);
  pictures.decode = decode_options(decode, loaded->info().recipe);
  pictures.predictions = prediction_options(classes);
  pictures.maps.zero_shot = zero_shot_head(classes, loaded->info(), common);
  return loaded;
}

}  // namespace fovea::cli
