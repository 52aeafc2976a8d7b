// Sums many rows on all threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/parallel.hpp"

namespace fovea {

/// Calls add_rows(begin, end, part), which adds the rows [begin, end) to a zeroed `part`, and sums the parts. The
/// pieces have a fixed size and are summed in order, so that any number of threads gives the same bits.
/// @param parts  scratch memory
/// @param sum    [cols], the same size as `part`
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
