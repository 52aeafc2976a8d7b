#include "model/forward/token_stages.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "base/random.hpp"
#include "nn/attention/attention_kernels.hpp"

namespace fovea {
namespace {

/// The first `count` indices by falling value; ties in their order.
std::vector<std::size_t> highest(std::span<const double> values, std::size_t count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(order.begin(), middle, order.end(), [&](std::size_t a, std::size_t b) {
    return values[a] != values[b] ? values[a] > values[b] : a < b;
  });
  order.resize(count);
  return order;
}

/// A token of A and the token of B that the former is merged into.
struct Edge {
  std::size_t from = 0;  // of all tokens
  std::size_t to = 0;
};

/// Rows of length 1, so that products of rows are cosines.
std::vector<float> unit_rows(MatrixView<const float> rows) {
  std::vector<float> units(rows.values().begin(), rows.values().end());
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const std::span<float> row = std::span(units).subspan(r * rows.cols(), rows.cols());
    const float length = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0F));
    if (length == 0.0F) continue;
    for (float& value : row) value /= length;
  }
  return units;
}

/// Each patch token of A (even) to its most similar patch token of B (odd); the `count` most similar pairs.
std::vector<Edge> most_similar_pairs(std::size_t prefix, MatrixView<const float> keys, std::size_t count) {
  const std::size_t width = keys.cols();           // d
  const std::size_t in_a = (keys.rows() + 1) / 2;  // tokens 0, 2, 4…
  const std::size_t in_b = keys.rows() / 2;        // tokens 1, 3, 5…
  const std::vector<float> units = unit_rows(keys);
  std::vector<float> b_columns(width * in_b);    // [d, in_b]
  std::vector<float> similarities(in_a * in_b);  // [in_a, in_b]
  nn::transpose(in_b, width, {units.data() + width, 2 * width}, {b_columns.data(), in_b});
  nn::multiply({in_a, width, in_b}, 1.0F, {units.data(), 2 * width}, {b_columns.data(), in_b},
               {similarities.data(), in_b});
  const std::size_t first_a = (prefix + 1) / 2;
  const std::size_t first_b = prefix / 2;
  std::vector<Edge> edges;
  std::vector<double> scores;
  edges.reserve(in_a);
  scores.reserve(in_a);
  for (std::size_t a = first_a; a < in_a; ++a) {
    const auto row = similarities.begin() + static_cast<std::ptrdiff_t>(a * in_b);
    const auto best =
        std::max_element(row + static_cast<std::ptrdiff_t>(first_b), row + static_cast<std::ptrdiff_t>(in_b));
    edges.push_back({2 * a, 2 * static_cast<std::size_t>(best - row) + 1});
    scores.push_back(static_cast<double>(*best));
  }
  std::vector<Edge> pairs;
  pairs.reserve(count);
  for (const std::size_t edge : highest(scores, count)) pairs.push_back(edges[edge]);
  return pairs;
}

}  // namespace

std::vector<double> random_preference(std::span<const float> weights, std::uint64_t stream) {
  std::vector<double> preference(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto bits = static_cast<double>(Random(stream + i).bits() >> 11U);  // 53, as many as a double holds
    const double uniform = (bits + 0.5) * 0x1p-53;                            // in (0, 1)
    // When the clock of rate `weight` rings: the first of several is i with probability weight_i / Σ weight.
    preference[i] = std::log(uniform) / static_cast<double>(weights[i]);
  }
  return preference;
}

TokenStage keep_preferred(std::size_t prefix, std::span<const float> attention, std::span<const double> preference,
                          std::size_t count) {
  assert(count > 0 && count < attention.size() && attention.size() == preference.size());
  const std::size_t fused = prefix + count;
  TokenStage stage;
  stage.tokens = fused + 1;
  stage.becomes.assign(prefix + attention.size(), fused);
  stage.weight.assign(stage.becomes.size(), 1.0F);
  stage.kept.assign(stage.becomes.size(), 0);
  std::copy(attention.begin(), attention.end(), stage.weight.begin() + static_cast<std::ptrdiff_t>(prefix));
  std::fill_n(stage.kept.begin(), prefix, std::uint8_t{1});
  for (const std::size_t patch : highest(preference, count)) stage.kept[prefix + patch] = 1;
  std::size_t next = 0;
  for (std::size_t token = 0; token < stage.becomes.size(); ++token) {
    if (stage.kept[token] == 0) continue;
    stage.becomes[token] = next++;
    stage.weight[token] = 1.0F;
  }
  return stage;
}

TokenStage merge_most_similar(std::size_t prefix, MatrixView<const float> keys, std::span<const float> sizes,
                              std::size_t count) {
  const std::size_t tokens = keys.rows();
  assert(sizes.size() == tokens && 2 * count <= tokens - prefix);
  const std::vector<Edge> pairs = most_similar_pairs(prefix, keys, count);
  TokenStage stage;
  stage.tokens = tokens - count;
  stage.kept.assign(tokens, 1);
  std::vector<std::size_t> target(tokens);  // [N] the token that it is merged into, of all N
  std::iota(target.begin(), target.end(), std::size_t{0});
  for (const Edge& pair : pairs) target[pair.from] = pair.to;

  stage.becomes.resize(tokens);
  std::size_t next = 0;
  const auto place = [&](std::size_t token) {
    if (target[token] == token) stage.becomes[token] = next++;
  };
  for (std::size_t token = 0; token < prefix; ++token) place(token);
  for (const std::size_t parity : {0U, 1U}) {
    for (std::size_t token = prefix + (prefix + parity) % 2; token < tokens; token += 2) place(token);
  }
  for (const Edge& pair : pairs) stage.becomes[pair.from] = stage.becomes[pair.to];

  std::vector<float> total(stage.tokens, 0.0F);
  for (std::size_t token = 0; token < tokens; ++token) total[stage.becomes[token]] += sizes[token];
  stage.weight.resize(tokens);
  for (std::size_t token = 0; token < tokens; ++token) stage.weight[token] = sizes[token] / total[stage.becomes[token]];
  return stage;
}

}  // namespace fovea
