// Products of bfloat16 matrices in the tiles of AMX, with float32 sums. Only where has_amx().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nn/kernels/rows.hpp"

namespace fovea::nn {

/// A tile has 16 rows of 64 bytes: [16, 32] numbers of the left factor, [16 pairs, 16 columns, 2] of the right one, or
/// [16, 16] sums.
inline constexpr std::size_t kTileRows = 16;
inline constexpr std::size_t kTileDepth = 32;
inline constexpr std::size_t kTileNumbers = kTileRows * kTileDepth;
/// Rows and columns of the sums that are computed together, in 2 x 2 tiles: each tile of a factor is then used twice.
inline constexpr std::size_t kAmxBlock = 2 * kTileRows;

/// While one lives, this thread's tiles are set up for multiply_tiles().
class AmxTiles {
 public:
  AmxTiles();
  ~AmxTiles();
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;
};

/// Cuts a row into bfloat16 parts, as split_into_bf16() does, but for numbers that are too small for a normal one:
/// zeros are in their place, because the tiles take them for zeros.
/// @param x      a row of any length
/// @param parts  1 to 3
/// @param tiles  [parts, depth_tiles, 16, 32], from this row's place in the first tile on; the last tile's places
/// beyond
///               the row become zeros
void pack_tile_row(std::span<const float> x, std::size_t parts, std::size_t depth_tiles, std::uint16_t* tiles);

struct AmxProduct {
  const std::uint16_t* upper;  // rows 0 to 15 of the left factor: [depth_tiles, 16, 32]
  const std::uint16_t* lower;  // rows 16 to 31; null: there are none
  const std::uint16_t* right;  // [depth_tiles, 2, 16, 16, 2]
};

/// The sum of all products. A factor that a product shares with the one before it is loaded once.
/// @param ahead  what will be read next, to be fetched meanwhile
/// @param sums   [32, 32]; its last 16 rows stay what they are where there is no `lower`
void multiply_tiles(std::span<const AmxProduct> products, std::size_t depth_tiles, std::span<const std::uint16_t> ahead,
                    float* sums);

/// Fetches what add_block() will write: the sums of y are computed meanwhile.
void fetch_block(std::size_t rows, std::size_t cols, Strided<float> y);
/// y = sums + bias, or y += sums + bias.
/// @param sums  [32, 32]
/// @param bias  [cols], at most 32
/// @param y     [rows, cols], at most 32 rows
void add_block(const float* sums, std::size_t rows, std::span<const float> bias, bool accumulate, Strided<float> y);

/// y = scales ⊙ sums, a scale for each row.
/// @param sums  [32, 32]
/// @param y     [rows, cols], at most [32, 32]
void scale_block(const float* sums, std::size_t rows, std::size_t cols, const float* scales, Strided<float> y);

}  // namespace fovea::nn
