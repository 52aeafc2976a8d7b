#include "image/resample_kernels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/resample_kernels.cpp"
#include <hwy/foreach_target.h>
// foreach_target comes first: it includes this file once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea {
namespace HWY_NAMESPACE {
namespace {

constexpr std::int32_t kHalf = 1 << (AxisTaps::kPrecisionBits - 1);

#if HWY_TARGET == HWY_SCALAR
// Machines without SSSE3: the same sums, one sample at a time.

/// out[c] = (2^21 + Σ weight(t) · samples[t · step + c]) >> 22 for c in [0, channels).
void weigh(const std::uint8_t* samples, std::size_t step, const AxisTaps& taps, int output, std::size_t channels,
           std::uint8_t* out) {
  for (std::size_t c = 0; c < channels; ++c) {
    std::int64_t sum = kHalf;
    for (int t = 0; t < taps.length[static_cast<std::size_t>(output)]; ++t) {
      const std::int16_t* weight = taps.group(output, t / AxisTaps::kGroup) + t % AxisTaps::kGroup;
      sum += (weight[0] + weight[AxisTaps::kGroup] * (1 << AxisTaps::kLowBits)) *
             samples[static_cast<std::size_t>(t) * step + c];
    }
    out[c] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> AxisTaps::kPrecisionBits, 0, 255));
  }
}

void horizontal(const RowsView& source, const AxisTaps& taps, Image& out) {
  for (int y = 0; y < source.size.height; ++y) {
    const std::uint8_t* row = source.rows + static_cast<std::size_t>(y) * source.stride;
    for (int x = 0; x < taps.count; ++x) {
      weigh(row + static_cast<std::size_t>(taps.first[static_cast<std::size_t>(x)]) * 3, 3, taps, x, 3,
            out.row(y) + static_cast<std::size_t>(x) * 3);
    }
  }
}

void vertical(const RowsView& source, const AxisTaps& taps, Image& out) {
  for (int y = 0; y < taps.count; ++y) {
    const auto first = static_cast<std::size_t>(taps.first[static_cast<std::size_t>(y)]);
    weigh(source.rows + first * source.stride, source.stride, taps, y, out.row_bytes(), out.row(y));
  }
}

#else
namespace hn = hwy::HWY_NAMESPACE;

/// (2^21 + Σ weight · sample) >> 22 out of the sums over the weights' halves; additions wrap, as in Pillow's int32.
template <class V>
HWY_INLINE V rounded(V low, V high) {
  const hn::DFromV<V> d;
  const V sum = hn::Add(hn::ShiftLeft<AxisTaps::kLowBits>(high), hn::Add(low, hn::Set(d, kHalf)));
  return hn::ShiftRight<AxisTaps::kPrecisionBits>(sum);
}

/// Sums of products of neighbouring lanes, kept in two accumulators as the instruction set likes it.
template <class V32>
struct PairSum {
  V32 even;
  V32 odd;
  template <class V16>
  HWY_INLINE void add(V16 samples, V16 weights) {
    even = hn::ReorderWidenMulAccumulate(hn::DFromV<V32>(), samples, weights, even, odd);
  }
  HWY_INLINE V32 total() const { return hn::RearrangeToOddPlusEven(even, odd); }
};

// Four pixels are 12 bytes. Pair j of them becomes the 16-bit lanes R R G G B B 0 0, so that one multiply-add of pairs
// serves two taps of all three channels.
constexpr std::uint8_t kZero = 0x80;
alignas(32) constexpr std::array<std::uint8_t, 32> kPixelPairs{
    0, kZero, 3, kZero, 1, kZero, 4,  kZero, 2, kZero, 5,  kZero, kZero, kZero, kZero, kZero,
    6, kZero, 9, kZero, 7, kZero, 10, kZero, 8, kZero, 11, kZero, kZero, kZero, kZero, kZero};
alignas(32) constexpr std::array<std::uint8_t, 32> kLowWeights{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,
                                                               4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7};
alignas(32) constexpr std::array<std::uint8_t, 32> kHighWeights{8,  9,  10, 11, 8,  9,  10, 11, 8,  9,  10,
                                                                11, 8,  9,  10, 11, 12, 13, 14, 15, 12, 13,
                                                                14, 15, 12, 13, 14, 15, 12, 13, 14, 15};

