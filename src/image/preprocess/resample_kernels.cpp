#include "image/preprocess/resample_kernels.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/preprocess/resample_kernels.cpp"
#include <hwy/foreach_target.h>
// foreach_target comes first, because it includes this file once for each instruction set.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR
// For machines without SSSE3: the same sums, one sample at a time.

/// out[c] = (2^(p-1) + Σ weight(t) · samples[t · step + c]) >> p for c in [0, channels).
void weigh(const std::uint8_t* samples, std::size_t step, const AxisTaps& taps, int output, std::size_t channels,
           std::uint8_t* out) {
  for (std::size_t c = 0; c < channels; ++c) {
    std::int64_t sum = std::int64_t{1} << taps.precision_bits >> 1;
    for (int t = 0; t < taps.length[static_cast<std::size_t>(output)]; ++t) {
      const std::int16_t* weight = taps.group(output, t / AxisTaps::kGroup) + t % AxisTaps::kGroup;
      sum += (weight[0] + weight[AxisTaps::kGroup] * (1 << AxisTaps::kLowBits)) *
             samples[static_cast<std::size_t>(t) * step + c];
    }
    out[c] = static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> taps.precision_bits, 0, 255));
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

/// Σ weight · sample for the lanes of one vector. Additions wrap, as in Pillow's int32. kSplit: weights come in halves,
/// and each half has its own sum.
template <class V32, bool kSplit>
class WeightedSum {
 public:
  HWY_INLINE WeightedSum() : low_even_(zero()), low_odd_(zero()), high_even_(zero()), high_odd_(zero()) {}

  /// Adds the products of neighbouring 16-bit lanes; `high` is ignored unless kSplit.
  template <class V16>
  HWY_INLINE void add(V16 samples, V16 low, V16 high) {
    low_even_ = hn::ReorderWidenMulAccumulate(hn::DFromV<V32>(), samples, low, low_even_, low_odd_);
    if constexpr (kSplit) {
      high_even_ = hn::ReorderWidenMulAccumulate(hn::DFromV<V32>(), samples, high, high_even_, high_odd_);
    }
  }
  HWY_INLINE V32 total() const {
    const V32 low = hn::RearrangeToOddPlusEven(low_even_, low_odd_);
    if constexpr (kSplit) {
      return hn::Add(hn::ShiftLeft<AxisTaps::kLowBits>(hn::RearrangeToOddPlusEven(high_even_, high_odd_)), low);
    } else {
      return low;
    }
  }

 private:
  static HWY_INLINE V32 zero() { return hn::Zero(hn::DFromV<V32>()); }

  V32 low_even_;
  V32 low_odd_;
  V32 high_even_;
  V32 high_odd_;
};

/// (2^(p-1) + sum) >> p
template <class V32>
HWY_INLINE V32 rounded(V32 sum, int precision_bits) {
  const V32 half = hn::Set(hn::DFromV<V32>(), 1 << precision_bits >> 1);
  return hn::ShiftRightSame(hn::Add(sum, half), precision_bits);
}

// Four pixels are 12 bytes. Pair j of them becomes the 16-bit lanes R R G G B B 0 0, so that one multiply-add of pairs
// applies two taps to all three channels.
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

/// The sums of kRows rows, which share their weights. They form a nested struct, not an array: compilers keep the
/// members of a struct in registers, but not the elements of an array that a loop goes over.
template <class Sum, int kRows>
struct RowSums {
  Sum sum;
  RowSums<Sum, kRows - 1> others;

