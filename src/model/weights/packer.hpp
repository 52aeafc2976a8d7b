// Reads layers from where weights come from, and packs them for the machine.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/precision.hpp"
#include "fovea/tensor.hpp"
#include "model/weights/block_layers.hpp"
#include "model/weights/relative_positions.hpp"
#include "model/weights/tensor_source.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// A linear layer as it is read, before it is packed.
struct DenseLayer {
  std::size_t in;
  std::span<float> weight;  // [out, in]
  std::vector<float> bias;  // [out]

  [[nodiscard]] std::span<float> weight_rows(std::size_t first, std::size_t count) const {
    return weight.subspan(first * in, count * in);
  }
  [[nodiscard]] std::span<float> bias_rows(std::size_t first, std::size_t count) {
    return std::span(bias).subspan(first, count);
  }
};

/// Reads layers through one buffer that grows to the largest of them.
class Packer {
 public:
  enum class Direction { kForward, kBackward };
  Packer(const Architecture& architecture, Precision precision, const TensorSource& source,
         Direction direction = Direction::kForward)
      : a_(architecture), precision_(precision), source_(source), direction_(direction) {}

  [[nodiscard]] std::vector<float> values(Role role, Part part, std::size_t block, std::size_t count) const {
    return read_values(source_, role, part, block, count);
  }
  [[nodiscard]] NormWeights norm(Role role, std::size_t features, std::size_t block = 0) const {
    return {values(role, Part::kWeight, block, features), values(role, Part::kBias, block, features)};
  }
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> linear(Role role, std::size_t out, std::size_t in,
                                                          std::size_t block = 0) {
    DenseLayer layer = dense(out, in);
    read_bias(role, block, layer, 0, out);
    return pack(precision_, weight_of({{role, 0, out}}, block, layer), layer.bias);
  }
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> linear_if_any(Role role, std::size_t out, std::size_t in) {
    return source_.has(role, Part::kWeight) ? linear(role, out, in) : nullptr;
  }

  [[nodiscard]] EncoderBlockWeights block(std::size_t index) {
    const std::size_t width = a_.embed_dim;
    EncoderBlockWeights weights;
    weights.norm1 = norm(Role::kNorm1, width, index);
    weights.qkv = block_layer(BlockLayer::kQkv, index);
    weights.q_norm = norm(Role::kQNorm, a_.head_dim(), index);
    weights.k_norm = norm(Role::kKNorm, a_.head_dim(), index);
    if (a_.relative_position_bias && direction_ == Direction::kForward) {
      weights.attention_bias = attention_bias(a_, source_, index);
    }
    if (a_.differential_attention) read_differential(index, weights);
    weights.attention_norm = norm(Role::kAttentionNorm, width, index);
    weights.proj = block_layer(BlockLayer::kProj, index);
    weights.norm2 = norm(Role::kNorm2, width, index);
    weights.fc1 = block_layer(BlockLayer::kFc1, index);
    weights.mlp_norm = norm(Role::kMlpNorm, a_.mlp_hidden_dim, index);
    weights.fc2 = block_layer(BlockLayer::kFc2, index);
    source_.forget();  // packed weights replace the mapped ones; both at once would double the memory
    // What large weights were split into goes back to the system, too: every thread's heap would keep it. Small weights
    // are read faster into memory that is there already.
    constexpr std::size_t kLarge = std::size_t{1} << 20;
    if (width * a_.mlp_hidden_dim > kLarge) ::malloc_trim(0);
    return weights;
  }

  /// The attention pool and the heads.
  void read_out(ModelWeights& weights) {
    if (a_.read_out == ReadOut::kAttentionPool) weights.pool = attention_pool();
    weights.head = linear_if_any(Role::kHead, a_.num_classes, a_.pooled_dim());
    weights.head_dist = linear_if_any(Role::kHeadDist, a_.num_classes, a_.embed_dim);
    weights.projection = linear_if_any(Role::kProjection, a_.projection_dim, a_.embed_dim);
  }