/// The lanes R G B 0 of one output pixel.
template <class V>
HWY_INLINE auto pixel_of(V sums) {
  if constexpr (hn::MaxLanes(hn::DFromV<V>()) > 4) {
    const hn::FixedTag<std::int32_t, 4> d4;
    return hn::Add(hn::LowerHalf(d4, sums), hn::UpperHalf(d4, sums));
  } else {
    return sums;
  }
}

/// kRows rows at once, because they share the weights.
template <int kRows>
HWY_INLINE void resample_rows(const std::uint8_t* const* in, const AxisTaps& taps, std::uint8_t* const* out) {
  const hn::CappedTag<std::uint8_t, 32> d8;
  const hn::Repartition<std::int16_t, decltype(d8)> d16;
  const hn::Repartition<std::int32_t, decltype(d8)> d32;
  using V32 = hn::Vec<decltype(d32)>;
  constexpr std::size_t kStep = hn::MaxLanes(d8);
  const hn::FixedTag<std::uint8_t, 4> d8x4;

  for (int x = 0; x < taps.count; ++x) {
    const std::size_t first = static_cast<std::size_t>(taps.first[static_cast<std::size_t>(x)]) * 3;
    const int groups = (taps.length[static_cast<std::size_t>(x)] + AxisTaps::kGroup - 1) / AxisTaps::kGroup;
    PairSum<V32> low[kRows];
    PairSum<V32> high[kRows];
    for (int r = 0; r < kRows; ++r) {
      low[r] = {hn::Zero(d32), hn::Zero(d32)};
      high[r] = {hn::Zero(d32), hn::Zero(d32)};
    }
    for (int g = 0; g < groups; ++g) {
      const auto weights = hn::LoadDup128(d8, reinterpret_cast<const std::uint8_t*>(taps.group(x, g)));
      for (std::size_t half = 0; half < 32; half += kStep) {
        const auto w_low = hn::BitCast(d16, hn::TableLookupBytes(weights, hn::Load(d8, kLowWeights.data() + half)));
        const auto w_high = hn::BitCast(d16, hn::TableLookupBytes(weights, hn::Load(d8, kHighWeights.data() + half)));
        const auto pairs = hn::Load(d8, kPixelPairs.data() + half);
        for (int r = 0; r < kRows; ++r) {
          const auto bytes = hn::LoadDup128(d8, in[r] + first + static_cast<std::size_t>(g) * 3 * AxisTaps::kGroup);
          const auto samples = hn::BitCast(d16, hn::TableLookupBytesOr0(bytes, pairs));
          low[r].add(samples, w_low);
          high[r].add(samples, w_high);
        }
      }
    }
    // Four bytes are written for each pixel but the last; the next pixel overwrites the fourth.
    const std::size_t bytes = x + 1 < taps.count ? 4 : 3;
    for (int r = 0; r < kRows; ++r) {
      const auto pixel = hn::DemoteTo(d8x4, rounded(pixel_of(low[r].total()), pixel_of(high[r].total())));
      alignas(4) std::uint8_t rgb[4];
      hn::Store(pixel, d8x4, rgb);
      std::memcpy(out[r] + static_cast<std::size_t>(x) * 3, rgb, bytes);
    }
  }
}

void horizontal(const RowsView& source, const AxisTaps& taps, Image& out) {
  constexpr int kRows = 4;
  // A group of taps reads 16 bytes; rows too near the end of the buffer are read from a padded copy.
  constexpr std::size_t kOverread = 16;
  const std::size_t row_bytes = static_cast<std::size_t>(source.size.width) * 3;
  std::array<std::vector<std::uint8_t>, kRows> padded;
  for (int y = 0; y < source.size.height; y += kRows) {
    const int rows = std::min(kRows, source.size.height - y);
    std::array<const std::uint8_t*, kRows> in{};
    std::array<std::uint8_t*, kRows> to{};
    for (int r = 0; r < rows; ++r) {
      const auto i = static_cast<std::size_t>(r);
      const std::uint8_t* row = source.rows + static_cast<std::size_t>(y + r) * source.stride;
      if (static_cast<std::size_t>(source.end - row) < row_bytes + kOverread) {
        padded[i].resize(row_bytes + kOverread);
        std::memcpy(padded[i].data(), row, row_bytes);
        row = padded[i].data();
      }
      in[i] = row;
      to[i] = out.row(y + r);
    }
    if (rows == kRows) {
      resample_rows<kRows>(in.data(), taps, to.data());
    } else {
      for (int r = 0; r < rows; ++r)
        resample_rows<1>(&in[static_cast<std::size_t>(r)], taps, &to[static_cast<std::size_t>(r)]);
    }
  }
}

