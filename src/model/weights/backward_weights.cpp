// The weights of the backward passes.
#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "model/weights/packer.hpp"
#include "model/weights/weights.hpp"

namespace fovea {

using enum Role;

ModelWeights pack_backward_weights(const Architecture& a, Precision precision, const TensorSource& source) {
  ModelWeights weights;
  weights.blocks.resize(a.depth);
  for_each_parallel(a.depth + 1, [&](std::size_t i) {
    stop_if_interrupted();
    Packer packer(a, precision, source, Packer::Direction::kBackward);
    if (i < a.depth) {
      weights.blocks[i] = packer.block(i);
    } else {
      packer.read_out(weights);
    }
  });
  return weights;
}

ValueWeights pack_value_weights(const Architecture& a, Precision precision, const TensorSource& source) {
  ValueWeights weights(a.depth);
  for_each_parallel(a.depth, [&](std::size_t block) {
    stop_if_interrupted();
    weights[block] = Packer(a, precision, source, Packer::Direction::kBackward).value_layer(block);
  });
  return weights;
}

PixelWeights pack_pixel_weights(const Architecture& a, Precision precision, const TensorSource& source) {
  return Packer(a, precision, source, Packer::Direction::kBackward).linear(kPatchEmbed, a.embed_dim, a.patch_dim());
}

AbsoluteWeights pack_absolute_weights(const Architecture& a, Precision precision, const TensorSource& source) {
  AbsoluteWeights weights;
  weights.blocks.resize(a.depth);
  for_each_parallel(a.depth + 1, [&](std::size_t i) {
    stop_if_interrupted();
    Packer packer(a, precision, source);
    if (i < a.depth) {
      weights.blocks[i] = {packer.absolute_block_layer(BlockLayer::kFc1, i),
                           packer.absolute_block_layer(BlockLayer::kFc2, i)};
      return;
    }
    if (a.read_out == ReadOut::kAttentionPool) {
      weights.pool = {packer.absolute_if_any(kPoolFc1, a.pool_hidden_dim, a.embed_dim),
                      packer.absolute_if_any(kPoolFc2, a.embed_dim, a.pool_hidden_dim)};
    }
    weights.head = packer.absolute_if_any(kHead, a.num_classes, a.pooled_dim());
    weights.head_dist = packer.absolute_if_any(kHeadDist, a.num_classes, a.embed_dim);
  });
  return weights;
}

}  // namespace fovea