  [[nodiscard]] AttentionPoolWeights attention_pool() {
    const std::size_t width = a_.embed_dim;
    DenseLayer qkv = dense(3 * width, width);
    if (source_.has(Role::kPoolQkv, Part::kWeight)) {
      read_rows(Role::kPoolQkv, 0, qkv, 0, 3 * width);
    } else {
      read_rows(Role::kPoolQuery, 0, qkv, 0, width);
      read_rows(Role::kPoolKeyValue, 0, qkv, width, 2 * width);
    }
    AttentionPoolWeights weights;
    const std::vector<float> latent = values(Role::kPoolLatent, Part::kWeight, 0, width);
    weights.query.reserve(width);
    for (std::size_t o = 0; o < width; ++o) {
      auto sum = static_cast<double>(qkv.bias[o]);
      const std::span<const float> row = qkv.weight_rows(o, 1);
      for (std::size_t i = 0; i < width; ++i) sum += static_cast<double>(row[i]) * static_cast<double>(latent[i]);
      weights.query.push_back(static_cast<float>(sum));
    }
    weights.kv = pack({qkv.weight_rows(width, 2 * width), 2 * width, width}, qkv.bias_rows(width, 2 * width));
    weights.proj = linear(Role::kPoolProj, width, width);
    weights.norm = norm(Role::kPoolNorm, width);
    weights.fc1 = linear(Role::kPoolFc1, a_.pool_hidden_dim, width);
    weights.fc2 = linear(Role::kPoolFc2, width, a_.pool_hidden_dim);
    return weights;
  }

  /// The rows of v in qkv.
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> value_layer(std::size_t block) {
    const std::size_t width = a_.embed_dim;
    auto [parts, layer, gamma] = parts_of(BlockLayer::kQkv, block);
    const MatrixView<const float> qkv = weight_of(parts, block, layer, gamma);
    return pack({qkv.values().last(width * width), width, width}, layer.bias_rows(2 * width, width));
  }

  [[nodiscard]] AbsoluteLayer absolute_block_layer(BlockLayer kind, std::size_t block) {
    const auto [parts, layer, gamma] = parts_of(kind, block);
    return absolute(weight_of(parts, block, layer, gamma), layer.bias);
  }
  [[nodiscard]] AbsoluteLayer absolute_if_any(Role role, std::size_t out, std::size_t in) {
    if (!source_.has(role, Part::kWeight)) return {};
    DenseLayer layer = dense(out, in);
    read_bias(role, 0, layer, 0, out);
    return absolute(weight_of({{role, 0, out}}, 0, layer), layer.bias);
  }

 private:
  [[nodiscard]] AbsoluteLayer absolute(MatrixView<const float> weight, std::vector<float> bias) const {
    const auto size = [](float value) { return std::abs(value); };
    std::vector<float> values(weight.values().size());
    std::transform(weight.values().begin(), weight.values().end(), values.begin(), size);
    std::transform(bias.begin(), bias.end(), bias.begin(), size);
    const MatrixView<const float> sizes(values, weight.rows(), weight.cols());
    return {nn::pack_linear(precision_, sizes, bias), nn::pack_linear_backward(precision_, sizes, bias)};
  }
  [[nodiscard]] DenseLayer dense(std::size_t out, std::size_t in) {
    if (buffer_.size() < out * in) buffer_ = AlignedBuffer<float>(out * in);
    return {in, buffer_.first(out * in), std::vector<float>(out, 0.0F)};
  }
  /// Weight, and bias if there is one, of `role` into some of the layer's rows.
  void read_rows(Role role, std::size_t block, DenseLayer& layer, std::size_t first, std::size_t count) const {
    source_.read(role, Part::kWeight, block, layer.weight_rows(first, count));
    read_bias(role, block, layer, first, count);
  }
  void read_bias(Role role, std::size_t block, DenseLayer& layer, std::size_t first, std::size_t count) const {
    if (source_.has(role, Part::kBias)) source_.read(role, Part::kBias, block, layer.bias_rows(first, count));
  }
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> pack(MatrixView<const float> weight,
                                                        std::span<const float> bias) const {
    return pack(precision_, weight, bias);
  }
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> pack(Precision precision, MatrixView<const float> weight,
                                                        std::span<const float> bias) const {
    return direction_ == Direction::kForward ? nn::pack_linear(precision, weight, bias)
                                             : nn::pack_linear_backward(precision, weight, bias);
  }

  /// The layer as it is read, without its weight; bias and gamma have the layer scale, where there is one.
  struct BlockLayerParts {
    std::vector<LayerPart> weight;
    DenseLayer layer;
    std::vector<float> gamma;
  };
  [[nodiscard]] BlockLayerParts parts_of(BlockLayer kind, std::size_t block) {
    const auto [out, in] = size_of(kind, a_);
    DenseLayer layer = dense(out, in);
    for (const LayerPart& part : bias_parts(kind, a_, source_)) {
      source_.read(part.role, Part::kBias, block, layer.bias_rows(part.first, part.rows));
    }
    const auto scale = layer_scale_of(kind);
    std::vector<float> gamma = scale ? values(*scale, Part::kWeight, block, out) : std::vector<float>();
    for (std::size_t o = 0; o < gamma.size(); ++o) layer.bias[o] *= gamma[o];
    return {weight_parts(kind, a_, source_), std::move(layer), std::move(gamma)};
  }

