#include "model/weights/relative_positions.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace fovea {
namespace {

using enum Role;

std::vector<float> values(const TensorSource& source, Role role, Part part, std::size_t block, std::size_t count) {
  std::vector<float> result(count);
  source.read(role, part, block, result);
  return result;
}

/// sign(x) log(1 + |x|)
double log_spaced(std::size_t index, std::size_t side) {
  const double offset = static_cast<double>(index) - static_cast<double>(side - 1);
  return std::copysign(std::log1p(std::fabs(offset)), offset);
}

/// fc2(relu(fc1(offset))) for each offset; 0 for a class token.
std::vector<float> computed_table(const Architecture& a, const TensorSource& source, std::size_t block) {
  const PatchGrid grid = a.grid();
  const std::size_t hidden = a.rel_pos_hidden_dim;
  const std::size_t heads = a.num_heads;
  const std::vector<float> weight1 = values(source, kRelPosFc1, Part::kWeight, block, hidden * 2);
  const std::vector<float> bias1 = values(source, kRelPosFc1, Part::kBias, block, hidden);
  const std::vector<float> weight2 = values(source, kRelPosFc2, Part::kWeight, block, heads * hidden);
  const std::vector<float> bias2 = values(source, kRelPosFc2, Part::kBias, block, heads);
  const std::size_t across = 2 * grid.cols - 1;
  const std::size_t offsets = (2 * grid.rows - 1) * across;
  std::vector<float> table((offsets + 3 * a.num_prefix_tokens) * heads, 0.0F);
  std::vector<double> active(hidden);
  for (std::size_t offset = 0; offset < offsets; ++offset) {
    const double down = log_spaced(offset / across, grid.rows);
    const double right = log_spaced(offset % across, grid.cols);
    for (std::size_t h = 0; h < hidden; ++h) {
      const double sum = static_cast<double>(weight1[2 * h]) * down + static_cast<double>(weight1[2 * h + 1]) * right;
      active[h] = std::max(sum + static_cast<double>(bias1[h]), 0.0);
    }
    for (std::size_t head = 0; head < heads; ++head) {
      auto sum = static_cast<double>(bias2[head]);
      for (std::size_t h = 0; h < hidden; ++h) sum += active[h] * static_cast<double>(weight2[head * hidden + h]);
      table[offset * heads + head] = static_cast<float>(sum);
    }
  }
  return table;
}

}  // namespace

std::vector<float> expand_relative_positions(PatchGrid grid, std::size_t num_heads, std::size_t prefix,
                                             std::span<const float> table) {
  const std::size_t tokens = prefix + grid.size();
  const std::size_t offsets = (2 * grid.rows - 1) * (2 * grid.cols - 1);
  assert(prefix <= 1 && table.size() == (offsets + 3 * prefix) * num_heads);
  const auto entry = [&](std::size_t query, std::size_t key) {
    if (query < prefix && key < prefix) return offsets + 2;
    if (query < prefix) return offsets;
    if (key < prefix) return offsets + 1;
    const std::size_t q = query - prefix;
    const std::size_t k = key - prefix;
    const std::size_t down = q / grid.cols + grid.rows - 1 - k / grid.cols;
    const std::size_t right = q % grid.cols + grid.cols - 1 - k % grid.cols;
    return down * (2 * grid.cols - 1) + right;
  };
  std::vector<float> bias(num_heads * tokens * tokens);
  for (std::size_t query = 0; query < tokens; ++query) {
    for (std::size_t key = 0; key < tokens; ++key) {
      const std::size_t row = entry(query, key);
      for (std::size_t head = 0; head < num_heads; ++head) {
        bias[(head * tokens + query) * tokens + key] = table[row * num_heads + head];
      }
    }
  }
  return bias;
}

std::vector<float> attention_bias(const Architecture& a, const TensorSource& source, std::size_t block) {
  const PatchGrid grid = a.grid();
  const std::size_t positions = (2 * grid.rows - 1) * (2 * grid.cols - 1) + 3 * a.num_prefix_tokens;
  return expand_relative_positions(
      grid, a.num_heads, a.num_prefix_tokens,
      a.rel_pos_hidden_dim > 0 ? computed_table(a, source, block)
                               : values(source, kRelativePosition, Part::kWeight, block, positions * a.num_heads));
}

}  // namespace fovea
