#include "fovea/classifier.hpp"

#include <utility>

#include "base/files.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"
#include "image/codec/codec.hpp"
#include "image/overlay/overlay.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"
#include "pipeline/pictures.hpp"

namespace fovea {

struct Classifier::Impl {
  explicit Impl(std::shared_ptr<const VisionTransformer> loaded) : model(std::move(loaded)), session(model, 1) {}

  Explanation run(const Image& image, std::size_t top_k, const MapPlan& plan) {
    const Architecture& architecture = model->architecture();
    const PreprocessRecipe& recipe = model->info().recipe;
    const Preprocessed ready = preprocess(image, recipe);
    patches.resize(architecture.grid().size() * architecture.patch_dim());
    extract_patches(ready.pixels, recipe, architecture.patch_size, patches);
    Explanation result;
    result.geometry = ready.geometry;
    ExplainedImage explained = std::move(explain_images(*model, session, patches, plan, {}, best_class).front());
    result.classification.logits = std::move(explained.result.logits);
    result.classification.predictions =
        predictions_of(result.classification.logits, class_space(model->info()), {top_k});
    if (!explained.maps.empty()) result.heatmap = std::move(explained.maps.front().heatmap);
    return result;
  }

  std::shared_ptr<const VisionTransformer> model;
  Session session;
  std::vector<float> patches;  // [T, 3·P·P]
};

Classifier::Classifier(const std::filesystem::path& model) : Classifier(VisionTransformer::load(model)) {}
Classifier::Classifier(std::shared_ptr<const VisionTransformer> model)
    : impl_(std::make_unique<Impl>(std::move(model))) {}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;

const ModelInfo& Classifier::info() const noexcept {
  return impl_->model->info();
}

Classification Classifier::classify(const Image& image, std::size_t top_k) {
  return impl_->run(image, top_k, {}).classification;
}

Explanation Classifier::explain(const Image& image, std::string_view method, const ExplainOptions& options,
                                std::size_t top_k) {
  MapPlan plan;
  plan.methods = {&explain_method(method)};
  plan.options = options;
  check_plan(plan, impl_->model->info());
  return impl_->run(image, top_k, plan);
}

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode_image(read_file(path), printable(path), options);
}

Image draw_overlay(const Image& image, const Explanation& explanation) {
  OverlayCaption caption;
  if (!explanation.classification.predictions.empty()) {
    const Prediction& best = explanation.classification.predictions.front();
    caption.label = best.label.value_or("class " + std::to_string(best.class_index));
    caption.probability = static_cast<double>(best.probability);
  }
  const Heatmap& heatmap = explanation.heatmap;
  return draw_overlay(image, MatrixView<const float>(heatmap.values, heatmap.grid.rows, heatmap.grid.cols),
                      explanation.geometry, OverlayStyle{}, caption);
}

void write_png(const std::filesystem::path& path, const Image& image) {
  replace_file(path, encode_png(image, kOverlayCompression));
}

}  // namespace fovea