/// As many samples of one output row as `d16` has lanes, from `column` on.
template <class D16>
HWY_INLINE void resample_columns(D16 d16, const RowsView& source, const AxisTaps& taps, int y, std::size_t column,
                                 std::uint8_t* out) {
  const hn::Rebind<std::uint8_t, D16> d8;
  const hn::RepartitionToWide<D16> d32;
  using V32 = hn::Vec<decltype(d32)>;
  PairSum<V32> low_a{hn::Zero(d32), hn::Zero(d32)}, low_b = low_a, high_a = low_a, high_b = low_a;
  const auto i = static_cast<std::size_t>(y);
  const std::uint8_t* first = source.rows + static_cast<std::size_t>(taps.first[i]) * source.stride + column;
  for (int t = 0; t < taps.length[i]; t += 2) {
    const std::int16_t* weights = taps.group(y, t / AxisTaps::kGroup) + t % AxisTaps::kGroup;
    const std::uint8_t* row = first + static_cast<std::size_t>(t) * source.stride;
    const auto upper = hn::PromoteTo(d16, hn::LoadU(d8, row));
    // An odd last tap is paired with itself; the weight of the second is zero.
    const auto lower = t + 1 < taps.length[i] ? hn::PromoteTo(d16, hn::LoadU(d8, row + source.stride)) : upper;
    std::int32_t low_pair = 0;
    std::int32_t high_pair = 0;
    std::memcpy(&low_pair, weights, sizeof low_pair);
    std::memcpy(&high_pair, weights + AxisTaps::kGroup, sizeof high_pair);
    const auto w_low = hn::BitCast(d16, hn::Set(d32, low_pair));
    const auto w_high = hn::BitCast(d16, hn::Set(d32, high_pair));
    const auto a = hn::InterleaveLower(d16, upper, lower);
    const auto b = hn::InterleaveUpper(d16, upper, lower);
    low_a.add(a, w_low);
    low_b.add(b, w_low);
    high_a.add(a, w_high);
    high_b.add(b, w_high);
  }
  // Interleaving and narrowing both work within 128-bit blocks, so the order of the lanes is restored.
  const auto narrow =
      hn::ReorderDemote2To(d16, rounded(low_a.total(), high_a.total()), rounded(low_b.total(), high_b.total()));
  hn::StoreU(hn::DemoteTo(d8, narrow), d8, out + column);
}

void vertical(const RowsView& source, const AxisTaps& taps, Image& out) {
  const hn::CappedTag<std::int16_t, 16> d16;
  const std::size_t lanes = hn::Lanes(d16);
  const std::size_t row_bytes = out.row_bytes();
  if (row_bytes < lanes) {
    // Too narrow for a vector: the same on a padded copy.
    const auto height = static_cast<std::size_t>(source.size.height);
    std::vector<std::uint8_t> padded(height * lanes);
    for (std::size_t y = 0; y < height; ++y) {
      std::memcpy(padded.data() + y * lanes, source.rows + y * source.stride, row_bytes);
    }
    const RowsView wide{padded.data(), lanes, source.size, padded.data() + padded.size()};
    std::vector<std::uint8_t> row(lanes);
    for (int y = 0; y < taps.count; ++y) {
      resample_columns(d16, wide, taps, y, 0, row.data());
      std::memcpy(out.row(y), row.data(), row_bytes);
    }
    return;
  }
  for (int y = 0; y < taps.count; ++y) {
    std::size_t column = 0;
    for (; column + lanes <= row_bytes; column += lanes) resample_columns(d16, source, taps, y, column, out.row(y));
    if (column < row_bytes) resample_columns(d16, source, taps, y, row_bytes - lanes, out.row(y));
  }
}

#endif  // HWY_SCALAR

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace fovea
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea {
namespace {
HWY_EXPORT(horizontal);
HWY_EXPORT(vertical);
}  // namespace

void horizontal_pass(const RowsView& source, const AxisTaps& taps, Image& out) {
  HWY_DYNAMIC_DISPATCH(horizontal)(source, taps, out);
}
void vertical_pass(const RowsView& source, const AxisTaps& taps, Image& out) {
  HWY_DYNAMIC_DISPATCH(vertical)(source, taps, out);
}

std::vector<std::int64_t> resample_targets() {
  std::vector<std::int64_t> targets;
  for (std::int64_t left = HWY_TARGETS; left != 0; left &= left - 1) targets.push_back(left & -left);
  return targets;
}

}  // namespace fovea
#endif
