#include "fovea/classifier.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "explain/pixel_map.hpp"
#include "fovea/interrupt.hpp"
#include "fovea/machine.hpp"
#include "image/codec/codec.hpp"
#include "image/codec/encode.hpp"
#include "image/overlay/overlay.hpp"
#include "image/overlay/panel.hpp"
#include "model/config/text_embeddings.hpp"
#include "pipeline/maps/captions.hpp"
#include "pipeline/pictures.hpp"

namespace fovea {
namespace {

LoadOptions load_options(const ClassifierOptions& options) {
  LoadOptions load;
  load.precision = options.precision;
  load.cascade = options.cascade;
  if (options.cascade && options.text_embeddings) {
    throw Error(ErrorCode::kUsage, "a cascade is asked for with text embeddings, expected one of them",
                "how far its scores can be trusted was measured for the model's own classes");
  }
  load.image_size = options.image_size;
  load.recipe.preprocess = options.preprocess;
  load.recipe.test_size = options.test_size;
  if (!options.text_embeddings) load.labels = options.labels;  // else they name the embeddings' rows
  return load;
}

std::shared_ptr<const ZeroShotHead> zero_shot_head(const ClassifierOptions& options, const ModelInfo& model) {
  if (!options.text_embeddings) return nullptr;
  return std::make_shared<const ZeroShotHead>(
      read_text_embeddings(*options.text_embeddings, options.labels.value_or(std::filesystem::path())), model);
}

Input input_of(const Picture& picture) {
  return std::visit(
      [](const auto& source) {
        using Source = std::decay_t<decltype(source)>;
        Input input{.path = "picture in memory", .name = {}, .failure = {}};
        if constexpr (std::is_same_v<Source, std::filesystem::path>) {
          input.path = source == kStandardInput ? "./-" : source.native();  // `-` is the program's word, not a file's
        } else if constexpr (std::is_same_v<Source, const Image*>) {
          input.pixels = source;
        } else {
          input.bytes = source;
        }
        return input;
      },
      picture.source());
}

Classification classification_of(PictureOutcome& outcome) {
  return {std::move(outcome.record.predictions), std::move(outcome.logits), std::move(outcome.probabilities),
          outcome.record.size, outcome.record.unknown};
}

Explanation explanation_of(PictureOutcome& outcome) {
  Explanation explanation{
      classification_of(outcome), {}, std::move(outcome.picture.original), outcome.picture.geometry, outcome.patches};
  for (std::size_t i = 0; i < outcome.maps.size(); ++i) {
    MapRecord& record = outcome.record.maps[i];
    explanation.maps.push_back({outcome.maps[i].method, std::move(record.variant), std::move(record.target),
                                std::move(outcome.maps[i].heatmap), outcome.maps[i].sum, record.faithfulness});
  }
  return explanation;
}

Features features_of(PictureOutcome& outcome) {
  return {std::move(outcome.features), std::move(outcome.record.features->shape)};
}

OverlayCaption caption_of(const Explanation& explanation, const ExplanationMap& map) {
  MapRecord record;
  record.variant = map.variant;
  record.constant = is_constant(map.heatmap.values);
  record.target = map.target;
  record.sum = map.sum;
  const Classification& classification = explanation.classification;
  return map_caption(*map.method, record, classification.predictions, classification.probabilities,
                     classification.unknown && classification.unknown->unknown);
}

MatrixView<const float> view_of(const Heatmap& heatmap) {
  return {heatmap.values, heatmap.grid.rows, heatmap.grid.cols};
}

}  // namespace

struct Classifier::Impl {
  Impl(std::shared_ptr<const VisionTransformer> model, const ClassifierOptions& given)
      : engine(std::move(model)), options(given), zero_shot(zero_shot_head(given, engine.info())) {
    if (options.threads == 0) options.threads = static_cast<std::size_t>(available_cores());
  }

  /// What every method asks for.
  [[nodiscard]] PictureOptions picture_options() const {
    PictureOptions pictures;
    pictures.decode = options.decode;
    pictures.predictions.top_k = options.top_k;
    pictures.maps.other_head = zero_shot;
    return pictures;
  }
  [[nodiscard]] PictureOptions class_options() const {
    if (!zero_shot) require_classes(engine.info());
    return picture_options();
  }
  [[nodiscard]] PictureOptions explain_options(const ExplainRequest& request) const {
    PictureOptions pictures = picture_options();
    MapPlan& plan = pictures.maps;
    for (const std::string& method : request.methods) plan.methods.push_back(&explain_method(method));
    const bool class_is_named = !request.targets.empty() || request.against;
    if (plan.methods.empty()) plan.methods.push_back(&default_method(class_is_named));
    plan.options = request.options;
    plan.faithfulness = request.faithfulness;
    plan.substrate = request.substrate;
    if (class_is_named) require_class_method(plan, "a class is named");
    check_plan(plan, engine.info());
    if (plan.class_specific() || plan.faithfulness) {
      pictures.targets = parse_targets(request.targets, request.against, class_space(engine.info(), pictures));
    }
    pictures.keep_maps = true;
    return pictures;
  }
  [[nodiscard]] PictureOptions embed_options(FeaturePool pool) const {
    PictureOptions pictures = picture_options();
    pictures.features = pool;
    (void)feature_shape(engine.info(), pool);  // throws
    return pictures;
  }

