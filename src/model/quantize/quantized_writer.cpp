#include "model/quantize/quantized_writer.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/numerics.hpp"
#include "checkpoint/formats/safetensors_writer.hpp"
#include "fovea/precision.hpp"
#include "model/config/config_files.hpp"
#include "model/quantize/cascade.hpp"
#include "model/quantize/quantized_file.hpp"
#include "model/weights/stored_part.hpp"
#include "model/weights/tensor_source.hpp"
#include "nn/linear/bf16_parts.hpp"

namespace fovea {
namespace {

template <typename T>
std::vector<std::byte> bytes_of(std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}

/// The tensors that are stored in another form than the checkpoint's.
class Replacements {
 public:
  using ByName = std::map<std::string, StoredTensor>;

  explicit Replacements(const OpenModel& model)
      : model_(model), source_(checkpoint_source(*model.checkpoint, *model.naming, model.info.architecture)) {}

  void put(const StoredLayer& layer) {
    const bool int8 = layer.precision == Precision::kInt8;
    for (const LayerPart& part : weight_parts(layer.kind, model_.info.architecture, *source_)) {
      int8 ? put_int8(layer, part) : put_bf16(layer.block, part);
    }
    if (int8 && !layer.smoothing.empty()) put_norm(layer);
  }
  [[nodiscard]] ByName take() && { return std::move(tensors_); }

 private:
  [[nodiscard]] const TensorView& tensor_of(Role role, Part part, std::size_t block) const {
    const TensorRule* rule = model_.naming->rule(role, part);
    assert(rule != nullptr);
    return *model_.checkpoint->find(model_.naming->tensor_name(*rule, block));
  }

  void put_bf16(std::size_t block, const LayerPart& part) {
    const TensorView& tensor = tensor_of(part.role, Part::kWeight, block);
    const std::vector<float> values = to_float(tensor);
    std::vector<std::uint16_t> rounded(values.size());
    nn::split_into_bf16(values, 1, rounded.data(), rounded.size());
    tensors_[tensor.name] = {tensor.name, DType::kBF16, tensor.shape, bytes_of<std::uint16_t>(rounded)};
  }

  void put_int8(const StoredLayer& layer, const LayerPart& part) {
    const TensorView& tensor = tensor_of(part.role, Part::kWeight, layer.block);
    const std::size_t in = layer.size.in;
    const auto integers = layer.integers.subspan(part.first * in, part.rows * in);
    const auto scales = layer.scales.subspan(part.first, part.rows);
    const std::string scale = tensor.name + std::string(kScaleSuffix);
    const TensorRule& rule = *model_.naming->rule(part.role, Part::kWeight);
    if (const auto some = stored_part(rule, model_.info.architecture, layer.block)) {
      put_rows<std::int8_t>(*some, {tensor.name, DType::kI8, tensor.shape, {}}, integers);
      return put_rows<float>(*some, {scale, DType::kF32, {tensor.shape[0]}, {}}, scales);
    }
    std::vector<std::int8_t> stored(integers.begin(), integers.end());
    if (rule.layout != Layout::kOutIn) {
      transpose<std::int8_t>(integers, part.rows, in, stored);
    }
    tensors_[tensor.name] = {tensor.name, DType::kI8, tensor.shape, bytes_of<std::int8_t>(stored)};
    tensors_[scale] = {scale, DType::kF32, {part.rows}, bytes_of(scales)};
  }

  /// Some rows of a tensor whose others another layer has.
  /// @param values  [some.rows.size(), columns]
  template <typename T>
  void put_rows(const StoredPart& some, StoredTensor whole, std::span<const T> values) {
    const std::size_t columns = values.size() / some.rows.size();
    whole.bytes.resize(whole.shape[0] * columns * sizeof(T));
    const std::string name = whole.name;
    std::vector<std::byte>& bytes = tensors_.try_emplace(name, std::move(whole)).first->second.bytes;
    const auto rows = std::as_bytes(values);
    const auto size = static_cast<std::ptrdiff_t>(columns * sizeof(T));
    for (std::size_t row = 0; row < some.rows.size(); ++row) {
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(row) * size, size,
                  bytes.begin() + static_cast<std::ptrdiff_t>(some.rows[row]) * size);
    }
  }

  /// The norm before a layer, each channel divided by the factor that the layer's weights were multiplied by.
  void put_norm(const StoredLayer& layer) {
    const Role norm = *norm_before(layer.kind, model_.info.architecture);
    for (const Part part : {Part::kWeight, Part::kBias}) {
      if (!source_->has(norm, part)) continue;
      std::vector<float> values(layer.size.in);
      source_->read(norm, part, layer.block, values);
      for (std::size_t j = 0; j < values.size(); ++j) values[j] /= layer.smoothing[j];
      const TensorView& tensor = tensor_of(norm, part, layer.block);
      tensors_[tensor.name] = {tensor.name, DType::kF32, tensor.shape, bytes_of<float>(values)};
    }
  }

  const OpenModel& model_;
  std::unique_ptr<TensorSource> source_;
  ByName tensors_;
};

}  // namespace

std::vector<StoredTensor> rounded_tensors(const OpenModel& model, std::span<const StoredLayer> layers) {
  Replacements replacements(model);
  for (const StoredLayer& layer : layers) replacements.put(layer);
  std::vector<StoredTensor> tensors;
  for (auto& [name, tensor] : std::move(replacements).take()) tensors.push_back(std::move(tensor));
  return tensors;
}

void write_quantized(const OpenModel& model, std::vector<StoredTensor> rounded, Precision precision,
                     const std::optional<CascadeInfo>& cascade, PendingFile& file) {
  std::vector<StoredTensor> tensors;
  tensors.reserve(model.checkpoint->tensors().size() + rounded.size());
  for (const TensorView& tensor : model.checkpoint->tensors()) {
    const auto replaced = std::lower_bound(rounded.begin(), rounded.end(), tensor.name,
                                           [](const StoredTensor& a, const std::string& b) { return a.name < b; });
    const bool has_twin = replaced != rounded.end() && replaced->name == tensor.name;
    if (cascade || !has_twin) tensors.push_back(stored_tensor(tensor));
  }
  for (StoredTensor& tensor : rounded) {
    if (cascade) tensor.name.insert(0, kQuickPrefix);
    tensors.push_back(std::move(tensor));
  }
  std::map<std::string, std::string> metadata = ConfigFiles(model.info.path, *model.checkpoint).carried();
  if (cascade) {
    metadata.merge(cascade_metadata(*cascade));
  } else {
    metadata[std::string(kQuantizedKey)] = name(precision);
  }
  if (model.config.empty()) metadata[std::string(kUsualRecipeKey)] = model.info.usual_recipe;
  write_safetensors(file, tensors, metadata);
}

}  // namespace fovea
