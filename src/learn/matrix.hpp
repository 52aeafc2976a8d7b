// A table of numbers, in which everything about learning is written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ranges>
#include <span>
#include <vector>

namespace fovea::learn {

/// [rows, cols], row after row.
struct Matrix {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<double> values = std::vector<double>(rows * cols);

  [[nodiscard]] std::span<double> row(std::size_t i) { return std::span(values).subspan(i * cols, cols); }
  [[nodiscard]] std::span<const double> row(std::size_t i) const { return std::span(values).subspan(i * cols, cols); }
};

/// Some rows, in this order.
[[nodiscard]] inline Matrix rows_of(const Matrix& all, std::span<const std::size_t> chosen) {
  Matrix some{chosen.size(), all.cols};
  for (std::size_t i = 0; i < chosen.size(); ++i) std::ranges::copy(all.row(chosen[i]), some.row(i).begin());
  return some;
}

/// Some elements, in this order.
template <typename T>
[[nodiscard]] std::vector<std::ranges::range_value_t<T>> elements_of(const T& all,
                                                                     std::span<const std::size_t> chosen) {
  std::vector<std::ranges::range_value_t<T>> some;
  some.reserve(chosen.size());
  for (const std::size_t i : chosen) some.push_back(all[i]);
  return some;
}

/// The column of the largest value; the first of several.
[[nodiscard]] inline std::size_t largest(std::span<const double> row) {
  return static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
}

}  // namespace fovea::learn
