// A Vision Transformer: its description (ModelInfo) and its weights (VisionTransformer).
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

/// One class of a model: `description` is the whole text ("tench, Tinca tinca"), label() the first name in it.
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

/// What `fovea quantize --cascade` measured on pictures that it had not calibrated with: how much the difference
/// between two of a picture's best logits changes when the model runs in its quick precision.
struct CascadeInfo {
  Precision quick = Precision::kInt8;
  std::size_t pictures = 0;  // that it was measured on
  double largest = 0;        // change that was seen
  double rms = 0;            // of the changes
  double risk = 1e-4;        // how often a change may exceed the estimate
  /// The change that normally distributed changes of this rms exceed with the probability `risk`.
  [[nodiscard]] double estimate() const;
  /// Logits nearer to each other than this are computed again: the larger of the estimate and `largest`.
  [[nodiscard]] double margin() const;
  /// An upper bound, at 95 % confidence and without assumptions, on the share of like pictures with a change above
  /// `largest`: 3 in `pictures`, nearly.
  [[nodiscard]] double largest_exceeded() const;
};

/// When a picture is of none of a learned model's classes: it is stranger than the threshold (`fovea learn --unknown`).
/// How strange it is says the larger of two shares of the held-out pictures of the classes: of those whose energy or
/// distance is less than its own, and of those whose fifth neighbour is nearer than its own.
struct UnknownRule {
  enum class By {
    kEnergy,    // -log Σ exp(logit)
    kDistance,  // squared, from projection · features to the nearest centre, divided by r
  };
  By by = By::kEnergy;
  double threshold = 0;           // 0 to 1
  double share = 0;               // of pictures of the classes that the threshold was to call unknown
  std::vector<float> projection;  // [r, pooled_dim]; empty for kEnergy
  std::vector<float> centres;     // [C, r]
  std::vector<float> neighbours;  // [n, pooled_dim] features that were learned from, each of length 1
  std::vector<float> known_near;  // [m] rising: energies or distances of held-out pictures
  std::vector<float> known_far;   // [m] rising: 1 less the cosine of their fifth neighbours
};

/// Everything that is known about a checkpoint without running it.
struct ModelInfo {
  std::string name;            // the folder's name
  std::filesystem::path path;  // the checkpoint file
  std::string format;          // e.g. "safetensors"
  std::string weights_key;     // key of the weights in a training checkpoint, "state_dict_ema"; else empty
  std::string stripped;        // what wrappers had added to the tensors' names, "_orig_mod., module."; else empty
  Architecture architecture;
  PreprocessRecipe recipe;
  std::string recipe_source;       // where the recipe was read from, e.g. "config.json (pretrained_cfg)"
  std::string usual_recipe;        // --preprocess's name of its family's recipe, for models whose files state none
  std::vector<ClassLabel> labels;  // one for each class, in order
  std::string labels_source;       // where the names were read from; empty if the classes have none
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;         // as stored
  Precision precision = Precision::kF32;  // the arithmetic it runs in
  std::optional<CascadeInfo> cascade;     // what the file was measured for, if it holds a quick form, too
  std::optional<Precision> quantized;     // what `fovea quantize` stored it for; none: as trained
  std::string dtype;                      // the stored type, e.g. "F16", or "F16+F32" where mixed
  std::vector<TensorInfo> tensors;
  std::vector<std::string> assumptions;     // facts that no file states, e.g. "num_heads 3 from width 192 (64 a head)"
  bool multi_label = false;                 // each class has its own probability: sigmoid instead of softmax
  bool regression = false;                  // the outputs are values: there are no probabilities
  std::vector<std::string> ignored_config;  // keys of its config that are ignored because the user says so
  std::string learned;                      // how `fovea learn` made the head, as JSON; empty: it did not
  double temperature = 1;                   // of a learned head: its logits are divided by it already
  std::optional<UnknownRule> unknown;       // of a learned head
  std::optional<float> logit_scale;         // CLIP and SigLIP only; exp is already applied
  std::optional<float> logit_bias;          // SigLIP only
};

/// Settings that override the model's files.
struct LoadOptions {
  std::optional<Size> image_size = {};               // px; position embeddings are resampled by the family's rule
  std::optional<std::size_t> num_heads = {};         // for models whose files do not state it
  std::optional<std::filesystem::path> labels = {};  // class names, one a line or JSON; they replace the config's
  RecipeOptions recipe = {};
  std::string weights = {};                     // key of the dict in a training checkpoint; empty: timm's choice
  std::vector<std::string> ignore_config = {};  // dotted keys of the config files to ignore
  /// Loads the quick form of a cascade's file, too, as VisionTransformer::quick(). The model itself is the exact one.
  bool cascade = false;
  /// A cascade's quick precision loads its quick form. None: the precision the file was quantised for if this CPU has
  /// the units, else fastest_full_precision().
  std::optional<Precision> precision = {};
};

/// Immutable after loading; any number of sessions in any number of threads may share it.
class VisionTransformer {
 public:
  /// @param model    a folder (config.json and a checkpoint) or a checkpoint file.
  /// @throws Error   kNotFound; kCheckpoint if it is damaged, incomplete or of no known family; and as
  /// require_precision().
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> load(const std::filesystem::path& model,
                                                                     const LoadOptions& options = {});
  /// A model of these sizes with random weights, for benchmarks and tests. The same seed gives the same weights.
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> random(const Architecture& architecture,
                                                                       std::uint64_t seed,
                                                                       Precision precision = Precision::kF32);
  ~VisionTransformer();
  VisionTransformer(const VisionTransformer&) = delete;
  VisionTransformer& operator=(const VisionTransformer&) = delete;

  [[nodiscard]] const ModelInfo& info() const noexcept;
  [[nodiscard]] const Architecture& architecture() const noexcept { return info().architecture; }
  /// The model for pictures that are fed at this size: it shares the weights, and its positions are resampled. A model
  /// that feeds each picture at a size of its own (Architecture::max_patches) runs as one of these; fed_size() tells a
  /// picture's size.
  /// @param image_size  px
  /// @throws Error      kShape for a size that no picture is fed at.
  [[nodiscard]] std::shared_ptr<const VisionTransformer> at(Size image_size) const;
  /// The same model in its cascade's quick precision; null unless it was loaded as a cascade.
  [[nodiscard]] const std::shared_ptr<const VisionTransformer>& quick() const noexcept;

 private:
  struct Impl;
  friend struct ModelAccess;
  explicit VisionTransformer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Reads only the config and the checkpoint's header, never a weight.
/// @throws Error  as VisionTransformer::load.
[[nodiscard]] ModelInfo inspect_model(const std::filesystem::path& model, const LoadOptions& options = {});

/// SHA-256 over the checkpoint's tensor bytes (in name order) and its config.json, in lower-case hex.
[[nodiscard]] std::string model_sha256(const std::filesystem::path& model, const LoadOptions& options = {});
}  // namespace fovea
