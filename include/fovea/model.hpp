// A Vision Transformer: what it is (ModelInfo), its weights (VisionTransformer) and a running copy (Session).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/tensor.hpp"

namespace fovea {

/// How the classes are read out of the tokens.
enum class ReadOut { kClassToken };

/// The sizes of a plain ViT in timm's terms.
struct Architecture {
  std::string name;             // timm's, e.g. "vit_tiny_patch16_224"; may be empty
  std::string family = "vit";   // the naming scheme that recognised it
  Size image_size{224, 224};    // px
  std::size_t patch_size = 16;  // px
  std::size_t embed_dim = 0;
  std::size_t depth = 0;
  std::size_t num_heads = 0;
  std::size_t mlp_hidden_dim = 0;
  std::size_t num_classes = 0;
  std::size_t num_prefix_tokens = 1;
  float layer_norm_eps = 1e-6F;
  ReadOut read_out = ReadOut::kClassToken;

  [[nodiscard]] PatchGrid grid() const noexcept {
    return {static_cast<std::size_t>(image_size.height) / patch_size,
            static_cast<std::size_t>(image_size.width) / patch_size};
  }
  [[nodiscard]] std::size_t tokens() const noexcept { return num_prefix_tokens + grid().size(); }
  [[nodiscard]] std::size_t patch_dim() const noexcept { return 3 * patch_size * patch_size; }
};

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
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;  // as stored
  std::string dtype;               // the stored type, e.g. "F16", or "F16+F32" where mixed
  std::vector<TensorInfo> tensors;
  std::vector<std::string> assumptions;  // what no file said, e.g. "num_heads 3 from width 192 (64 a head)"
};

/// Raw scores, one for each class, before softmax.
using Logits = std::vector<float>;

/// Called for each block, first to last, and in it for each image of the batch, in order.
/// The view is valid only during the call.
using AttentionObserver = std::function<void(std::size_t image, const AttentionView&)>;

/// The arithmetic of the linear layers.
enum class Precision { kF32 };
[[nodiscard]] std::string_view name(Precision precision) noexcept;

/// Immutable after loading, shared by any number of sessions in any number of threads.
class VisionTransformer {
 public:
  struct Impl;

  /// @param model    a folder (config.json and a checkpoint) or a checkpoint file.
  /// @throws Error   kNotFound; kCheckpoint if it is damaged, incomplete or no known family.
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> load(const std::filesystem::path& model);
  /// A model of these sizes with random weights, for benchmarks and tests: same seed, same weights.
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> random(const Architecture& architecture,
                                                                       std::uint64_t seed);
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

/// One for each inference thread: activations and compiled primitives, reused for any number of images.
class Session {
 public:
  Session(std::shared_ptr<const VisionTransformer> model, std::size_t max_batch);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  [[nodiscard]] std::size_t max_batch() const noexcept;
  /// @param patches  [n, T, 3·P·P], normalised, each patch channel-major (3, P, P); 1 <= n <= max_batch.
  /// @return         n rows of logits.
  /// @throws Error   kShape if patches is no whole number of images or too many of them.
  [[nodiscard]] std::vector<Logits> run(std::span<const float> patches, const AttentionObserver& observe = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads config and checkpoint header only; touches no weight.
/// @throws Error  as VisionTransformer::load.
[[nodiscard]] ModelInfo inspect_model(const std::filesystem::path& model);

/// The sizes behind one of timm's architecture names ("vit_base_patch16_224").
/// @throws Error  kUsage for a name that is not in the table; the hint says which is nearest.
[[nodiscard]] Architecture timm_architecture(std::string_view name);
/// All names that timm_architecture() knows.
[[nodiscard]] std::vector<std::string> timm_architecture_names();

/// SHA-256 over the checkpoint's tensor bytes (in name order) and its config.json, in lower-case hex.
[[nodiscard]] std::string model_sha256(const std::filesystem::path& model);
/// SHA-256 of these bytes, in lower-case hex.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// The threads that the calling thread's sessions compute with.
void set_compute_threads(int threads);
[[nodiscard]] int available_cores();

/// What the machine is and can do, measured where it says measured.
struct MachineInfo {
  std::string cpu;
  std::string isa;      // the widest instruction set that the kernels use here, e.g. "avx512_core_vnni"
  std::string backend;  // e.g. "oneDNN 2.6.3"
  int cores = 1;
};
[[nodiscard]] MachineInfo machine_info();
/// Measured now, on `threads` threads: the rate of independent f32 fused multiply-adds, in GFLOP/s.
[[nodiscard]] double measure_fma_peak_gflops(int threads);
/// Measured now: the best f32 matrix product rate of the backend over a few large shapes, in GFLOP/s.
[[nodiscard]] double measure_matmul_peak_gflops(int threads);

}  // namespace fovea
