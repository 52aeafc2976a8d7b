// The weights of a Vision Transformer in double, for relevance propagation.
#pragma once

#include <vector>

#include "fovea/architecture.hpp"
#include "model/weights/tensor_source.hpp"
#include "nn/linear/matmul_f64.hpp"

namespace fovea {

struct NormF64 {
  std::vector<double> weight;  // [features]; empty: there is no such norm
  std::vector<double> bias;    // [features]; empty: RMSNorm
};

struct LinearF64 {
  nn::MatrixF64 weight;      // [out, in]; no rows: there is no such layer
  std::vector<double> bias;  // [out]
};

/// As EncoderBlockWeights, of the blocks that the rules of propagation are defined for. Layer scale is part of proj and
/// fc2.
struct BlockF64 {
  NormF64 norm1;
  LinearF64 qkv;                       // [3D, D]
  std::vector<double> attention_bias;  // [H, N, N], or empty
  NormF64 attention_norm;
  LinearF64 proj;  // [D, D]
  NormF64 norm2;
  LinearF64 fc1;  // [F, D]
  NormF64 mlp_norm;
  LinearF64 fc2;  // [D, F]
};

struct RelevanceWeights {
  nn::MatrixF64 prefix_tokens;  // [P, D], position embedding added where they have one
  LinearF64 patch_embed;        // [D, 3·P·P]
  NormF64 embed_norm;
  NormF64 norm_pre;
  std::vector<BlockF64> blocks;
  NormF64 norm;
  NormF64 fc_norm;
  LinearF64 head;       // [C, pooled]
  LinearF64 head_dist;  // [C, D]
};

/// @throws Error  kUsage for a model that the rules are not defined for, naming what it has.
void require_relevance_rules(const Architecture& architecture);

/// Reads every tensor as it is stored and computes in double from there on: relevance propagation amplifies rounding
/// errors by up to seven orders of magnitude.
[[nodiscard]] RelevanceWeights read_relevance_weights(const Architecture& architecture, const TensorSource& source);

}  // namespace fovea