  HWY_INLINE RowSums() : sum(), others() {}
  /// Adds the products for the samples that `read` loads at in[0..kRows) + offset.
  template <class Read, class V16>
  HWY_INLINE void add(const std::uint8_t* const* in, std::size_t offset, const Read& read, V16 low, V16 high) {
    sum.add(read(in[0] + offset), low, high);
    others.add(in + 1, offset, read, low, high);
  }
  template <class Write>
  HWY_INLINE void write(std::uint8_t* const* out, std::size_t offset, const Write& write_one) const {
    write_one(sum.total(), out[0] + offset);
    others.write(out + 1, offset, write_one);
  }
};
template <class Sum>
struct RowSums<Sum, 0> {
  template <class Read, class V16>
  HWY_INLINE void add(const std::uint8_t* const*, std::size_t, const Read&, V16, V16) {}
  template <class Write>
  HWY_INLINE void write(std::uint8_t* const*, std::size_t, const Write&) const {}
};

/// Computes one output pixel of kRows rows.
template <bool kSplit, int kRows, class Write>
HWY_INLINE void resample_pixel(const std::uint8_t* const* in, const AxisTaps& taps, int x, std::uint8_t* const* out,
                               const Write& write) {
  const hn::CappedTag<std::uint8_t, 32> d8;
  const hn::Repartition<std::int16_t, decltype(d8)> d16;
  using V32 = hn::Vec<hn::Repartition<std::int32_t, decltype(d8)> >;
  constexpr std::size_t kStep = hn::MaxLanes(d8);
  constexpr auto kGroupBytes = std::size_t{3} * AxisTaps::kGroup;

  const auto i = static_cast<std::size_t>(x);
  const int groups = (taps.length[i] + AxisTaps::kGroup - 1) / AxisTaps::kGroup;
  std::size_t offset = static_cast<std::size_t>(taps.first[i]) * 3;
  RowSums<WeightedSum<V32, kSplit>, kRows> sums;
  for (int g = 0; g < groups; ++g, offset += kGroupBytes) {
    const auto weights = hn::LoadDup128(d8, reinterpret_cast<const std::uint8_t*>(taps.group(x, g)));
    for (std::size_t half = 0; half < 32; half += kStep) {
      const auto low = hn::BitCast(d16, hn::TableLookupBytes(weights, hn::Load(d8, kLowWeights.data() + half)));
      const auto high = hn::BitCast(d16, hn::TableLookupBytes(weights, hn::Load(d8, kHighWeights.data() + half)));
      const auto pairs = hn::Load(d8, kPixelPairs.data() + half);
      const auto read = [&](const std::uint8_t* pixels) HWY_ATTR {
        return hn::BitCast(d16, hn::TableLookupBytesOr0(hn::LoadDup128(d8, pixels), pairs));
      };
      sums.add(in, offset, read, low, high);
    }
  }
  sums.write(out, i * 3, write);
}

template <bool kSplit, int kRows>
HWY_INLINE void resample_rows(const std::uint8_t* const* in, const AxisTaps& taps, std::uint8_t* const* out) {
  const hn::FixedTag<std::uint8_t, 4> d8;
  // Each pixel writes four bytes; the next pixel overwrites the fourth. The last pixel is written separately.
  for (int x = 0; x + 1 < taps.count; ++x) {
    resample_pixel<kSplit, kRows>(in, taps, x, out, [&](auto sums, std::uint8_t* to) HWY_ATTR {
      hn::StoreU(hn::DemoteTo(d8, rounded(pixel_of(sums), taps.precision_bits)), d8, to);
    });
  }
  resample_pixel<kSplit, kRows>(in, taps, taps.count - 1, out, [&](auto sums, std::uint8_t* to) HWY_ATTR {
    alignas(4) std::uint8_t rgb[4];
    hn::Store(hn::DemoteTo(d8, rounded(pixel_of(sums), taps.precision_bits)), d8, rgb);
    std::memcpy(to, rgb, 3);
  });
}

template <bool kSplit>
void horizontal_rows(const RowsView& source, const AxisTaps& taps, Image& out) {
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
      resample_rows<kSplit, kRows>(in.data(), taps, to.data());
    } else {
      for (int r = 0; r < rows; ++r)
        resample_rows<kSplit, 1>(&in[static_cast<std::size_t>(r)], taps, &to[static_cast<std::size_t>(r)]);
    }
  }
}

