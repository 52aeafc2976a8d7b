// The arithmetic of a forward pass.
#pragma once

#include "fovea/architecture.hpp"

namespace fovea::cli {

/// 2 operations for each multiply-add of all matrix products of one image (patches, qkv, q·kᵀ, a·v, projection, MLP,
/// attention pool, heads, CLIP's projection), in 1e9; softmax, norms and activations are not counted, as is usual.
[[nodiscard]] double gflop_per_image(const Architecture& architecture);

}  // namespace fovea::cli
