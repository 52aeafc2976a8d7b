#include "nn/kernels/row_pieces.hpp"

#include <gtest/gtest.h>

namespace fovea::nn {
namespace {

TEST(RowPieces, CoverEveryRowOnceAndFitTheScratchMemory) {
  for (std::size_t rows = 0; rows < 2000; ++rows) {
    const RowPieces pieces(rows);
    std::size_t next = 0;
    for (std::size_t piece = 0; piece < pieces.count(); ++piece) {
      ASSERT_EQ(pieces.first(piece), next) << rows;
      ASSERT_GT(pieces.rows(piece), 0U) << rows;
      ASSERT_LE(pieces.rows(piece), RowPieces::kMostRows) << rows;
      next += pieces.rows(piece);
    }
    ASSERT_EQ(next, rows);
  }
}

TEST(RowPieces, LeaveNoShortRestOf197Tokens) {
  const RowPieces pieces(197);
  ASSERT_EQ(pieces.count(), 4U);
  EXPECT_EQ(pieces.rows(0), 54U);
  EXPECT_EQ(pieces.rows(3), 35U);
}

}  // namespace
}  // namespace fovea::nn
