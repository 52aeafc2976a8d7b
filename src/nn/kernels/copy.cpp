#include "nn/kernels/copy.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace fovea::nn {

void copy(std::span<const float> from, std::span<float> to) {
  assert(from.size() == to.size());
  constexpr std::size_t kPiece = 4096;
#pragma omp parallel for schedule(static) if (from.size() > kPiece)
  for (std::size_t first = 0; first < from.size(); first += kPiece) {
    std::copy_n(from.data() + first, std::min(kPiece, from.size() - first), to.data() + first);
  }
}

}  // namespace fovea::nn
