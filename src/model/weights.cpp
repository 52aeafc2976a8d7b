#include "model/weights.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "base/aligned_buffer.hpp"
#include "model/pos_embed.hpp"

namespace fovea {
namespace {

using enum Role;

/// A linear layer on its way from the source to the packed form.
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
    if (!source_.has(role, part)) return {};
    std::vector<float> result(count);
    source_.read(role, part, block, result);
    return result;
  }
  [[nodiscard]] NormWeights norm(Role role, std::size_t features, std::size_t block = 0) const {
    return {values(role, Part::kWeight, block, features), values(role, Part::kBias, block, features)};
  }
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> linear(Role role, std::size_t out, std::size_t in,
                                                          std::size_t block = 0) {
    DenseLayer layer = dense(out, in);
    read_rows(role, block, layer, 0, out);
    return pack(layer);
  }
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> linear_if_any(Role role, std::size_t out, std::size_t in) {
    return source_.has(role, Part::kWeight) ? linear(role, out, in) : nullptr;
  }

  [[nodiscard]] EncoderBlockWeights block(std::size_t index) {
    const std::size_t width = a_.embed_dim;
    EncoderBlockWeights weights;
    weights.norm1 = norm(kNorm1, width, index);
    weights.qkv = qkv(index);
    weights.q_norm = norm(kQNorm, a_.head_dim(), index);
    weights.k_norm = norm(kKNorm, a_.head_dim(), index);
    if (a_.relative_position_bias && direction_ == Direction::kForward) weights.attention_bias = attention_bias(index);
    weights.proj = scaled(kProj, kLayerScale1, width, width, index);
    weights.norm2 = norm(kNorm2, width, index);
    weights.fc1 = fc1(index);
    weights.mlp_norm = norm(kMlpNorm, a_.mlp_hidden_dim, index);
    weights.fc2 = scaled(kFc2, kLayerScale2, width, a_.mlp_hidden_dim, index);
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
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> pack(const DenseLayer& layer) const {
    return pack({layer.weight, layer.bias.size(), layer.in}, layer.bias);
  }
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> pack(MatrixView<const float> weight,
                                                        std::span<const float> bias) const {
    return direction_ == Direction::kForward ? nn::pack_linear(precision_, weight, bias)
                                             : nn::pack_linear_backward(precision_, weight);
  }

  /// One tensor or three; BEiT and EVA-02 have one weight and the biases of q and v only.
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> qkv(std::size_t block) {
    const std::size_t width = a_.embed_dim;
    DenseLayer layer = dense(3 * width, width);
    const bool fused = source_.has(kQkv, Part::kWeight);
    if (fused) read_rows(kQkv, block, layer, 0, 3 * width);
    constexpr std::array kThirds{kQuery, kKey, kValue};
    for (std::size_t third = 0; third < kThirds.size(); ++third) {
      if (!fused) source_.read(kThirds[third], Part::kWeight, block, layer.weight_rows(third * width, width));
      read_bias(kThirds[third], block, layer, third * width, width);
    }
    return pack(layer);
  }

  [[nodiscard]] std::unique_ptr<nn::LinearWeights> fc1(std::size_t block) {
    const std::size_t hidden = a_.mlp_hidden_dim;
    if (!source_.has(kFc1Gate, Part::kWeight)) return linear(kFc1, a_.fc1_dim(), a_.embed_dim, block);
    DenseLayer layer = dense(2 * hidden, a_.embed_dim);
    read_rows(kFc1Gate, block, layer, 0, hidden);
    read_rows(kFc1, block, layer, hidden, hidden);
    return pack(layer);
  }

  /// The layer with its layer scale, where it has one.
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> scaled(Role role, Role scale, std::size_t out, std::size_t in,
                                                          std::size_t block) {
    DenseLayer layer = dense(out, in);
    read_rows(role, block, layer, 0, out);
    const std::vector<float> gamma = values(scale, Part::kWeight, block, out);
    for (std::size_t o = 0; o < gamma.size(); ++o) {
      for (float& weight : layer.weight_rows(o, 1)) weight *= gamma[o];
      layer.bias[o] *= gamma[o];
    }
    return pack(layer);
  }

  [[nodiscard]] std::vector<float> attention_bias(std::size_t block) const {
    const PatchGrid grid = a_.grid();
    const std::size_t positions = (2 * grid.rows - 1) * (2 * grid.cols - 1) + 3;
    return expand_relative_positions(grid, a_.num_heads,
                                     values(kRelativePosition, Part::kWeight, block, positions * a_.num_heads));
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

/// Splits the position embeddings: those of prefix tokens are added to them here, once, as they never change; those of
/// the patches are resampled to the model's grid.
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

Precision patch_embed_precision(Precision precision) {
  if (precision == Precision::kF32 || fastest_full_precision() == Precision::kF32) return Precision::kF32;
  return Precision::kBf16x6;
}

ModelWeights pack_weights(const Architecture& a, Precision precision, const TensorSource& source) {
  Packer packer(a, precision, source);
  ModelWeights weights;
  weights.prefix_tokens = read_prefix_tokens(a, packer);
  place_pos_embed(a, packer, weights);
  // [D, 3, P, P] is read as [D, 3·P·P]: a convolution whose stride is its size is a linear layer over patches.
  Packer of_pixels(a, patch_embed_precision(precision), source);
  weights.patch_embed = of_pixels.linear(kPatchEmbed, a.embed_dim, a.patch_dim());
  weights.norm_pre = packer.norm(kNormPre, a.embed_dim);
  if (a.rope != Rope::kNone) weights.rotary = rotary_table(a.rope, a.grid(), a.head_dim());
  weights.blocks.reserve(a.depth);
  for (std::size_t block = 0; block < a.depth; ++block) weights.blocks.push_back(packer.block(block));
  weights.norm = packer.norm(kNorm, a.embed_dim);
  weights.fc_norm = packer.norm(kFcNorm, a.embed_dim);
  pack_read_out(a, packer, weights);
  return weights;
}

ModelWeights pack_backward_weights(const Architecture& a, Precision precision, const TensorSource& source) {
  Packer packer(a, precision, source, Packer::Direction::kBackward);
  ModelWeights weights;
  weights.blocks.reserve(a.depth);
  for (std::size_t block = 0; block < a.depth; ++block) weights.blocks.push_back(packer.block(block));
  pack_read_out(a, packer, weights);
  return weights;
}

}  // namespace fovea
