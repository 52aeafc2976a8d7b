#include "nn/kernels/amx_kernels.hpp"

#include <algorithm>
#include <cassert>

// Highway has no tiles, so these are the compiler's own names of the instructions.
#if defined(__x86_64__)
#include <immintrin.h>
#define FOVEA_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,prfchw")))
#endif

namespace fovea::nn {

#if defined(__x86_64__)

namespace {

/// The operand of LDTILECFG: all eight tiles have 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

constexpr TileConfig kConfig;
constexpr int kTileStride = 64;  // bytes between the rows of a factor's tile

// GCC gives constructors and destructors no instruction set of their own.
FOVEA_AMX void load_config() {
  _tile_loadconfig(&kConfig);
}
FOVEA_AMX void release() {
  _tile_release();
}

FOVEA_AMX __mmask16 mask_of_first(std::size_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xFFFFU : (1U << count) - 1U);
}
FOVEA_AMX __m512 load_first(const float* from, std::size_t count) {
  return _mm512_maskz_loadu_ps(mask_of_first(count), from);
}

/// The nearest bfloat16 numbers; zeros for what is too small for a normal one.
FOVEA_AMX __m256i round(__m512 x) {
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x));
}
/// What they leave of x; zeros where they are no numbers.
FOVEA_AMX __m512 rest_of(__m512 x, __m256i nearest) {
  constexpr int kInfinityOrNaN = 0x99;
  constexpr __mmask16 kAll = 0xFFFF;
  // With masks, because GCC 12 warns of the undefined operands that it gives the plain functions.
  const __m512i words = _mm512_maskz_slli_epi32(kAll, _mm512_maskz_cvtepu16_epi32(kAll, nearest), 16);
  const __m512 rounded = _mm512_castsi512_ps(words);
  const auto finite = static_cast<__mmask16>(~_mm512_fpclass_ps_mask(rounded, kInfinityOrNaN));
  return _mm512_maskz_sub_ps(finite, x, rounded);
}

}  // namespace

AmxTiles::AmxTiles() {
  load_config();
}
AmxTiles::~AmxTiles() {
  release();
}

FOVEA_AMX void pack_tile_row(std::span<const float> x, std::size_t parts, std::size_t depth_tiles,
                             std::uint16_t* tiles) {
  constexpr std::size_t kLanes = kTileDepth / 2;
  for (std::size_t first = 0; first < x.size(); first += kTileDepth, tiles += kTileNumbers) {
    const std::size_t left = x.size() - first;
    __m512 lower = load_first(x.data() + first, left);
    __m512 upper = left > kLanes ? load_first(x.data() + first + kLanes, left - kLanes) : _mm512_setzero_ps();
    for (std::size_t part = 0;; ++part) {
      auto* const to = reinterpret_cast<__m256i*>(tiles + part * depth_tiles * kTileNumbers);
      const __m256i rounded_lower = round(lower);
      const __m256i rounded_upper = round(upper);
      _mm256_storeu_si256(to, rounded_lower);
      _mm256_storeu_si256(to + 1, rounded_upper);
      if (part + 1 == parts) break;
      lower = rest_of(lower, rounded_lower);
      upper = rest_of(upper, rounded_upper);
    }
  }
}

FOVEA_AMX void multiply_tiles(std::span<const AmxProduct> products, std::size_t depth_tiles,
                              std::span<const std::uint16_t> ahead, float* sums) {
  constexpr int kSumStride = kAmxBlock * sizeof(float);
  constexpr std::size_t kLine = 32;                                                  // numbers of a cache line
  const std::size_t lines = (ahead.size() / kLine + depth_tiles - 1) / depth_tiles;  // to fetch in each step
  const bool two = products.front().lower != nullptr;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::size_t k = 0; k < depth_tiles; ++k) {
    const std::uint16_t* left = nullptr;
    const std::uint16_t* right = nullptr;
    for (const AmxProduct& product : products) {
      if (product.right != right) {
        right = product.right;
        _tile_loadd(6, right + 2 * k * kTileNumbers, kTileStride);
        _tile_loadd(7, right + (2 * k + 1) * kTileNumbers, kTileStride);
      }
      if (product.upper != left) {
        left = product.upper;
        _tile_loadd(4, left + k * kTileNumbers, kTileStride);
        if (two) _tile_loadd(5, product.lower + k * kTileNumbers, kTileStride);
      }
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      if (!two) continue;
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    const std::size_t end = std::min((k + 1) * lines * kLine, ahead.size());
    for (std::size_t i = k * lines * kLine; i < end; i += kLine) _mm_prefetch(ahead.data() + i, _MM_HINT_T1);
  }
  _tile_stored(0, sums, kSumStride);
  _tile_stored(1, sums + kTileRows, kSumStride);
  if (!two) return;
  _tile_stored(2, sums + kTileRows * kAmxBlock, kSumStride);
  _tile_stored(3, sums + kTileRows * kAmxBlock + kTileRows, kSumStride);
}

FOVEA_AMX void fetch_block(std::size_t rows, std::size_t cols, Strided<float> y) {
  constexpr std::size_t kLine = 16;  // sums of a cache line
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < cols; i += kLine) __builtin_prefetch(from_row(y, row).values + i, 1);
  }
}

FOVEA_AMX void add_block(const float* sums, std::size_t rows, std::span<const float> bias, bool accumulate,
                         Strided<float> y) {
  assert(rows <= kAmxBlock && bias.size() <= kAmxBlock);
  for (std::size_t first = 0; first < bias.size(); first += kTileRows) {
    const std::size_t count = bias.size() - first;
    const __m512 of_columns = load_first(bias.data() + first, count);
    for (std::size_t row = 0; row < rows; ++row) {
      float* const to = from_row(y, row).values + first;
      __m512 values = _mm512_loadu_ps(sums + row * kAmxBlock + first) + of_columns;
      if (accumulate) values += load_first(to, count);
      _mm512_mask_storeu_ps(to, mask_of_first(count), values);
    }
  }
}

FOVEA_AMX void scale_block(const float* sums, std::size_t rows, std::size_t cols, const float* scales,
                           Strided<float> y) {
  for (std::size_t row = 0; row < rows; ++row) {
    const __m512 scale = _mm512_set1_ps(scales[row]);
    for (std::size_t i = 0; i < cols; i += kTileRows) {
      _mm512_mask_storeu_ps(from_row(y, row).values + i, mask_of_first(cols - i),
                            _mm512_loadu_ps(sums + row * kAmxBlock + i) * scale);
    }
  }
}

#else

// Nobody comes here without has_amx().
AmxTiles::AmxTiles() = default;
AmxTiles::~AmxTiles() = default;
void pack_tile_row(std::span<const float> /*x*/, std::size_t /*parts*/, std::size_t /*depth_tiles*/,
                   std::uint16_t* /*tiles*/) {}
void multiply_tiles(std::span<const AmxProduct> /*products*/, std::size_t /*depth_tiles*/,
                    std::span<const std::uint16_t> /*ahead*/, float* /*sums*/) {}
void fetch_block(std::size_t /*rows*/, std::size_t /*cols*/, Strided<float> /*y*/) {}
void add_block(const float* /*sums*/, std::size_t /*rows*/, std::span<const float> /*bias*/, bool /*accumulate*/,
               Strided<float> /*y*/) {}
void scale_block(const float* /*sums*/, std::size_t /*rows*/, std::size_t /*cols*/, const float* /*scales*/,
                 Strided<float> /*y*/) {}

#endif

}  // namespace fovea::nn
