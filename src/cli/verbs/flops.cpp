#include "cli/verbs/flops.hpp"

namespace fovea::cli {
namespace {

/// Multiply-adds of one encoder block.
double block_products(const Architecture& a) {
  const auto d = static_cast<double>(a.embed_dim);
  const auto n = static_cast<double>(a.tokens());
  return n * 3 * d * d                                     // qkv
         + 2 * n * n * d                                   // q·kᵀ and a·v
         + n * d * d                                       // projection
         + n * d * static_cast<double>(a.fc1_dim())        // fc1; of gated MLPs gate and value
         + n * static_cast<double>(a.mlp_hidden_dim) * d;  // fc2
}

/// Of the attention pool: one query, known beforehand, and an MLP for one row.
double pool_products(const Architecture& a) {
  if (a.read_out != ReadOut::kAttentionPool) return 0;
  const auto d = static_cast<double>(a.embed_dim);
  const auto seen = static_cast<double>(a.grid().size() + (a.pool_sees_prefix ? a.num_prefix_tokens : 0));
  return seen * 2 * d * d                                   // k and v
         + 2 * seen * d                                     // q·kᵀ and a·v
         + d * d                                            // projection
         + 2 * d * static_cast<double>(a.pool_hidden_dim);  // fc1 and fc2
}

}  // namespace

double gflop_per_image(const Architecture& a) {
  const auto d = static_cast<double>(a.embed_dim);
  const double patches = static_cast<double>(a.grid().size() * a.patch_dim()) * d;
  const double heads = a.read_out == ReadOut::kClassAndDistToken ? 2 : 1;
  const double head = heads * static_cast<double>(a.pooled_dim() * a.num_classes);
  const auto projection = static_cast<double>(a.pooled_dim() * a.projection_dim);
  return 2e-9 * (patches + static_cast<double>(a.depth) * block_products(a) + pool_products(a) + head + projection);
}

}  // namespace fovea::cli
