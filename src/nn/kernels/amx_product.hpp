// The factors of a product on AMX: cut into bfloat16 parts, in tiles. Only where has_amx().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/aligned_buffer.hpp"
#include "nn/kernels/amx_kernels.hpp"

namespace fovea::nn {

[[nodiscard]] constexpr std::size_t pieces_of(std::size_t size, std::size_t piece) noexcept {
  return (size + piece - 1) / piece;
}

/// [rows, depth]
class AmxLeft {
 public:
  /// @param parts  bfloat16 numbers for each float32 one, 1 to 3
  AmxLeft(std::size_t rows, std::size_t depth, std::size_t parts);

  /// Any rows on any thread.
  /// @param values  [depth]
  void pack(std::size_t row, std::span<const float> values);
  /// A row that is rounded already; where there is one part.
  /// @param values  [depth], bit patterns
  void place(std::size_t row, std::span<const std::uint16_t> values);

  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
  [[nodiscard]] std::size_t depth_tiles() const noexcept { return depth_tiles_; }
  [[nodiscard]] std::size_t row_tiles() const noexcept { return row_tiles_; }
  /// [depth_tiles, 16, 32]
  [[nodiscard]] const std::uint16_t* tiles(std::size_t row_tile, std::size_t part) const noexcept {
    return numbers_.data() + (row_tile * parts_ + part) * depth_tiles_ * kTileNumbers;
  }

 private:
  std::size_t parts_;
  std::size_t depth_tiles_;
  std::size_t row_tiles_;
  AlignedBuffer<std::uint16_t> numbers_;  // [row tiles, parts, depth tiles, 16, 32], zeros beyond [rows, depth]
};

/// [depth, columns]
class AmxRight {
 public:
  /// @param memory  of bytes_for() bytes, zeros
  AmxRight(std::size_t depth, std::size_t columns, std::size_t parts, std::shared_ptr<std::byte> memory);
  [[nodiscard]] static std::size_t bytes_for(std::size_t depth, std::size_t columns, std::size_t parts) noexcept;

  /// How a matrix lies in memory.
  struct Layout {
    std::size_t depth_step;   // numbers between neighbours in the depth
    std::size_t column_step;  // and between neighbouring columns
    std::size_t part_step;    // and between the parts of a number
  };
  /// Any column blocks on any thread.
  /// @param split  bit patterns
  void pack(std::size_t column_block, const std::uint16_t* split, const Layout& layout);

  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
  [[nodiscard]] std::size_t depth_tiles() const noexcept { return depth_tiles_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] std::size_t column_blocks() const noexcept { return pieces_of(columns_, kAmxBlock); }
  /// [depth_tiles, 2, 16 pairs, 16 columns, 2]
  [[nodiscard]] const std::uint16_t* tiles(std::size_t column_block, std::size_t part) const noexcept {
    return numbers() + (column_block * parts_ + part) * depth_tiles_ * 2 * kTileNumbers;
  }
  /// All parts of a column block; empty beyond the last one.
  [[nodiscard]] std::span<const std::uint16_t> block(std::size_t column_block) const noexcept {
    if (column_block >= column_blocks()) return {};
    return {tiles(column_block, 0), parts_ * depth_tiles_ * 2 * kTileNumbers};
  }

 private:
  [[nodiscard]] std::uint16_t* numbers() const noexcept { return reinterpret_cast<std::uint16_t*>(memory_.get()); }

  std::size_t depth_;
  std::size_t columns_;
  std::size_t parts_;
  std::size_t depth_tiles_;
  std::shared_ptr<std::byte> memory_;  // [column blocks, parts, depth tiles, 2, 16 pairs, 16 columns, 2]
};

/// 32 rows and 32 columns of left · right: the products of all parts that are not beyond the last one's reach.
/// @param ahead  what will be read next, to be fetched meanwhile
/// @param sums   [32, 32]; rows from the last row tile on stay what they are
void multiply_block(const AmxLeft& left, const AmxRight& right, std::size_t row_block, std::size_t column_block,
                    std::span<const std::uint16_t> ahead, float* sums);

}  // namespace fovea::nn
