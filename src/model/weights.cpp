#include "model/weights.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace fovea {
namespace {

/// Reads tensors through one buffer that grows to the largest of them.
class Packer {
 public:
  Packer(Precision precision, const TensorSource& source) : precision_(precision), source_(source) {}

  [[nodiscard]] std::vector<float> values(Role role, std::size_t block, std::size_t count) const {
    std::vector<float> result(count);
    source_(role, block, result);
    return result;
  }
  [[nodiscard]] NormWeights norm(Role weight, Role bias, std::size_t block, std::size_t width) const {
    return {values(weight, block, width), values(bias, block, width)};
  }
  [[nodiscard]] std::unique_ptr<nn::LinearWeights> linear(Role weight, Role bias, std::size_t block,
                                                          std::size_t out_features, std::size_t in_features) {
    buffer_.resize(std::max(buffer_.size(), out_features * in_features));
    const std::span<float> matrix = std::span(buffer_).first(out_features * in_features);
    source_(weight, block, matrix);
    return nn::pack_linear(precision_, MatrixView<const float>(matrix, out_features, in_features),
                           values(bias, block, out_features));
  }

 private:
  Precision precision_;
  const TensorSource& source_;
  std::vector<float> buffer_;
};

/// splitmix64 (Steele et al. 2014): a stream for each tensor from one seed.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

ModelWeights pack_weights(const Architecture& architecture, Precision precision, const TensorSource& source) {
  using enum Role;
  const std::size_t width = architecture.embed_dim;
  const std::size_t hidden = architecture.mlp_hidden_dim;
  const std::size_t prefix = architecture.num_prefix_tokens;
  Packer packer(precision, source);
  ModelWeights weights;

  weights.prefix_tokens = packer.values(kClassToken, 0, prefix * width);
  const std::vector<float> pos_embed = packer.values(kPosEmbed, 0, architecture.tokens() * width);
  // The class token never changes: its position embedding is added here, once.
  for (std::size_t i = 0; i < prefix * width; ++i) weights.prefix_tokens[i] += pos_embed[i];
  weights.pos_embed.assign(pos_embed.begin() + static_cast<std::ptrdiff_t>(prefix * width), pos_embed.end());
  // [D, 3, P, P] is read as [D, 3·P·P]: a convolution whose stride is its size is a linear layer over patches.
  weights.patch_embed = packer.linear(kPatchWeight, kPatchBias, 0, width, architecture.patch_dim());
  for (std::size_t block = 0; block < architecture.depth; ++block) {
    EncoderBlockWeights& into = weights.blocks.emplace_back();
    into.norm1 = packer.norm(kNorm1Weight, kNorm1Bias, block, width);
    into.qkv = packer.linear(kQkvWeight, kQkvBias, block, 3 * width, width);
    into.proj = packer.linear(kProjWeight, kProjBias, block, width, width);
    into.norm2 = packer.norm(kNorm2Weight, kNorm2Bias, block, width);
    into.fc1 = packer.linear(kFc1Weight, kFc1Bias, block, hidden, width);
    into.fc2 = packer.linear(kFc2Weight, kFc2Bias, block, width, hidden);
  }
  weights.norm = packer.norm(kNormWeight, kNormBias, 0, width);
  weights.head = packer.linear(kHeadWeight, kHeadBias, 0, architecture.num_classes, width);
  return weights;
}

TensorSource checkpoint_source(const Checkpoint& checkpoint, const Family& family) {
  return [&checkpoint, &family](Role role, std::size_t block, std::span<float> values) {
    const TensorView* tensor = checkpoint.find(tensor_name(family, role, block));
    assert(tensor != nullptr && tensor->numel() == values.size());
    to_float(*tensor, values);
  };
}

TensorSource random_source(std::uint64_t seed) {
  return [seed](Role role, std::size_t block, std::span<float> values) {
    using enum Role;
    const bool scale = role == kNorm1Weight || role == kNorm2Weight || role == kNormWeight;
    const float centre = scale ? 1.0F : 0.0F;
    constexpr float kSpread = 0.035F;  // uniform in ±0.035: a standard deviation of 0.02, as ViTs are initialised
    std::uint64_t state = seed * 1'000'003U + static_cast<std::uint64_t>(role) * 1009U + block;
    for (float& value : values) {
      const auto unit = static_cast<float>(next_random(state) >> 40U) * 0x1p-24F;  // [0, 1)
      value = centre + kSpread * (2.0F * unit - 1.0F);
    }
  };
}

}  // namespace fovea
