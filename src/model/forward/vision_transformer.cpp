#include "model/forward/vision_transformer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/files.hpp"
#include "base/process/interrupt.hpp"
#include "base/sha256.hpp"
#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "model/config/checkpoint_folder.hpp"
#include "model/recipe/recipe.hpp"

namespace fovea {
namespace {

/// Passes on what another source gives, and counts it.
class CountingSource final : public TensorSource {
 public:
  explicit CountingSource(std::unique_ptr<TensorSource> source) : source_(std::move(source)) {}
  [[nodiscard]] bool has(Role role, Part part) const override { return source_->has(role, part); }
  void read(Role role, Part part, std::size_t block, std::span<float> values) const override {
    values_ += values.size();
    source_->read(role, part, block, values);
  }
  [[nodiscard]] std::uint64_t values() const noexcept { return values_; }

 private:
  std::unique_ptr<TensorSource> source_;
  mutable std::atomic<std::uint64_t> values_ = 0;
};

/// Packing reads every weight: what it finds wrong is the file's.
ModelWeights packed(const OpenModel& open) {
  try {
    const auto source = checkpoint_source(*open.checkpoint, *open.naming, open.info.architecture);
    return pack_weights(open.info.architecture, open.info.precision, *source);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCheckpoint) throw;
    throw Error(error.code(), printable(open.info.path) + ": " + error.what(), error.hint());
  }
}

/// How weights are read once more: class names change none, and their file may be a pipe, which was read already.
LoadOptions without_labels(const LoadOptions& options) {
  LoadOptions again = options;
  again.labels = std::nullopt;
  return again;
}

/// How the other form of a cascade's file is opened.
/// @throws Error  kUsage for a file that has no other form.
LoadOptions of_quick_form(const LoadOptions& options, const ModelInfo& info) {
  if (!info.cascade) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{}: a cascade is asked for, expected a file that was made for one", printable(info.path)),
        "`fovea quantize MODEL OUT.safetensors --cascade --calibrate PHOTOS` writes one; then -m OUT.safetensors");
  }
  LoadOptions quick = without_labels(options);
  quick.cascade = false;
  quick.precision = info.cascade->quick;
  return quick;
}

}  // namespace

VisionTransformer::VisionTransformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VisionTransformer::~VisionTransformer() = default;
const ModelInfo& VisionTransformer::info() const noexcept {
  return impl_->info;
}
const std::shared_ptr<const VisionTransformer>& VisionTransformer::quick() const noexcept {
  return impl_->quick;
}

std::shared_ptr<const VisionTransformer> VisionTransformer::load(const std::filesystem::path& model,
                                                                 const LoadOptions& options) {
  if (options.precision) require_precision(*options.precision);
  if (options.cascade && options.precision) {
    throw Error(ErrorCode::kUsage, "a cascade is asked for in one precision, expected no precision beside it");
  }
  OpenModel open = open_model(model, options);
  std::shared_ptr<const VisionTransformer> quick;
  if (options.cascade) quick = load(model, of_quick_form(options, open.info));
  const auto read_again = [model, options = without_labels(options)](const auto& read) {
    const OpenModel again = open_model(model, options);
    return read(*checkpoint_source(*again.checkpoint, *again.naming, again.info.architecture));
  };
  auto shared = std::make_shared<SharedWeights>(open.info.architecture, open.info.precision, read_again);
  shared->weights = packed(open);
  auto impl = std::make_unique<Impl>(std::move(open.info), std::move(shared));
  impl->quick = std::move(quick);
  return ModelAccess::make(std::move(impl));
}

