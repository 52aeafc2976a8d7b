// Pictures in; classes, explanations and features out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "fovea/faithfulness.hpp"
#include "fovea/features.hpp"
#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "fovea/overlay.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"

namespace fovea {

/// A picture to be run: an image file, the bytes of one, or pixels. Bytes and pixels are not copied: they have to live
/// until the call that is given the picture returns.
class Picture {
 public:
  // NOLINTBEGIN(google-explicit-constructor): whatever names a picture is one
  Picture(std::filesystem::path file) : source_(std::move(file)) {}
  Picture(const std::string& file) : source_(std::filesystem::path(file)) {}
  Picture(const char* file) : source_(std::filesystem::path(file)) {}
  Picture(std::span<const std::byte> file) : source_(file) {}
  Picture(const std::vector<std::byte>& file) : source_(std::span<const std::byte>(file)) {}
  Picture(const Image& pixels) : source_(&pixels) {}
  // NOLINTEND(google-explicit-constructor)

  using Source = std::variant<std::filesystem::path, std::span<const std::byte>, const Image*>;
  [[nodiscard]] const Source& source() const noexcept { return source_; }

 private:
  Source source_;
};

/// What became of one of several pictures: a value, or the Error that this picture alone failed with.
template <typename Value>
class Result {
 public:
  explicit Result(Value value) : outcome_(std::move(value)) {}
  explicit Result(Error error) : outcome_(std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return std::holds_alternative<Value>(outcome_); }
  /// @throws Error  this picture's, where it failed.
  [[nodiscard]] const Value& value() const& { return checked(), std::get<Value>(outcome_); }
  [[nodiscard]] Value&& value() && { return checked(), std::get<Value>(std::move(outcome_)); }
  /// Only where ok() is false.
  [[nodiscard]] const Error& error() const { return std::get<Error>(outcome_); }

 private:
  void checked() const {
    if (!ok()) throw error();
  }
  std::variant<Value, Error> outcome_;
};

struct Classification {
  std::vector<Prediction> predictions;  // at most top_k, best first
  Logits logits;                        // [C]
  std::vector<float> probabilities;     // [C] softmax of the logits, or the sigmoid of each for a multi-label model;
                                        // empty for a regression, whose outputs are values
  Size size;                            // px, upright
  std::optional<UnknownVerdict> unknown = {};  // of a model that was learned with --unknown
};

struct Features {
  std::vector<float> values;       // row-major
  std::vector<std::size_t> shape;  // [D], or [T, D] for FeaturePool::kPatchTokens
};

/// What is explained, and how. The defaults are those of `fovea explain`.
struct ExplainRequest {
  /// Names out of explain_methods(). None: "rollout", or "libra" where a class is named.
  std::vector<std::string> methods = {};
  /// For methods that are about a class, one map for each of these: "top1", "top5" (each of the best five), "true" (the
  /// class that the file's folder is called after), or a class by index, WordNet id or label. None: "top1".
  std::vector<std::string> targets = {};
  /// Why the target rather than this class: the same words, but "top2" is the runner-up alone.
  std::optional<std::string> against = {};
  ExplainOptions options = {};
  bool faithfulness = false;  // measures how far each map can be trusted; runs the model some hundred times more
  Substrate substrate = Substrate::kPaint;  // of the faithfulness
};

/// One map of a picture.
struct ExplanationMap {
  const ExplainMethod* method = nullptr;  // never null: name, title, what its maps show
  std::string variant;                    // "mean heads, residual 0.5"
  std::optional<MapTarget> target;        // none: the map is the same for every class
  Heatmap heatmap;
  std::optional<ScoreSum> sum;               // what the target's logit is made of, where the map adds up to it
  std::optional<Faithfulness> faithfulness;  // where it was asked for
};

struct Explanation {
  Classification classification;
  std::vector<ExplanationMap> maps;  // in the order of the methods, for each in the order of the targets
  Image picture;                     // upright, every pixel: what overlays are drawn over
  CropGeometry geometry;             // where the maps lie in it
  PatchGrid patches;                 // of the picture; a map of pixels has a finer grid
};

/// How a model is loaded and what is said of its pictures. The defaults are those of the program.
struct ClassifierOptions {
  std::size_t threads = 0;  // compute threads of one call; 0: available_cores()
  /// None: auto, as LoadOptions::precision.
  std::optional<Precision> precision = {};
  /// The quick precision of a file of `fovea quantize --cascade` first, and `auto` where the classes could come out
  /// otherwise. Not with text embeddings; features are always computed in `auto`.
  bool cascade = false;
  std::optional<Size> image_size = {};                        // px; position embeddings are resampled
  std::string preprocess = "auto";                            // or whose pipeline, as RecipeOptions::preprocess
  bool test_size = false;                                     // as RecipeOptions::test_size
  std::size_t top_k = 5;                                      // predictions for each picture
  std::optional<std::filesystem::path> labels = {};           // class names, one a line or JSON
  std::optional<std::filesystem::path> text_embeddings = {};  // zero-shot: the file of --text-embeddings
  DecodeOptions decode = {};
};

/// A model that classifies and explains pictures: what the program's own verbs run on, so the numbers are the same to
/// the bit.
///
/// @code
///   fovea::Classifier classifier("weights/vit_tiny_tin200");
///   for (const auto& p : classifier.classify("cat.jpg").predictions) std::cout << *p.label << ' ' << p.probability;
///
///   // Why "tabby" rather than "tiger cat", drawn over the picture.
///   const auto why = classifier.explain("cat.jpg", {.targets = {"tabby"}, .against = "tiger cat"});
///   fovea::write_png("why.png", fovea::draw_overlay(why, 0));
///
///   // A folder: a file that cannot be read fails alone.
///   const std::vector<fovea::Picture> pictures(paths.begin(), paths.end());
///   for (const auto& result : classifier.classify(pictures)) {
///     if (result.ok()) use(result.value());
///   }
/// @endcode
///
/// Thread safety: all methods are const and may be called from any number of threads at once. A call runs on
/// `threads` threads of its own: several pictures side by side, a single one with all threads inside of it. A call
/// waits for no other. The weights are shared; the activations of a call are kept and reused by later calls. To use
/// all cores, give one call many pictures rather than making many calls. Moving and destroying are not thread-safe.
///
/// Errors: methods for one picture throw its Error. Methods for several return one Result for each picture, in their
/// order; they throw only what concerns the whole call, such as an unknown method, and Interrupted after
/// request_interrupt().
class Classifier {
 public:
  /// @param model    a folder (config.json and a checkpoint) or a checkpoint file
  /// @throws Error   as VisionTransformer::load(); kUsage for text embeddings that do not fit the model.
  explicit Classifier(const std::filesystem::path& model, const ClassifierOptions& options = {});
  /// A model that is loaded: precision, image_size, preprocess and labels are as it was loaded with.
  explicit Classifier(std::shared_ptr<const VisionTransformer> model, const ClassifierOptions& options = {});
  ~Classifier();
  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;

