#include "model/weights/weights.hpp"

#include <malloc.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "base/aligned_buffer.hpp"
#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "model/weights/pos_embed.hpp"
#include "model/weights/relative_positions.hpp"
#include "model/weights/rotary_tables.hpp"

namespace fovea {
namespace {

using enum Role;

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
    weights.norm1 = norm(kNorm1, width, index);
    weights.qkv = block_layer(BlockLayer::kQkv, index);
    if (direction_ == Direction::kBackward) weights.value = value_layer(index);
    weights.q_norm = norm(kQNorm, a_.head_dim(), index);
    weights.k_norm = norm(kKNorm, a_.head_dim(), index);
    if (a_.relative_position_bias && direction_ == Direction::kForward) {
      weights.attention_bias = attention_bias(a_, source_, index);
    }
    if (a_.differential_attention) read_differential(index, weights);
    weights.attention_norm = norm(kAttentionNorm, width, index);
    weights.proj = block_layer(BlockLayer::kProj, index);
    weights.norm2 = norm(kNorm2, width, index);
    weights.fc1 = block_layer(BlockLayer::kFc1, index);
    weights.mlp_norm = norm(kMlpNorm, a_.mlp_hidden_dim, index);
    weights.fc2 = block_layer(BlockLayer::kFc2, index);
    source_.forget();  // packed weights replace the mapped ones; both at once would double the memory
    // What large weights were split into goes back to the system, too: every thread's heap would keep it. Small weights
    // are read faster into memory that is there already.
    constexpr std::size_t kLarge = std::size_t{1} << 20;
    if (width * a_.mlp_hidden_dim > kLarge) ::malloc_trim(0);
    return weights;
  }

  [[nodiscard]] AttentionPoolWeights attention_pool() {
    const std::size_t width = a_.embed_dim;
    DenseLayer qkv = dense(3 * width, width);
    if (source_.has(kPoolQkv, Part::kWeight)) {
      read_rows(kPoolQkv, 0, qkv, 0, 3 * width);
    } else {
      read_rows(kPoolQuery, 0, qkv, 0, width);
      read_rows(kPoolKeyValue, 0, qkv, width, 2 * width);
    }
    AttentionPoolWeights weights;
    const std::vector<float> latent = values(kPoolLatent, Part::kWeight, 0, width);
    weights.query.reserve(width);
    for (std::size_t o = 0; o < width; ++o) {
      auto sum = static_cast<double>(qkv.bias[o]);
      const std::span<const float> row = qkv.weight_rows(o, 1);
      for (std::size_t i = 0; i < width; ++i) sum += static_cast<double>(row[i]) * static_cast<double>(latent[i]);
      weights.query.push_back(static_cast<float>(sum));
    }
    weights.kv = pack({qkv.weight_rows(width, 2 * width), 2 * width, width}, qkv.bias_rows(width, 2 * width));
    weights.proj = linear(kPoolProj, width, width);
    weights.norm = norm(kPoolNorm, width);
    weights.fc1 = linear(kPoolFc1, a_.pool_hidden_dim, width);
    weights.fc2 = linear(kPoolFc2, width, a_.pool_hidden_dim);
    return weights;
  }

 private:
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

  /// The rows of v in qkv.
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> value_layer(std::size_t block) {
    const std::size_t width = a_.embed_dim;
    DenseLayer layer = dense(3 * width, width);
    for (const LayerPart& part : bias_parts(BlockLayer::kQkv, a_, source_)) {
      source_.read(part.role, Part::kBias, block, layer.bias_rows(part.first, part.rows));
    }
    const MatrixView<const float> qkv = weight_of(weight_parts(BlockLayer::kQkv, a_, source_), block, layer);
    return pack({qkv.values().last(width * width), width, width}, layer.bias_rows(2 * width, width));
  }

  /// The layer with its layer scale, where it has one.
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> block_layer(BlockLayer kind, std::size_t block) {
    const auto [out, in] = size_of(kind, a_);
    const std::vector<LayerPart> parts = weight_parts(kind, a_, source_);
    DenseLayer layer = dense(out, in);
    for (const LayerPart& part : bias_parts(kind, a_, source_)) {
      source_.read(part.role, Part::kBias, block, layer.bias_rows(part.first, part.rows));
    }
    const auto scale = layer_scale_of(kind);
    const std::vector<float> gamma = scale ? values(*scale, Part::kWeight, block, out) : std::vector<float>();
    for (std::size_t o = 0; o < gamma.size(); ++o) layer.bias[o] *= gamma[o];
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
    weights.lambda =
        static_cast<float>(exponential(kLambdaQ1, kLambdaK1) - exponential(kLambdaQ2, kLambdaK2) + initial);
    weights.sub_norm = norm(kSubNorm, a_.head_dim(), block);
    for (float& weight : weights.sub_norm.weight) weight *= static_cast<float>(1.0 - initial);
  }

