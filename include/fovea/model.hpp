// A Vision Transformer: what it is (ModelInfo), and its weights (VisionTransformer).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/image.hpp"
#include "fovea/precision.hpp"

namespace fovea {

/// One class of a model: `description` is the whole text ("tench, Tinca tinca"), label() its first name.
struct ClassLabel {
  std::optional<std::string> description;
  std::optional<std::string> synset;  // WordNet id such as "n01440764"
  [[nodiscard]] std::optional<std::string> label() const;
};

/// A tensor as it is stored, for `inspect -v`.
struct TensorInfo {
  std::string name;
  std::string dtype;  // safetensors' name, e.g. "F16"
  std::vector<std::size_t> shape;
};

/// Everything that can be said about a checkpoint without running it.
struct ModelInfo {
  std::string name;            // the folder's name
  std::filesystem::path path;  // the checkpoint file
  std::string format;          // e.g. "safetensors"
  Architecture architecture;
  PreprocessRecipe recipe;
  std::string recipe_source;       // where the recipe was read, e.g. "config.json (pretrained_cfg)"
  std::vector<ClassLabel> labels;  // one for each class, in order
  std::string labels_source;       // where the names were read; empty if the classes have none
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;         // as stored
  Precision precision = Precision::kF32;  // that it is run in
  std::optional<Precision> quantized;     // what `fovea quantize` stored it for; none: it is as it was trained
  std::string dtype;                      // the stored type, e.g. "F16", or "F16+F32" where mixed
  std::vector<TensorInfo> tensors;
  std::vector<std::string> assumptions;  // what no file said, e.g. "num_heads 3 from width 192 (64 a head)"
  bool multi_label = false;              // each class has its own probability: sigmoid in place of softmax
  std::optional<float> logit_scale;      // of CLIP and SigLIP: exp is taken already
  std::optional<float> logit_bias;       // of SigLIP
};

/// What the user knows better than the files.
struct LoadOptions {
  std::optional<Size> image_size;               // px; position embeddings are resampled by the family's rule
  std::optional<std::size_t> num_heads;         // where no config says it
  std::optional<std::filesystem::path> labels;  // class names, one a line or JSON; in place of the config's
  RecipeOptions recipe;
  /// None: what the file was quantised for, where this CPU has units for that, else fastest_full_precision().
  std::optional<Precision> precision = Precision::kF32;
};

/// Immutable after loading, shared by any number of sessions in any number of threads.
class VisionTransformer {
 public:
  struct Impl;

  /// @param model    a folder (config.json and a checkpoint) or a checkpoint file.
  /// @throws Error   kNotFound; kCheckpoint if it is damaged, incomplete or no known family; as require_precision().
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> load(const std::filesystem::path& model,
                                                                     const LoadOptions& options = {});
  /// A model of these sizes with random weights, for benchmarks and tests: same seed, same weights.
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> random(const Architecture& architecture,
                                                                       std::uint64_t seed,
                                                                       Precision precision = Precision::kF32);
  ~VisionTransformer();
  VisionTransformer(const VisionTransformer&) = delete;
  VisionTransformer& operator=(const VisionTransformer&) = delete;

  [[nodiscard]] const ModelInfo& info() const noexcept;
  [[nodiscard]] const Architecture& architecture() const noexcept { return info().architecture; }
  [[nodiscard]] const Impl& impl() const noexcept { return *impl_; }

 private:
  explicit VisionTransformer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Reads config and checkpoint header only; touches no weight.
/// @throws Error  as VisionTransformer::load.
[[nodiscard]] ModelInfo inspect_model(const std::filesystem::path& model, const LoadOptions& options = {});

/// SHA-256 over the checkpoint's tensor bytes (in name order) and its config.json, in lower-case hex.
[[nodiscard]] std::string model_sha256(const std::filesystem::path& model, const LoadOptions& options = {});
}  // namespace fovea
