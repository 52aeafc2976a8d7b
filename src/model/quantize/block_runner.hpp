// A model run block by block: what its linear layers read, and what becomes of tokens that are changed on the way.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/forward/encoder_block.hpp"
#include "model/forward/pooling.hpp"
#include "model/weights/block_layers.hpp"

namespace fovea {

class BlockRunner {
 public:
  /// @param x  [N, in of the layer]; valid only during the call
  using Visit = std::function<void(BlockLayer layer, std::span<const float> x)>;

  explicit BlockRunner(std::shared_ptr<const VisionTransformer> model);
  /// The tokens [N, D] that enter the first block.
  /// @param patches  [T, 3·P·P], of one image
  [[nodiscard]] std::vector<float> enter(std::span<const float> patches);
  /// Runs a block with all its tokens and shows what each of its layers reads, first to last. What proj and fc2 put out
  /// is part of the tokens when these two are shown, which may be changed then.
  /// @param tokens  [N, D], of one image, updated in place
  /// @param visit   may be empty
  void run(std::size_t block, std::span<float> tokens, const Visit& visit);
  /// Logits, or features of a model without a head, of the image whose blocks were run last.
  /// @param tokens  [N, D], behind the last block; overwritten
  [[nodiscard]] std::vector<float> scores(std::span<float> tokens);

 private:
  std::shared_ptr<const VisionTransformer> model_;
  Session session_;  // for what enters the first block
  nn::Workspace workspace_;
  EncoderBlock block_;
  Pooling read_out_;
  AlignedBuffer<float> buffer_;  // what one block writes: nothing in it overlaps
};

}  // namespace fovea