  const Architecture& a_;
  Precision precision_;
  const TensorSource& source_;
  Direction direction_;
  AlignedBuffer<float> buffer_;
};

/// Class, distillation and register tokens, in this order.
std::vector<float> read_prefix_tokens(const Architecture& a, const Packer& packer) {
  std::vector<float> tokens;
  const auto append = [&](Role role, std::size_t count) {
    const std::vector<float> values = packer.values(role, Part::kWeight, 0, count * a.embed_dim);
    tokens.insert(tokens.end(), values.begin(), values.end());
  };
  append(kClassToken, 1);
  append(kDistToken, 1);
  append(kRegisterTokens, a.num_register_tokens);
  assert(tokens.size() == a.num_prefix_tokens * a.embed_dim);
  return tokens;
}

/// Splits the position embeddings. The prefix tokens' part is added to these tokens here, once, as they never change;
/// the patches' part is resampled to the model's grid.
void place_pos_embed(const Architecture& a, const Packer& packer, ModelWeights& weights) {
  const PatchGrid trained = a.pos_embed_grid.size() > 0 ? a.pos_embed_grid : a.grid();
  const std::vector<float> stored =
      packer.values(kPosEmbed, Part::kWeight, 0, (a.pos_embed_prefix + trained.size()) * a.embed_dim);
  if (stored.empty()) return;
  const std::size_t prefix_values = a.pos_embed_prefix * a.embed_dim;
  for (std::size_t i = 0; i < prefix_values; ++i) weights.prefix_tokens[i] += stored[i];
  weights.pos_embed =
      resample_pos_embed(std::span(stored).subspan(prefix_values), trained, a.grid(), a.pos_embed_resampling);
}

void pack_read_out(const Architecture& a, Packer& packer, ModelWeights& weights) {
  if (a.read_out == ReadOut::kAttentionPool) weights.pool = packer.attention_pool();
  weights.head = packer.linear_if_any(kHead, a.num_classes, a.pooled_dim());
  weights.head_dist = packer.linear_if_any(kHeadDist, a.num_classes, a.embed_dim);
  weights.projection = packer.linear_if_any(kProjection, a.projection_dim, a.embed_dim);
}

}  // namespace

ModelWeights pack_weights(const Architecture& a, Precision precision, const TensorSource& source) {
  const Packer packer(a, precision, source);
  ModelWeights weights;
  weights.prefix_tokens = read_prefix_tokens(a, packer);
  place_pos_embed(a, packer, weights);
  weights.embed_norm = packer.norm(kEmbedNorm, a.embed_dim);
  weights.norm_pre = packer.norm(kNormPre, a.embed_dim);
  weights.rotary = rotary_tables(a, source);
  weights.norm = packer.norm(kNorm, a.embed_dim);
  weights.fc_norm = packer.norm(kFcNorm, a.embed_dim);
  weights.blocks.resize(a.depth);
  // On all threads: most of the time goes into memory that is touched for the first time.
  for_each_parallel(a.depth + 2, [&](std::size_t i) {
    stop_if_interrupted();
    if (i < a.depth) {
      weights.blocks[i] = Packer(a, precision, source).block(i);
    } else if (i == a.depth) {
      // [D, 3, P, P] is read as [D, 3·P·P]: a convolution whose stride is its size is a linear layer over patches.
      Packer of_pixels(a, patch_embed_precision(precision), source);
      weights.patch_embed = of_pixels.linear(kPatchEmbed, a.embed_dim, a.patch_dim());
    } else {
      Packer of_features(a, read_out_precision(precision), source);
      pack_read_out(a, of_features, weights);
    }
  });
  return weights;
}

ModelWeights pack_backward_weights(const Architecture& a, Precision precision, const TensorSource& source) {
  ModelWeights weights;
  weights.blocks.resize(a.depth);
  for_each_parallel(a.depth + 1, [&](std::size_t i) {
    stop_if_interrupted();
    Packer packer(a, precision, source, Packer::Direction::kBackward);
    if (i < a.depth) {
      weights.blocks[i] = packer.block(i);
    } else {
      pack_read_out(a, packer, weights);
    }
  });
  return weights;
}

}  // namespace fovea