  [[nodiscard]] std::unique_ptr<nn::LinearWeights> block_layer(BlockLayer kind, std::size_t block) {
    const auto [parts, layer, gamma] = parts_of(kind, block);
    const Precision precision = precision_of(parts, block);
    if (precision == Precision::kInt8 && source_.stored_in(parts.front().role, block)) {
      return integers(parts, block, layer, gamma);
    }
    return pack(precision, weight_of(parts, block, layer, gamma), layer.bias);
  }

  /// Read into the layer; or in place in the file, which saves a copy, if that is one tensor in the form that is
  /// needed.
  [[nodiscard]] MatrixView<const float> weight_of(const std::vector<LayerPart>& parts, std::size_t block,
                                                  const DenseLayer& layer, std::span<const float> gamma = {}) const {
    const std::size_t out = layer.bias.size();
    if (parts.size() == 1 && gamma.empty()) {
      const std::span<const float> in_file = source_.in_place(parts.front().role, Part::kWeight, block);
      if (!in_file.empty()) return {in_file, out, layer.in};
    }
    for (const LayerPart& part : parts) {
      source_.read(part.role, Part::kWeight, block, layer.weight_rows(part.first, part.rows));
    }
    for (std::size_t o = 0; o < gamma.size(); ++o) {
      for (float& weight : layer.weight_rows(o, 1)) weight *= gamma[o];
    }
    return {layer.weight, out, layer.in};
  }

  /// A model in int8 has layers in bfloat16, too. Where there are no units for bfloat16, a full precision takes its
  /// place.
  [[nodiscard]] Precision precision_of(const std::vector<LayerPart>& parts, std::size_t block) const {
    if (precision_ != Precision::kInt8) return precision_;
    const Precision usual = keeps_out_of_int8(block) ? Precision::kBf16 : Precision::kInt8;
    Precision finest = Precision::kInt8;
    for (const LayerPart& part : parts) {
      finest = std::min(finest, source_.stored_in(part.role, block).value_or(usual));
    }
    return finest != Precision::kF32 && has_units(finest) ? finest : fastest_full_precision();
  }

  /// As the file has them: nothing is rounded twice.
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> integers(const std::vector<LayerPart>& parts, std::size_t block,
                                                            const DenseLayer& layer,
                                                            std::span<const float> gamma) const {
    const std::size_t out = layer.bias.size();
    std::vector<std::int8_t> weight(out * layer.in);
    std::vector<float> scales(out);
    for (const LayerPart& part : parts) {
      source_.read_integers(part.role, block, std::span(weight).subspan(part.first * layer.in, part.rows * layer.in),
                            std::span(scales).subspan(part.first, part.rows));
    }
    for (std::size_t o = 0; o < gamma.size(); ++o) scales[o] *= gamma[o];
    return nn::pack_linear_int8(MatrixView<const std::int8_t>(weight, out, layer.in), scales, layer.bias);
  }

  /// timm's lambda_init grows with the depth; λ = exp(q₁ · k₁) - exp(q₂ · k₂) + lambda_init of four learned vectors.
  void read_differential(std::size_t block, EncoderBlockWeights& weights) const {
    const auto exponential = [&](Role query, Role key) {
      const std::vector<float> q = values(query, Part::kWeight, block, a_.head_dim() / 2);
      const std::vector<float> k = values(key, Part::kWeight, block, a_.head_dim() / 2);
      return std::exp(std::inner_product(q.begin(), q.end(), k.begin(), 0.0));
    };
    const double initial = 0.8 - 0.6 * std::exp(-0.3 * static_cast<double>(block));
    weights.lambda = static_cast<float>(exponential(Role::kLambdaQ1, Role::kLambdaK1) -
                                        exponential(Role::kLambdaQ2, Role::kLambdaK2) + initial);
    weights.sub_norm = norm(Role::kSubNorm, a_.head_dim(), block);
    for (float& weight : weights.sub_norm.weight) weight *= static_cast<float>(1.0 - initial);
  }

  const Architecture& a_;
  Precision precision_;
  const TensorSource& source_;
  Direction direction_;
  AlignedBuffer<float> buffer_;
};

}  // namespace fovea