  template <typename Value>
  std::vector<Result<Value>> run(std::span<const Picture> pictures, const PictureOptions& asked,
                                 Value (*value_of)(PictureOutcome&)) {
    std::vector<Input> inputs;
    inputs.reserve(pictures.size());
    for (const Picture& picture : pictures) inputs.push_back(input_of(picture));
    std::vector<Result<Value>> results;
    results.reserve(pictures.size());
    engine.run(inputs, every(inputs.size()), asked, plan_schedule(inputs.size(), options.threads, 1),
               [&](PictureOutcome outcome) {
                 if (const auto& failure = outcome.record.failure) {
                   results.emplace_back(Error(failure->code, failure->message, failure->hint));
                 } else {
                   results.emplace_back(value_of(outcome));
                 }
               });
    if (results.size() < pictures.size()) throw Interrupted{};
    return results;
  }
  template <typename Value>
  Value run_one(const Picture& picture, const PictureOptions& asked, Value (*value_of)(PictureOutcome&)) {
    return std::move(run(std::span(&picture, 1), asked, value_of).front()).value();
  }

  Engine engine;
  ClassifierOptions options;
  std::shared_ptr<const ZeroShotHead> zero_shot;
};

Classifier::Classifier(const std::filesystem::path& model, const ClassifierOptions& options)
    : Classifier(VisionTransformer::load(model, load_options(options)), options) {}
Classifier::Classifier(std::shared_ptr<const VisionTransformer> model, const ClassifierOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;

const ModelInfo& Classifier::info() const noexcept {
  return impl_->engine.info();
}

Classification Classifier::classify(const Picture& picture) const {
  return impl_->run_one(picture, impl_->class_options(), classification_of);
}
std::vector<Result<Classification>> Classifier::classify(std::span<const Picture> pictures) const {
  return impl_->run(pictures, impl_->class_options(), classification_of);
}

Explanation Classifier::explain(const Picture& picture, const ExplainRequest& request) const {
  return impl_->run_one(picture, impl_->explain_options(request), explanation_of);
}
std::vector<Result<Explanation>> Classifier::explain(std::span<const Picture> pictures,
                                                     const ExplainRequest& request) const {
  return impl_->run(pictures, impl_->explain_options(request), explanation_of);
}

Features Classifier::embed(const Picture& picture, FeaturePool pool) const {
  return impl_->run_one(picture, impl_->embed_options(pool), features_of);
}
std::vector<Result<Features>> Classifier::embed(std::span<const Picture> pictures, FeaturePool pool) const {
  return impl_->run(pictures, impl_->embed_options(pool), features_of);
}

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode_image(read_file(path), printable(path), options);
}

Image draw_overlay(const Explanation& explanation, std::size_t map, const OverlayStyle& style) {
  if (map >= explanation.maps.size()) {
    throw Error(ErrorCode::kUsage, "map " + std::to_string(map) + " is asked for, expected one of " +
                                       std::to_string(explanation.maps.size()));
  }
  const ExplanationMap& drawn = explanation.maps[map];
  const Heatmap heatmap = drawn_map(drawn.heatmap, explanation.patches);
  return draw_overlay(explanation.picture, view_of(heatmap), explanation.geometry, style,
                      caption_of(explanation, drawn), {}, drawn.method->is_signed);
}

Image draw_panel(const Explanation& explanation, const OverlayStyle& style) {
  std::vector<PanelMap> cells;
  cells.reserve(explanation.maps.size());
  std::vector<Heatmap> drawn;  // outlives the cells
  drawn.reserve(explanation.maps.size());
  for (const ExplanationMap& map : explanation.maps) {
    const Heatmap& heatmap = drawn.emplace_back(drawn_map(map.heatmap, explanation.patches));
    cells.push_back({view_of(heatmap), caption_of(explanation, map), map.method->is_signed});
  }
  return draw_panel(explanation.picture, explanation.geometry, cells, style,
                    picture_caption(explanation.classification.predictions,
                                    explanation.classification.unknown && explanation.classification.unknown->unknown));
}

std::vector<std::byte> png_bytes(const Image& image) {
  return encode_png(image);
}

void write_png(const std::filesystem::path& path, const Image& image) {
  replace_file(path, png_bytes(image));
}

}  // namespace fovea
