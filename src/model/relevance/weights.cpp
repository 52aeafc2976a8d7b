#include "model/relevance/weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "fovea/error.hpp"
#include "model/weights/relative_positions.hpp"

namespace fovea {
namespace {

using enum Role;

class Reader {
 public:
  Reader(const Architecture& architecture, const TensorSource& source) : a_(architecture), source_(source) {}

  [[nodiscard]] std::vector<float> stored(Role role, Part part, std::size_t block, std::size_t count) const {
    return read_values(source_, role, part, block, count);
  }

  [[nodiscard]] NormF64 norm(Role role, std::size_t features, std::size_t block = 0) const {
    return {values(role, Part::kWeight, block, features), values(role, Part::kBias, block, features)};
  }

  [[nodiscard]] LinearF64 linear(Role role, std::size_t out, std::size_t in, std::size_t block = 0) const {
    LinearF64 layer{nn::MatrixF64(out, in), std::vector<double>(out, 0.0)};
    place(values(role, Part::kWeight, block, out * in), layer.weight.values, 0);
    place(values(role, Part::kBias, block, out), layer.bias, 0);
    return layer;
  }

  [[nodiscard]] LinearF64 linear_if_any(Role role, std::size_t out, std::size_t in) const {
    return source_.has(role, Part::kWeight) ? linear(role, out, in) : LinearF64{};
  }

  [[nodiscard]] BlockF64 block(std::size_t index) const {
    const std::size_t width = a_.embed_dim;
    BlockF64 weights;
    weights.norm1 = norm(kNorm1, width, index);
    weights.qkv = qkv(index);
    if (a_.relative_position_bias) {
      const std::vector<float> bias = attention_bias(a_, source_, index);
      weights.attention_bias.assign(bias.begin(), bias.end());
    }
    weights.attention_norm = norm(kAttentionNorm, width, index);
    weights.proj = scaled(kProj, kLayerScale1, width, width, index);
    weights.norm2 = norm(kNorm2, width, index);
    weights.fc1 = linear(kFc1, a_.mlp_hidden_dim, width, index);
    weights.mlp_norm = norm(kMlpNorm, a_.mlp_hidden_dim, index);
    weights.fc2 = scaled(kFc2, kLayerScale2, width, a_.mlp_hidden_dim, index);
    return weights;
  }

 private:
  [[nodiscard]] std::vector<double> values(Role role, Part part, std::size_t block, std::size_t count) const {
    const std::vector<float> from = stored(role, part, block, count);
    return {from.begin(), from.end()};
  }
  static void place(const std::vector<double>& from, std::vector<double>& to, std::size_t first) {
    std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(first));
  }

  /// One tensor or three, biases likewise.
  [[nodiscard]] LinearF64 qkv(std::size_t block) const {
    const std::size_t width = a_.embed_dim;
    LinearF64 layer = linear(kQkv, 3 * width, width, block);
    constexpr std::array kThirds{kQuery, kKey, kValue};
    for (std::size_t third = 0; third < kThirds.size(); ++third) {
      place(values(kThirds[third], Part::kWeight, block, width * width), layer.weight.values, third * width * width);
      place(values(kThirds[third], Part::kBias, block, width), layer.bias, third * width);
    }
    return layer;
  }

  /// The layer with its layer scale, where it has one: γ ⊙ (W x + b) = (γ W) x + γ b.
  [[nodiscard]] LinearF64 scaled(Role role, Role scale, std::size_t out, std::size_t in, std::size_t block) const {
    LinearF64 layer = linear(role, out, in, block);
    const std::vector<double> gamma = values(scale, Part::kWeight, block, out);
    for (std::size_t o = 0; o < gamma.size(); ++o) {
      for (std::size_t i = 0; i < in; ++i) layer.weight.row(o)[i] *= gamma[o];
      layer.bias[o] *= gamma[o];
    }
    return layer;
  }

  const Architecture& a_;
  const TensorSource& source_;
};

/// Class, distillation and register tokens, in this order.
nn::MatrixF64 prefix_tokens(const Architecture& a, const Reader& reader) {
  nn::MatrixF64 tokens(a.num_prefix_tokens, a.embed_dim);
  auto place = tokens.values.begin();
  const auto append = [&](Role role, std::size_t count) {
    const std::vector<float> values = reader.stored(role, Part::kWeight, 0, count * a.embed_dim);
    place = std::copy(values.begin(), values.end(), place);
  };
  append(kClassToken, 1);
  append(kDistToken, 1);
  append(kRegisterTokens, a.num_register_tokens);
  return tokens;
}

/// The patches' positions are those of the forward pass.
void add_prefix_positions(const Architecture& a, const Reader& reader, RelevanceWeights& weights) {
  const std::size_t stored_tokens = a.pos_embed_prefix + a.trained_grid().size();
  const std::vector<float> stored = reader.stored(kPosEmbed, Part::kWeight, 0, stored_tokens * a.embed_dim);
  if (stored.empty()) return;
  for (std::size_t i = 0; i < a.pos_embed_prefix * a.embed_dim; ++i) {
    weights.prefix_tokens.values[i] += static_cast<double>(stored[i]);
  }
}

}  // namespace

void require_relevance_rules(const Architecture& a) {
  std::string without_rule;
  if (a.rope != Rope::kNone) without_rule = "a rotary position embedding";
  if (a.qk_norm) without_rule = "norms of queries and keys";
  if (a.gated_mlp) without_rule = "a gated MLP";
  if (a.parallel_mlp) without_rule = "an MLP parallel to the attention";
  if (a.differential_attention) without_rule = "differential attention";
  if (a.read_out == ReadOut::kAttentionPool) without_rule = "an attention pool";
  if (without_rule.empty()) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("attribution: the model has {}, expected layers that relevance propagation has a rule for",
                          without_rule),
              "`--method generic` and `--method grad-rollout` are class-specific too and work with every model");
}

RelevanceWeights read_relevance_weights(const Architecture& a, const TensorSource& source) {
  const Reader reader(a, source);
  RelevanceWeights weights;
  weights.prefix_tokens = prefix_tokens(a, reader);
  add_prefix_positions(a, reader, weights);
  weights.patch_embed = reader.linear(kPatchEmbed, a.embed_dim, a.patch_dim());
  weights.embed_norm = reader.norm(kEmbedNorm, a.embed_dim);
  weights.norm_pre = reader.norm(kNormPre, a.embed_dim);
  weights.blocks.reserve(a.depth);
  for (std::size_t block = 0; block < a.depth; ++block) weights.blocks.push_back(reader.block(block));
  weights.norm = reader.norm(kNorm, a.embed_dim);
  weights.fc_norm = reader.norm(kFcNorm, a.pooled_dim());
  weights.head = reader.linear_if_any(kHead, a.num_classes, a.pooled_dim());
  weights.head_dist = reader.linear_if_any(kHeadDist, a.num_classes, a.embed_dim);
  return weights;
}

}  // namespace fovea
