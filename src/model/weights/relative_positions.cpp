#include "model/weights/relative_positions.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "model/weights/pos_embed.hpp"

namespace fovea {
namespace {

using enum Role;

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
  const std::vector<float> weight1 = read_values(source, kRelPosFc1, Part::kWeight, block, hidden * 2);
  const std::vector<float> bias1 = read_values(source, kRelPosFc1, Part::kBias, block, hidden);
  const std::vector<float> weight2 = read_values(source, kRelPosFc2, Part::kWeight, block, heads * hidden);
  const std::vector<float> bias2 = read_values(source, kRelPosFc2, Part::kBias, block, heads);
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

constexpr std::size_t kOfClassToken = 3;  // from it, to it, to itself

/// The offsets -n..n of a table as timm spaces them: 1, q, q², ... apart, with a q for which they reach as far as those
/// of the target.
std::vector<double> geometric_offsets(std::size_t half, std::size_t target_half) {
  constexpr double kPrecision = 1e-6;
  double low = 1.01;
  double high = 1.5;
  double q = low;
  while (high - low > kPrecision) {
    q = (low + high) / 2.0;
    const double reach = (1.0 - std::pow(q, static_cast<double>(half))) / (1.0 - q);
    (reach > static_cast<double>(target_half) ? high : low) = q;
  }
  std::vector<double> offsets(2 * half + 1, 0.0);
  double offset = 1.0;
  for (std::size_t i = 1; i <= half; ++i) {
    offsets[half + i] = offset;
    offsets[half - i] = -offset;
    offset += std::pow(q, static_cast<double>(i));
  }
  return offsets;
}

/// A place between two of the table's offsets along one axis.
struct Between {
  std::size_t left = 0;
  std::size_t right = 0;
  double of_right = 0;  // its share
};

/// timm/layers/interpolate.py, RegularGridInterpolator: the two offsets around each of the target's.
std::vector<Between> geometric_places(std::size_t from, std::size_t to) {
  const std::vector<double> offsets = geometric_offsets(from / 2, to / 2);
  std::vector<Between> places(to);
  const std::size_t middle = to / 2;
  for (std::size_t o = 0; o < to; ++o) {
    const double x = static_cast<double>(o) - static_cast<double>(middle);
    const auto above = static_cast<std::size_t>(std::lower_bound(offsets.begin(), offsets.end(), x) - offsets.begin());
    const std::size_t right = std::min(above, from - 1);
    const std::size_t left = right > 0 ? right - 1 : 0;
    const double from_left = std::max(x - offsets[left], 0.0);
    const double to_right = std::max(offsets[right] - x, 0.0);
    places[o] = {left, right, from_left + to_right > 0.0 ? from_left / (from_left + to_right) : 0.5};
  }
  return places;
}

/// torch's bilinear interpolation, half-pixel centres.
std::vector<Between> bilinear_places(std::size_t from, std::size_t to) {
  std::vector<Between> places(to);
  for (std::size_t o = 0; o < to; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const double x = std::max(centre, 0.0);
    const auto left = static_cast<std::size_t>(x);
    places[o] = {left, std::min(left + 1, from - 1), x - static_cast<double>(left)};
  }
  return places;
}

std::size_t offsets_along(std::size_t patches) {
  return 2 * patches - 1;
}

/// The table of the file, for the model's grid.
std::vector<float> stored_table(const Architecture& a, const TensorSource& source, std::size_t block) {
  const PatchGrid stored = a.trained_grid();
  const std::vector<float> table =
      read_values(source, kRelativePosition, Part::kWeight, block, relative_positions(stored) * a.num_heads);
  std::vector<float> resampled =
      resample_relative_positions(table, stored, a.grid(), a.num_heads, a.pos_embed_resampling);
  round_as_stored(a.pos_embed_rounding, resampled);
  return resampled;
}

}  // namespace

std::size_t relative_positions(PatchGrid grid) noexcept {
  return (2 * grid.rows - 1) * (2 * grid.cols - 1) + kOfClassToken;
}

std::vector<float> resample_relative_positions(std::span<const float> table, PatchGrid from, PatchGrid to,
                                               std::size_t num_heads, PosEmbedResampling rule) {
  assert(table.size() == relative_positions(from) * num_heads);
  const bool timm = rule == PosEmbedResampling::kTimm;
  // transformers takes the table's rows for its columns, which are as many where the grid is square.
  const std::size_t from_rows = offsets_along(timm ? from.rows : from.cols);
  const std::size_t from_cols = offsets_along(timm ? from.cols : from.rows);
  const std::size_t to_rows = offsets_along(to.rows);
  const std::size_t to_cols = offsets_along(to.cols);
  if (from_rows == to_rows && from_cols == to_cols) return {table.begin(), table.end()};
  const auto rows = timm ? geometric_places(from_rows, to_rows) : bilinear_places(from_rows, to_rows);
  const auto cols = timm ? geometric_places(from_cols, to_cols) : bilinear_places(from_cols, to_cols);
  std::vector<float> result(relative_positions(to) * num_heads);
  for (std::size_t i = 0; i < to_rows * to_cols; ++i) {
    const Between& row = rows[i / to_cols];
    const Between& col = cols[i % to_cols];
    for (std::size_t head = 0; head < num_heads; ++head) {
      const auto along = [&](std::size_t table_row) {
        const auto at = [&](std::size_t c) { return double{table[(table_row * from_cols + c) * num_heads + head]}; };
        return at(col.left) * (1.0 - col.of_right) + at(col.right) * col.of_right;
      };
      result[i * num_heads + head] =
          static_cast<float>(along(row.left) * (1.0 - row.of_right) + along(row.right) * row.of_right);
    }
  }
  const std::size_t kept = kOfClassToken * num_heads;
  std::copy_n(table.end() - static_cast<std::ptrdiff_t>(kept), kept, result.end() - static_cast<std::ptrdiff_t>(kept));
  return result;
}

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
  const std::vector<float> table =
      a.rel_pos_hidden_dim > 0 ? computed_table(a, source, block) : stored_table(a, source, block);
  return expand_relative_positions(a.grid(), a.num_heads, a.num_prefix_tokens, table);
}

}  // namespace fovea
