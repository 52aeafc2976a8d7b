#include "image/preprocess/difference_hash.hpp"

#include <algorithm>
#include <cstddef>

namespace fovea {
namespace {

constexpr int kCols = 9;
constexpr int kRows = 8;

/// The first pixel of a cell out of `cells`.
int begin_of(int cell, int cells, int pixels) {
  return std::min(cell * pixels / cells, pixels - 1);
}

/// The mean of the cell's pixels; a picture with fewer pixels than cells gives each cell one.
double brightness(const Image& picture, int row, int col) {
  const Size size = picture.size();
  const int top = begin_of(row, kRows, size.height);
  const int left = begin_of(col, kCols, size.width);
  const int bottom = std::max((row + 1) * size.height / kRows, top + 1);
  const int right = std::max((col + 1) * size.width / kCols, left + 1);
  std::uint64_t sum = 0;  // of ITU-R 601's luma, times 1000
  for (int y = top; y < bottom; ++y) {
    const std::uint8_t* pixel = picture.row(y) + static_cast<std::size_t>(left) * 3;
    for (int x = left; x < right; ++x, pixel += 3) sum += 299U * pixel[0] + 587U * pixel[1] + 114U * pixel[2];
  }
  return static_cast<double>(sum) / (static_cast<double>(bottom - top) * static_cast<double>(right - left));
}

}  // namespace

std::uint64_t difference_hash(const Image& picture) {
  if (picture.empty()) return 0;
  std::uint64_t hash = 0;
  for (int row = 0; row < kRows; ++row) {
    double left = brightness(picture, row, 0);
    for (int col = 1; col < kCols; ++col) {
      const double right = brightness(picture, row, col);
      hash = hash << 1U | (right > left ? 1U : 0U);
      left = right;
    }
  }
  return hash;
}

}  // namespace fovea
