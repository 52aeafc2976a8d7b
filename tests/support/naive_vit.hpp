// A Vision Transformer as plain loops in double, written from the paper: the slow twin of the forward pass.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "support/naive_reduction.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {

struct NaiveForward {
  std::vector<double> logits;
  std::vector<std::vector<double>> attention;  // for each block [H, N, N]
};

/// Has a distillation token, registers and layer scale if the tensors contain them; the read-out is the class token.
/// @param chw        the normalised input, [3, height, width]
/// @param reduction  if given, attention is reported un-merged
/// @param kept       if given, the patches whose tokens go in; the other ones are left out
[[nodiscard]] NaiveForward naive_vit(const Architecture& architecture, const TinyTensors& tensors,
                                     std::span<const float> chw, NaiveReduction* reduction = nullptr,
                                     const std::vector<std::size_t>* kept = nullptr);

/// [3, height, width] → [T, 3·P·P], with plain loops.
[[nodiscard]] std::vector<float> naive_patches(const Architecture& architecture, std::span<const float> chw);

}  // namespace fovea::test
