// Sums over many rows on all threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/parallel.hpp"

namespace fovea {

/// Adds what add_rows(begin, end, part) adds to a zeroed `part` for some of the rows. Pieces are of a fixed size and
/// summed in their order: the same bits for any number of threads.
/// @param parts  scratch
/// @param sum    [cols], as is `part`
template <typename AddRows>
void sum_rows(std::size_t rows, std::vector<float>& parts, std::span<float> sum, const AddRows& add_rows) {
  constexpr std::size_t kRows = 32;
  const std::size_t pieces = (rows + kRows - 1) / kRows;
  parts.assign(pieces * sum.size(), 0.0F);
  for_each_piece(pieces, [&](std::size_t piece) {
    add_rows(piece * kRows, std::min(rows, (piece + 1) * kRows),
             std::span(parts).subspan(piece * sum.size(), sum.size()));
  });
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += parts[piece * sum.size() + i];
  }
}

}  // namespace fovea
