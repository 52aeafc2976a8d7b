// Rotary position embedding (Su et al. 2021): queries and keys are rotated by angles that depend on the patch's place.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace fovea::nn {

/// Which features form a pair that is rotated together.
enum class RotaryPairs {
  kNeighbours,  // 2i and 2i + 1
  kHalves,      // i and i + d/2
};

struct RotaryTable {
  RotaryPairs pairs = RotaryPairs::kNeighbours;
  std::size_t head_dim = 0;   // d, even
  std::size_t num_heads = 1;  // each head's own angles, or 1: all heads share them
  std::vector<float> cos;     // [num_heads, T, d]
  std::vector<float> sin;     // [num_heads, T, d]
};

/// Rotates q and k of all patches in place; the tokens before them stay as they are.
/// @param prefix  tokens before the patches
/// @param qkv     [prefix + T, 3, H, d]
void rotate(const RotaryTable& table, std::size_t prefix, std::size_t num_heads, std::span<float> qkv);

}  // namespace fovea::nn