  [[nodiscard]] const ModelInfo& info() const noexcept;

  /// @throws Error  kNotFound, kUnreadable, kDecode, kTooLarge or kShape; kUsage for a model without classes.
  [[nodiscard]] Classification classify(const Picture& picture) const;
  [[nodiscard]] std::vector<Result<Classification>> classify(std::span<const Picture> pictures) const;

  /// @throws Error  as classify(); kUsage for an unknown method, class or option.
  [[nodiscard]] Explanation explain(const Picture& picture, const ExplainRequest& request = {}) const;
  [[nodiscard]] std::vector<Result<Explanation>> explain(std::span<const Picture> pictures,
                                                         const ExplainRequest& request = {}) const;

  /// Needs no classes.
  /// @throws Error  as classify(); kUsage if the model has no class token and the pool asks for it.
  [[nodiscard]] Features embed(const Picture& picture, FeaturePool pool = FeaturePool::kHead) const;
  [[nodiscard]] std::vector<Result<Features>> embed(std::span<const Picture> pictures,
                                                    FeaturePool pool = FeaturePool::kHead) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// @throws Error  kNotFound, kUnreadable, kDecode or kTooLarge.
[[nodiscard]] Image read_image(const std::filesystem::path& path, const DecodeOptions& options = {});
/// One map over the picture's own pixels, as `fovea explain` draws it: what the model never saw is dimmed.
/// @param map     index into explanation.maps
/// @throws Error  kUsage for an unknown colour map, or a map that there is not.
[[nodiscard]] Image draw_overlay(const Explanation& explanation, std::size_t map = 0, const OverlayStyle& style = {});
/// The picture and all its maps beside each other, as `fovea explain --panel` draws them.
/// @throws Error  kUsage for an unknown colour map.
[[nodiscard]] Image draw_panel(const Explanation& explanation, const OverlayStyle& style = {});
/// The bytes of a PNG file.
[[nodiscard]] std::vector<std::byte> png_bytes(const Image& image);
/// Written beside the target and renamed into place.
/// @throws Error  kOutput.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace fovea
