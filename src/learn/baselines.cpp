#include "learn/baselines.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/process/interrupt.hpp"

namespace fovea::learn {
namespace {

/// Rows of length 1, so that a product is a cosine.
Matrix unit_rows(Matrix rows) {
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const auto row = rows.row(i);
    const double length = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
    for (double& value : row) value /= length > 0 ? length : 1.0;
  }
  return rows;
}

/// test · rowsᵀ
Matrix cosines(const Matrix& test, Matrix rows) {
  const std::size_t count = rows.rows;
  return scores_of({std::move(rows), std::vector<double>(count)}, test);
}

}  // namespace

std::vector<std::size_t> nearest_mean(const Examples& train, const Matrix& test) {
  Matrix means{train.num_classes, train.features.cols};
  const Matrix rows = unit_rows(train.features);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const auto mean = means.row(train.classes[i]);
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += rows.row(i)[j];
  }
  const Matrix near = cosines(unit_rows(test), unit_rows(std::move(means)));
  std::vector<std::size_t> classes(test.rows);
  for (std::size_t i = 0; i < test.rows; ++i) classes[i] = largest(near.row(i));
  return classes;
}

std::vector<std::size_t> nearest_neighbours(const Examples& train, const Matrix& test, std::size_t k) {
  constexpr std::size_t kRows = 256;  // at a time, so that memory stays small
  const Matrix known = unit_rows(train.features);
  const Matrix asked = unit_rows(test);
  k = std::min(k, known.rows);
  std::vector<std::size_t> classes(test.rows);
  std::vector<std::size_t> order(known.rows);
  std::vector<double> votes(train.num_classes);
  for (std::size_t first = 0; first < test.rows; first += kRows) {
    stop_if_interrupted();
    std::vector<std::size_t> some(std::min(kRows, test.rows - first));
    std::iota(some.begin(), some.end(), first);
    const Matrix near = cosines(rows_of(asked, some), known);
    for (std::size_t i = 0; i < some.size(); ++i) {
      const auto row = near.row(i);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::ranges::partial_sort(
          order, order.begin() + static_cast<std::ptrdiff_t>(k),
          [&](std::size_t a, std::size_t b) { return std::pair(-row[a], a) < std::pair(-row[b], b); });
      std::ranges::fill(votes, 0.0);
      // A vote is one and a little for nearness, which decides between classes with as many votes.
      for (std::size_t n = 0; n < k; ++n) votes[train.classes[order[n]]] += 1 + 1e-6 * row[order[n]];
      classes[first + i] = largest(votes);
    }
  }
  return classes;
}

}  // namespace fovea::learn
