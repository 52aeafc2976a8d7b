#include "model/vision_transformer.hpp"

#include <utility>

#include "base/files.hpp"
#include "checkpoint/sha256.hpp"
#include "model/checkpoint_folder.hpp"

namespace fovea {

VisionTransformer::VisionTransformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VisionTransformer::~VisionTransformer() = default;
const ModelInfo& VisionTransformer::info() const noexcept {
  return impl_->info;
}

std::shared_ptr<const VisionTransformer> VisionTransformer::load(const std::filesystem::path& model) {
  OpenModel open = open_model(model);
  auto impl = std::make_unique<Impl>();
  impl->weights =
      pack_weights(open.info.architecture, impl->precision, checkpoint_source(*open.checkpoint, *open.family));
  impl->info = std::move(open.info);
  return std::shared_ptr<const VisionTransformer>(new VisionTransformer(std::move(impl)));
}

std::shared_ptr<const VisionTransformer> VisionTransformer::random(const Architecture& architecture,
                                                                   std::uint64_t seed) {
  auto impl = std::make_unique<Impl>();
  std::uint64_t parameters = 0;
  const TensorSource random = random_source(seed);
  const TensorSource counting = [&](Role role, std::size_t block, std::span<float> values) {
    parameters += values.size();
    random(role, block, values);
  };
  impl->weights = pack_weights(architecture, impl->precision, counting);
  impl->info.name = architecture.name;
  impl->info.format = "random";
  impl->info.architecture = architecture;
  impl->info.recipe.input_size = architecture.image_size;
  impl->info.recipe_source = "assumed: the weights are random";
  impl->info.labels.resize(architecture.num_classes);
  impl->info.parameters = parameters;
  impl->info.weight_bytes = parameters * sizeof(float);
  impl->info.dtype = "F32";
  return std::shared_ptr<const VisionTransformer>(new VisionTransformer(std::move(impl)));
}

ModelInfo inspect_model(const std::filesystem::path& model) {
  return open_model(model).info;
}

std::string model_sha256(const std::filesystem::path& model) {
  const OpenModel open = open_model(model);
  Sha256 hash;
  for (const TensorView& tensor : open.checkpoint->tensors()) hash.update(tensor.bytes);
  if (!open.config.empty()) hash.update(read_file(open.config));
  return hash.hex();
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return hash.hex();
}

std::optional<std::string> ClassLabel::label() const {
  if (!description) return std::nullopt;
  return description->substr(0, description->find(','));
}

}  // namespace fovea