std::shared_ptr<const VisionTransformer> VisionTransformer::random(const Architecture& architecture, std::uint64_t seed,
                                                                   Precision precision) {
  require_precision(precision);
  const auto read_again = [architecture, seed](const auto& read) { return read(*random_source(architecture, seed)); };
  auto shared = std::make_shared<SharedWeights>(architecture, precision, read_again);
  const CountingSource source(random_source(architecture, seed));
  shared->weights = pack_weights(architecture, precision, source);
  ModelInfo info;
  info.precision = precision;
  info.name = architecture.name;
  info.format = "random";
  info.architecture = architecture;
  info.recipe = timm_recipe(architecture.image_size, 0.9);
  info.recipe_source = "none: the weights are random";
  info.labels.resize(architecture.num_classes);
  info.parameters = source.values();
  info.weight_bytes = source.values() * sizeof(float);
  info.dtype = "F32";
  return ModelAccess::make(std::make_unique<Impl>(std::move(info), std::move(shared)));
}

std::shared_ptr<const VisionTransformer> VisionTransformer::at(Size image_size) const {
  ModelInfo info = impl_->info;
  Architecture& a = info.architecture;
  const auto fail = [&](const std::string& expected) {
    throw Error(ErrorCode::kShape, fmt::format("{}: pictures of {}x{} px (height x width) are to be fed, expected {}",
                                               printable(info.path), image_size.height, image_size.width, expected));
  };
  const std::size_t most = std::exchange(a.max_patches, 0);
  if (most == 0 && image_size != a.image_size) fail(fmt::format("{}x{}", a.image_size.height, a.image_size.width));
  const auto patch = static_cast<int>(a.patch_size);
  const bool whole = std::min(image_size.height, image_size.width) > 0 && image_size.height % patch == 0 &&
                     image_size.width % patch == 0;
  a.image_size = image_size;
  if (most > 0 && (!whole || a.grid().size() > most)) {
    fail(fmt::format("at most {} whole patches of {} px", most, patch));
  }
  info.recipe = with_input_size(std::move(info.recipe), image_size);
  return ModelAccess::make(std::make_unique<Impl>(std::move(info), impl_->shared));
}

void require_one_size(const ModelInfo& model) {
  if (model.architecture.max_patches == 0) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: the model is fed each picture at a size of its own, expected a model of one size",
                          printable(model.path)),
              "VisionTransformer::at() gives the model for one size, which fed_size() tells of a picture");
}

ModelInfo inspect_model(const std::filesystem::path& model, const LoadOptions& options) {
  return open_model(model, options).info;
}

std::string model_sha256(const std::filesystem::path& model, const LoadOptions& options) {
  Sha256 hash;
  const auto add_tensors = [&](const OpenModel& open) {
    for (const TensorView& tensor : open.checkpoint->tensors()) {
      stop_if_interrupted();
      visit_bytes(tensor, [&](std::span<const std::byte> run) { hash.update(run); });
    }
  };
  const OpenModel open = open_model(model, options);
  add_tensors(open);
  if (options.cascade) add_tensors(open_model(model, of_quick_form(options, open.info)));
  hash.update(std::as_bytes(std::span(open.config)));
  if (!open.info.learned.empty()) {  // what they say changes rows, and no tensor
    for (const auto& [key, text] : open.checkpoint->metadata()) {
      if (!key.starts_with("fovea.")) continue;
      hash.update(std::as_bytes(std::span(key)));
      hash.update(std::as_bytes(std::span(text)));
    }
  }
  return hash.hex();
}

std::string_view name(Activation activation) noexcept {
  switch (activation) {
    case Activation::kNone: return "none";
    case Activation::kGelu: return "gelu";
    case Activation::kGeluTanh: return "gelu_tanh";
    case Activation::kQuickGelu: return "quick_gelu";
    case Activation::kSilu: return "silu";
  }
  return "";
}

std::string_view name(ReadOut read_out) noexcept {
  switch (read_out) {
    case ReadOut::kClassToken: return "class token";
    case ReadOut::kClassAndDistToken: return "class and distillation token, averaged";
    case ReadOut::kPatchMean: return "average of the patch tokens";
    case ReadOut::kClassAndPatchMean: return "class token and average of the patch tokens";
    case ReadOut::kAttentionPool: return "attention pool";
  }
  return "";
}

std::optional<std::string> ClassLabel::label() const {
  if (!description) return std::nullopt;
  return description->substr(0, description->find(','));
}

}  // namespace fovea
