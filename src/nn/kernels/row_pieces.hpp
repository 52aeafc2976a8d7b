// How the rows of attention are cut into pieces of work.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>

namespace fovea::nn {

/// Pieces as even as can be: with three heads on two threads, one thread would wait for a short last piece of each
/// head. With about 48 rows each part of the other factor is used often, and [rows, N] stays in a core's own cache.
class RowPieces {
 public:
  explicit RowPieces(std::size_t rows) noexcept
      : rows_(rows), size_(round_up((rows + wanted(rows) - 1) / wanted(rows))), count_((rows + size_ - 1) / size_) {}

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t first(std::size_t piece) const noexcept { return piece * size_; }
  [[nodiscard]] std::size_t rows(std::size_t piece) const noexcept { return std::min(size_, rows_ - first(piece)); }

  /// No piece of any number of rows is larger.
  static constexpr std::size_t kMostRows = 72;

 private:
  static constexpr std::size_t kRows = 48;
  static constexpr std::size_t kTile = 6;  // rows that a product takes at a time

  static std::size_t wanted(std::size_t rows) noexcept { return std::max<std::size_t>(1, (rows + kRows / 2) / kRows); }
  static std::size_t round_up(std::size_t rows) noexcept {
    return std::max<std::size_t>(1, (rows + kTile - 1) / kTile) * kTile;
  }

  std::size_t rows_;
  std::size_t size_;
  std::size_t count_;
};

/// Calls body(first, count) for pieces of the rows from `begin` on.
template <typename Body>
void for_pieces(std::size_t begin, std::size_t rows, const Body& body) {
  const RowPieces pieces(rows);
  for (std::size_t piece = 0; piece < pieces.count(); ++piece) body(begin + pieces.first(piece), pieces.rows(piece));
}

/// In a parallel region: calls body(head, first, count) for each part of one head in this thread's share of the
/// [heads, rows] rows, which is as large as any other's.
template <typename Body>
void for_own_rows(std::size_t heads, std::size_t rows, const Body& body) {
  const auto begin_of = [&](int thread) {
    return heads * rows * static_cast<std::size_t>(thread) / static_cast<std::size_t>(omp_get_num_threads());
  };
  const std::size_t end = begin_of(omp_get_thread_num() + 1);
  for (std::size_t row = begin_of(omp_get_thread_num()); row < end;) {
    const std::size_t count = std::min(end - row, rows - row % rows);
    body(row / rows, row % rows, count);
    row += count;
  }
}

}  // namespace fovea::nn