void horizontal(const RowsView& source, const AxisTaps& taps, Image& out) {
  if (taps.split) return horizontal_rows<true>(source, taps, out);
  horizontal_rows<false>(source, taps, out);
}

/// Computes as many samples of one output row as `d16` has lanes, starting at `column`.
template <bool kSplit, class D16>
HWY_INLINE void resample_columns(D16 d16, const RowsView& source, const AxisTaps& taps, int y, std::size_t column,
                                 std::uint8_t* out) {
  const hn::Rebind<std::uint8_t, D16> d8;
  const hn::RepartitionToWide<D16> d32;
  WeightedSum<hn::Vec<decltype(d32)>, kSplit> left;
  WeightedSum<hn::Vec<decltype(d32)>, kSplit> right;
  const auto i = static_cast<std::size_t>(y);
  const std::uint8_t* first = source.rows + static_cast<std::size_t>(taps.first[i]) * source.stride + column;
  for (int t = 0; t < taps.length[i]; t += 2) {
    const std::int16_t* weights = taps.group(y, t / AxisTaps::kGroup) + t % AxisTaps::kGroup;
    const std::uint8_t* row = first + static_cast<std::size_t>(t) * source.stride;
    const auto upper = hn::PromoteTo(d16, hn::LoadU(d8, row));
    // An odd last tap is paired with itself; the second weight is zero.
    const auto lower = t + 1 < taps.length[i] ? hn::PromoteTo(d16, hn::LoadU(d8, row + source.stride)) : upper;
    std::int32_t low_pair = 0;
    std::int32_t high_pair = 0;
    std::memcpy(&low_pair, weights, sizeof low_pair);
    std::memcpy(&high_pair, weights + AxisTaps::kGroup, sizeof high_pair);
    const auto low = hn::BitCast(d16, hn::Set(d32, low_pair));
    const auto high = hn::BitCast(d16, hn::Set(d32, high_pair));
    left.add(hn::InterleaveLower(d16, upper, lower), low, high);
    right.add(hn::InterleaveUpper(d16, upper, lower), low, high);
  }
  // Interleaving and narrowing both work within 128-bit blocks, so the lanes return to their original order.
  const auto narrow = hn::ReorderDemote2To(d16, rounded(left.total(), taps.precision_bits),
                                           rounded(right.total(), taps.precision_bits));
  hn::StoreU(hn::DemoteTo(d8, narrow), d8, out + column);
}

template <bool kSplit>
void vertical_rows(const RowsView& source, const AxisTaps& taps, Image& out) {
  const hn::CappedTag<std::int16_t, 16> d16;
  const std::size_t lanes = hn::Lanes(d16);
  const std::size_t row_bytes = out.row_bytes();
  if (row_bytes < lanes) {
    // Too narrow for a vector: run on a padded copy.
    const auto height = static_cast<std::size_t>(source.size.height);
    std::vector<std::uint8_t> padded(height * lanes);
    for (std::size_t y = 0; y < height; ++y) {
      std::memcpy(padded.data() + y * lanes, source.rows + y * source.stride, row_bytes);
    }
    const RowsView wide{padded.data(), lanes, source.size, padded.data() + padded.size()};
    std::vector<std::uint8_t> row(lanes);
    for (int y = 0; y < taps.count; ++y) {
      resample_columns<kSplit>(d16, wide, taps, y, 0, row.data());
      std::memcpy(out.row(y), row.data(), row_bytes);
    }
    return;
  }
  for (int y = 0; y < taps.count; ++y) {
    std::size_t column = 0;
    for (; column + lanes <= row_bytes; column += lanes)
      resample_columns<kSplit>(d16, source, taps, y, column, out.row(y));
    if (column < row_bytes) resample_columns<kSplit>(d16, source, taps, y, row_bytes - lanes, out.row(y));
  }
}

void vertical(const RowsView& source, const AxisTaps& taps, Image& out) {
  if (taps.split) return vertical_rows<true>(source, taps, out);
  vertical_rows<false>(source, taps, out);
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
