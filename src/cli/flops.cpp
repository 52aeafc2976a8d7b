#include "cli/flops.hpp"

namespace fovea::cli {

double gflop_per_image(const Architecture& architecture) {
  const auto d = static_cast<double>(architecture.embed_dim);
  const auto n = static_cast<double>(architecture.tokens());
  const auto hidden = static_cast<double>(architecture.mlp_hidden_dim);
  const double patches = static_cast<double>(architecture.grid().size() * architecture.patch_dim()) * d;
  const double block = n * (3 * d * d)        // qkv
                       + 2 * n * n * d        // q·kᵀ and a·v
                       + n * d * d            // projection
                       + 2 * n * d * hidden;  // fc1 and fc2
  const double head = d * static_cast<double>(architecture.num_classes);
  return 2e-9 * (patches + static_cast<double>(architecture.depth) * block + head);
}

}  // namespace fovea::cli
