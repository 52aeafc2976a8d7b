#include "nn/kernels/amx_product.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

namespace fovea::nn {
namespace {

/// Which parts of the factors are multiplied: those whose numbers add up to less than there are parts. Neighbours share
/// a factor.
struct PartPair {
  std::size_t of_left;
  std::size_t of_right;
};
constexpr std::array<PartPair, 6> kPartPairs{{{0, 2}, {0, 1}, {1, 1}, {1, 0}, {0, 0}, {2, 0}}};

/// One tile of a right factor: pairs of neighbours in the depth lie in one word.
/// @param depth, columns  how much of the tile there is
void fill_tile(const std::uint16_t* from, std::size_t depth_step, std::size_t column_step, std::size_t depth,
               std::size_t columns, std::uint16_t* tile) {
  if (depth_step == 1 && depth == kTileDepth) {
    for (std::size_t n = 0; n < columns; ++n) {
      for (std::size_t pair = 0; pair < kTileRows; ++pair) {
        std::memcpy(tile + 2 * (pair * kTileRows + n), from + n * column_step + 2 * pair, 2 * sizeof(std::uint16_t));
      }
    }
    return;
  }
  if (column_step == 1 && columns == kTileRows) {
    for (std::size_t k = 0; k < depth; ++k) {
      std::uint16_t* const to = tile + k / 2 * 2 * kTileRows + k % 2;
      for (std::size_t n = 0; n < kTileRows; ++n) to[2 * n] = from[k * depth_step + n];
    }
    return;
  }
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t n = 0; n < columns; ++n) {
      tile[2 * (k / 2 * kTileRows + n) + k % 2] = from[k * depth_step + n * column_step];
    }
  }
}

}  // namespace

AmxLeft::AmxLeft(std::size_t rows, std::size_t depth, std::size_t parts)
    : parts_(parts),
      depth_tiles_(pieces_of(depth, kTileDepth)),
      row_tiles_(pieces_of(rows, kTileRows)),
      numbers_(row_tiles_ * parts * depth_tiles_ * kTileNumbers) {
  std::ranges::fill(numbers_.span(), std::uint16_t{0});
}

void AmxLeft::pack(std::size_t row, std::span<const float> values) {
  assert(row < row_tiles_ * kTileRows && pieces_of(values.size(), kTileDepth) == depth_tiles_);
  std::uint16_t* const to = numbers_.data() + row / kTileRows * parts_ * depth_tiles_ * kTileNumbers;
  pack_tile_row(values, parts_, depth_tiles_, to + row % kTileRows * kTileDepth);
}

void AmxLeft::place(std::size_t row, std::span<const std::uint16_t> values) {
  assert(parts_ == 1 && row < row_tiles_ * kTileRows && pieces_of(values.size(), kTileDepth) == depth_tiles_);
  std::uint16_t* to = numbers_.data() + row / kTileRows * depth_tiles_ * kTileNumbers + row % kTileRows * kTileDepth;
  for (std::size_t first = 0; first < values.size(); first += kTileDepth, to += kTileNumbers) {
    const auto piece = values.subspan(first, std::min(kTileDepth, values.size() - first));
    std::memcpy(to, piece.data(), piece.size_bytes());
  }
}

AmxRight::AmxRight(std::size_t depth, std::size_t columns, std::size_t parts, std::shared_ptr<std::byte> memory)
    : depth_(depth),
      columns_(columns),
      parts_(parts),
      depth_tiles_(pieces_of(depth, kTileDepth)),
      memory_(std::move(memory)) {}

std::size_t AmxRight::bytes_for(std::size_t depth, std::size_t columns, std::size_t parts) noexcept {
  return pieces_of(columns, kAmxBlock) * parts * pieces_of(depth, kTileDepth) * 2 * kTileNumbers *
         sizeof(std::uint16_t);
}

void AmxRight::pack(std::size_t column_block, const std::uint16_t* split, const Layout& layout) {
  for (std::size_t part = 0; part < parts_; ++part) {
    std::uint16_t* tile = numbers() + (column_block * parts_ + part) * depth_tiles_ * 2 * kTileNumbers;
    for (std::size_t first = 0; first < depth_; first += kTileDepth) {
      for (std::size_t half = 0; half < 2; ++half, tile += kTileNumbers) {
        const std::size_t column = column_block * kAmxBlock + half * kTileRows;
        if (column >= columns_) continue;
        fill_tile(split + part * layout.part_step + first * layout.depth_step + column * layout.column_step,
                  layout.depth_step, layout.column_step, std::min(kTileDepth, depth_ - first),
                  std::min(kTileRows, columns_ - column), tile);
      }
    }
  }
}

void multiply_block(const AmxLeft& left, const AmxRight& right, std::size_t row_block, std::size_t column_block,
                    std::span<const std::uint16_t> ahead, float* sums) {
  assert(left.parts() == right.parts() && left.depth_tiles() == right.depth_tiles());
  std::array<AmxProduct, kPartPairs.size()> products{};
  std::size_t count = 0;
  const std::size_t upper = 2 * row_block;
  const bool two = upper + 1 < left.row_tiles();
  for (const auto& [of_left, of_right] : kPartPairs) {
    if (of_left + of_right >= left.parts()) continue;
    products[count++] = {left.tiles(upper, of_left), two ? left.tiles(upper + 1, of_left) : nullptr,
                         right.tiles(column_block, of_right)};
  }
  multiply_tiles({products.data(), count}, left.depth_tiles(), ahead, sums);
}

}  // namespace fovea::nn
