#include "nn/attention/rotary.hpp"

#include <cassert>

namespace fovea::nn {
namespace {

/// One head of one token: (a, b) → (a cos - b sin, b cos + a sin) for each pair.
void rotate_head(const RotaryTable& table, const float* cos, const float* sin, float* x) {
  const std::size_t half = table.head_dim / 2;
  const bool neighbours = table.pairs == RotaryPairs::kNeighbours;
  for (std::size_t pair = 0; pair < half; ++pair) {
    const std::size_t a = neighbours ? 2 * pair : pair;
    const std::size_t b = neighbours ? a + 1 : pair + half;
    const float first = x[a];
    const float second = x[b];
    x[a] = first * cos[a] - second * sin[a];
    x[b] = second * cos[b] + first * sin[b];
  }
}

}  // namespace

void rotate(const RotaryTable& table, std::size_t prefix, std::size_t num_heads, std::span<float> qkv) {
  const std::size_t dim = table.head_dim;
  const std::size_t width = num_heads * dim;  // D
  const std::size_t patches = table.cos.size() / (table.num_heads * dim);
  assert(dim % 2 == 0 && qkv.size() == (prefix + patches) * 3 * width);
  assert(table.num_heads == 1 || table.num_heads == num_heads);
#pragma omp parallel for schedule(static)
  for (std::size_t patch = 0; patch < patches; ++patch) {
    float* token = qkv.data() + (prefix + patch) * 3 * width;
    for (std::size_t head = 0; head < 2 * num_heads; ++head) {  // of q, then of k, which follows q
      const std::size_t row = (head % table.num_heads * patches + patch) * dim;
      rotate_head(table, table.cos.data() + row, table.sin.data() + row, token + head * dim);
    }
  }
}

}  // namespace fovea::nn
