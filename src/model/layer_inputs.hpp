// What the linear layers of a model read while it looks at a picture.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/model.hpp"
#include "model/block_layers.hpp"
#include "model/encoder_block.hpp"

namespace fovea {

class LayerInputs {
 public:
  /// @param x  [N, in of the layer]; valid only during the call
  using Visit = std::function<void(std::size_t block, BlockLayer layer, std::span<const float> x)>;

  explicit LayerInputs(std::shared_ptr<const VisionTransformer> model);
  /// Runs all blocks, with all their tokens, and shows what each of their layers reads, first to last.
  /// @param patches  [T, 3·P·P], of one image
  void operator()(std::span<const float> patches, const Visit& visit);

 private:
  std::shared_ptr<const VisionTransformer> model_;
  Session session_;  // for what enters the first block
  nn::Workspace workspace_;
  EncoderBlock block_;
  std::vector<float> x_;         // [N, D]
  AlignedBuffer<float> buffer_;  // what one block writes: nothing in it overlaps
};

}  // namespace fovea
