#include "model/weights/weights.hpp"

#include <cassert>

#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "model/weights/packer.hpp"
#include "model/weights/pos_embed.hpp"
#include "model/weights/rotary_tables.hpp"

namespace fovea {
namespace {

using enum Role;

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

/// Splits the position embeddings. The prefix tokens' part is added to these tokens here, once, as they never change.
void place_pos_embed(const Architecture& a, const Packer& packer, ModelWeights& weights) {
  const std::vector<float> stored =
      packer.values(kPosEmbed, Part::kWeight, 0, (a.pos_embed_prefix + a.trained_grid().size()) * a.embed_dim);
  if (stored.empty()) return;
  const std::size_t prefix_values = a.pos_embed_prefix * a.embed_dim;
  for (std::size_t i = 0; i < prefix_values; ++i) weights.prefix_tokens[i] += stored[i];
  weights.pos_embed.assign(stored.begin() + static_cast<std::ptrdiff_t>(prefix_values), stored.end());
}

}  // namespace

std::vector<float> positions_at(const Architecture& a, std::span<const float> trained) {
  if (trained.empty()) return {};
  std::vector<float> positions = resample_pos_embed(trained, a.trained_grid(), a.grid(), a.pos_embed_resampling);
  round_as_stored(a.pos_embed_rounding, positions);
  return positions;
}

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
      Packer of_pixels(a, kPatchEmbedPrecision, source);
      weights.patch_embed = of_pixels.linear(kPatchEmbed, a.embed_dim, a.patch_dim());
    } else {
      Packer of_features(a, read_out_precision(precision), source);
      of_features.read_out(weights);
    }
  });
  return weights;
}

}  // namespace fovea
