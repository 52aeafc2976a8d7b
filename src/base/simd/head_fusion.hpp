// Attention of many heads to one.
#pragma once

#include <cstddef>
#include <span>

#include "fovea/tensor.hpp"

namespace fovea {

/// One head more, value by value: fused ← what `fusion` makes of the first head + 1 of num_heads heads, the last of
/// which are `values`. The mean is the sum times 1/num_heads, taken with the last head. On the calling thread alone.
/// @param head           heads that are fused already; 0: `fused` is overwritten
/// @param values, fused  of one size
void fuse_head(HeadFusion fusion, std::size_t head, std::size_t num_heads, std::span<const float> values,
               std::span<float> fused);

/// All heads at once. The mean is the sum divided by num_heads, which may differ from fuse_head()'s in the last bit.
/// @param values  [num_heads, n]
/// @param fused   [n]
void fuse_heads(HeadFusion fusion, std::size_t num_heads, std::span<const float> values, std::span<float> fused);

}  // namespace fovea
