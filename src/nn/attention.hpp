// Multi-head self-attention for one image (Vaswani et al. 2017, section 3.2), between the qkv and the output
// projection.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "nn/workspace.hpp"

namespace fovea::nn {

struct AttentionShape {
  std::size_t tokens = 0;     // N
  std::size_t num_heads = 0;  // H
  std::size_t head_dim = 0;   // d
};

class Attention {
 public:
  Attention(const AttentionShape& shape, Workspace& workspace);
  ~Attention();
  Attention(Attention&&) noexcept;
  Attention& operator=(Attention&&) noexcept;

  /// @param qkv      [N, 3, H, d], as timm's fused projection writes it; read in place.
  /// @param weights  [H, N, N], receives softmax(q kᵀ / √d): each row sums to 1.
  /// @param out      [N, H, d]
  void operator()(std::span<const float> qkv, std::span<float> weights, std::span<float> out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fovea::nn
