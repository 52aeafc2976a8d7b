#include "model/quantize/rounded_model.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fovea/precision.hpp"
#include "model/forward/vision_transformer.hpp"
#include "model/quantize/quantized_file.hpp"
#include "model/weights/tensor_source.hpp"

namespace fovea {
namespace {

/// A checkpoint with some of its tensors in another form.
class RoundedCheckpoint final : public Checkpoint {
 public:
  RoundedCheckpoint(const Checkpoint& original, std::vector<StoredTensor> rounded, Precision precision)
      : original_(original), rounded_(std::move(rounded)), precision_(precision) {
    for (const StoredTensor& tensor : rounded_) {
      tensors_.push_back({.name = tensor.name, .dtype = tensor.dtype, .shape = tensor.shape, .bytes = tensor.bytes});
    }
    const std::size_t count = tensors_.size();
    for (const TensorView& tensor : original.tensors()) {
      const auto end = tensors_.begin() + static_cast<std::ptrdiff_t>(count);
      if (std::none_of(tensors_.begin(), end, [&](const TensorView& other) { return other.name == tensor.name; })) {
        tensors_.push_back(tensor);
      }
    }
    std::sort(tensors_.begin(), tensors_.end(),
              [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  }
  [[nodiscard]] std::string_view format() const noexcept override { return original_.format(); }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }
  [[nodiscard]] std::map<std::string, std::string> metadata() const override {
    return {{std::string(kQuantizedKey), std::string(name(precision_))}};
  }

 private:
  const Checkpoint& original_;
  std::vector<StoredTensor> rounded_;
  Precision precision_;
  std::vector<TensorView> tensors_;
};

}  // namespace

std::shared_ptr<const VisionTransformer> load_rounded(const OpenModel& model, std::vector<StoredTensor> rounded,
                                                      Precision precision) {
  require_precision(precision);
  const auto checkpoint = std::make_shared<RoundedCheckpoint>(*model.checkpoint, std::move(rounded), precision);
  const Architecture& architecture = model.info.architecture;
  const auto read = [checkpoint, naming = *model.naming, architecture](const auto& use) {
    return use(*checkpoint_source(*checkpoint, naming, architecture));
  };
  auto shared = std::make_shared<SharedWeights>(architecture, precision, read);
  shared->weights = read([&](const TensorSource& source) { return pack_weights(architecture, precision, source); });
  ModelInfo info = model.info;
  info.precision = precision;
  info.quantized = precision;
  return ModelAccess::make(std::make_unique<ModelAccess::Impl>(std::move(info), std::move(shared)));
}

}  // namespace fovea
