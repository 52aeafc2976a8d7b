// The weights of a Vision Transformer, packed for the machine.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fovea/model.hpp"
#include "model/family.hpp"
#include "nn/linear.hpp"

namespace fovea {

struct NormWeights {
  std::vector<float> weight;  // [D]
  std::vector<float> bias;    // [D]
};

/// One pre-norm block: x += proj(attention(norm1(x))); x += fc2(gelu(fc1(norm2(x)))).
struct EncoderBlockWeights {
  NormWeights norm1;
  std::unique_ptr<nn::LinearWeights> qkv;   // [3D, D]; rows: q of all heads, k, v
  std::unique_ptr<nn::LinearWeights> proj;  // [D, D]
  NormWeights norm2;
  std::unique_ptr<nn::LinearWeights> fc1;  // [F, D]
  std::unique_ptr<nn::LinearWeights> fc2;  // [D, F]
};

struct ModelWeights {
  std::vector<float> prefix_tokens;                // [P, D], class token with its position embedding
  std::vector<float> pos_embed;                    // [T, D], of the patches
  std::unique_ptr<nn::LinearWeights> patch_embed;  // [D, 3·P·P]
  std::vector<EncoderBlockWeights> blocks;
  NormWeights norm;
  std::unique_ptr<nn::LinearWeights> head;  // [C, D]
};

/// Fills `values` with the tensor of a role (and a block, where it has one), row-major as its family stores it.
using TensorSource = std::function<void(Role role, std::size_t block, std::span<float> values)>;

[[nodiscard]] ModelWeights pack_weights(const Architecture& architecture, Precision precision,
                                        const TensorSource& source);

/// From a checkpoint whose tensors have been checked against the family.
[[nodiscard]] TensorSource checkpoint_source(const Checkpoint& checkpoint, const Family& family);
/// Random, reproducible, of the size that keeps activations in a trained model's range.
[[nodiscard]] TensorSource random_source(std::uint64_t seed);

}  // namespace fovea
