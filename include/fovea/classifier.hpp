// The short way in: a model, a picture, its classes and where the model looked.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fovea/explain.hpp"
#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"

namespace fovea {

struct Classification {
  Logits logits;
  std::vector<Prediction> predictions;  // best first
};

struct Explanation {
  Classification classification;
  Heatmap heatmap;
  CropGeometry geometry;  // where the heatmap lies in the picture
};

/// @code
///   fovea::Classifier classifier("weights/vit_tiny_tin200");
///   for (const auto& p : classifier.classify(fovea::read_image("cat.jpg")).predictions) ...
/// @endcode
class Classifier {
 public:
  explicit Classifier(const std::filesystem::path& model);
  explicit Classifier(std::shared_ptr<const VisionTransformer> model);
  ~Classifier();
  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;

  [[nodiscard]] const ModelInfo& info() const noexcept;
  [[nodiscard]] Classification classify(const Image& image, std::size_t top_k = 5);
  [[nodiscard]] Explanation explain(const Image& image, std::string_view method = "rollout",
                                    const ExplainOptions& options = {}, std::size_t top_k = 5);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// @throws Error  kNotFound, kUnreadable, kDecode or kTooLarge.
[[nodiscard]] Image read_image(const std::filesystem::path& path, const DecodeOptions& options = {});
/// The heatmap over the picture's own pixels; what the model never saw is dimmed.
[[nodiscard]] Image draw_overlay(const Image& image, const Explanation& explanation);
/// Written beside the target and renamed into place.
/// @throws Error  kOutput.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace fovea
