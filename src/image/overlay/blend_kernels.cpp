#include "image/overlay/blend_kernels.hpp"

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/overlay/blend_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kHalf = 0.5F;  // heat is not negative, so adding a half and truncating rounds

void blend_one(const Blend& level, const std::uint8_t* from, std::uint8_t* to) {
  const std::uint32_t gray = brightness(from) * level.keep_gray;
  for (std::size_t c = 0; c < 3; ++c) {
    to[c] = static_cast<std::uint8_t>((from[c] * level.keep + gray + level.add[c]) >> 16);
  }
}

void blend_each(const BlendTable& table, const float* heat, const std::uint8_t* from, std::size_t count,
                std::uint8_t* to) {
  for (std::size_t x = 0; x < count; ++x) {
    blend_one(table[static_cast<std::size_t>(heat[x] * (kBlendLevels - 1) + kHalf)], from + 3 * x, to + 3 * x);
  }
}

void dim_each(const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  for (std::size_t x = 0; x < count; ++x) {
    for (std::size_t c = 0; c < 3; ++c) to[3 * x + c] = dimmed(from + 3 * x, c);
  }
}

#if HWY_TARGET == HWY_SCALAR
void blend(const BlendTable& table, const float* heat, const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  blend_each(table, heat, from, count, to);
}
void dim(const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  dim_each(from, count, to);
}
#else

using Bytes = hn::ScalableTag<std::uint8_t>;
using Halves = hn::Half<Bytes>;
using Words = hn::RepartitionToWide<Bytes>;  // as many lanes as Halves
using Light = hn::Vec<Words>;

/// Luma of pixels whose channels are words: 77 r + 150 g + 29 b is below 2^16.
HWY_INLINE Light luma(Light r, Light g, Light b) {
  const Words d;
  const auto weighed = [&](Light channel, std::uint16_t weight) { return hn::Mul(channel, hn::Set(d, weight)); };
  return hn::ShiftRight<8>(hn::Add(hn::Add(weighed(r, 77), weighed(g, 150)), weighed(b, 29)));
}

/// One pixel in the four lanes of a vector. Levels differ from pixel to pixel, and a gathered column of the table for
/// each number of a level is slower than the level's row.
void blend(const BlendTable& table, const float* heat, const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  constexpr std::size_t kPixels = 64;  // a stretch whose levels and brightness are computed first
  const hn::ScalableTag<float> floats;
  const hn::RebindToSigned<decltype(floats)> ints;
  const hn::FixedTag<std::uint32_t, 4> pixel;
  const hn::Rebind<std::uint8_t, decltype(pixel)> pixel_bytes;
  const Halves bytes;
  const Words words;
  HWY_ALIGN std::array<std::int32_t, kPixels> levels{};
  HWY_ALIGN std::array<std::uint16_t, kPixels> gray{};
  std::size_t x = 0;
  // A pixel is read and written with the byte that follows it, so the last ones are left to blend_each().
  for (; x + kPixels < count; x += kPixels) {
    for (std::size_t i = 0; i < kPixels; i += hn::Lanes(floats)) {
      const auto level =
          hn::Add(hn::Mul(hn::LoadU(floats, heat + x + i), hn::Set(floats, kBlendLevels - 1)), hn::Set(floats, kHalf));
      hn::Store(hn::ConvertTo(ints, level), ints, levels.data() + i);
    }
    for (std::size_t i = 0; i < kPixels; i += hn::Lanes(bytes)) {
      hn::Vec<Halves> r;
      hn::Vec<Halves> g;
      hn::Vec<Halves> b;
      hn::LoadInterleaved3(bytes, from + 3 * (x + i), r, g, b);
      hn::Store(luma(hn::PromoteTo(words, r), hn::PromoteTo(words, g), hn::PromoteTo(words, b)), words,
                gray.data() + i);
    }
    for (std::size_t i = 0; i < kPixels; ++i) {
      const Blend& level = table[static_cast<std::size_t>(levels[i])];
      const auto add = hn::LoadU(pixel, level.add.data());
      const auto rgb = hn::PromoteTo(pixel, hn::LoadU(pixel_bytes, from + 3 * (x + i)));
      const auto light = hn::Set(pixel, gray[i] * level.keep_gray);
      const auto sum = hn::Add(hn::Add(hn::Mul(rgb, hn::Set(pixel, level.keep)), light), add);
      hn::StoreU(hn::U8FromU32(hn::And(hn::ShiftRight<16>(sum), hn::Set(pixel, 255U))), pixel_bytes, to + 3 * (x + i));
    }
  }
  blend_each(table, heat + x, from + 3 * x, count - x, to + 3 * x);
}

void dim(const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  const Halves bytes;
  const Words words;
  std::size_t x = 0;
  for (; x + hn::Lanes(bytes) <= count; x += hn::Lanes(bytes)) {
    hn::Vec<Halves> r;
    hn::Vec<Halves> g;
    hn::Vec<Halves> b;
    hn::LoadInterleaved3(bytes, from + 3 * x, r, g, b);
    const auto wide = [&](auto channel) { return hn::PromoteTo(words, channel); };
    const auto light = hn::Mul(luma(wide(r), wide(g), wide(b)), hn::Set(words, kDimGray));
    const auto dark = [&](auto channel) {
      return hn::DemoteTo(
          bytes, hn::BitCast(hn::RebindToSigned<Words>(),
                             hn::ShiftRight<8>(hn::Add(light, hn::Mul(wide(channel), hn::Set(words, kDimColor))))));
    };
    hn::StoreInterleaved3(dark(r), dark(g), dark(b), bytes, to + 3 * x);
  }
  dim_each(from + 3 * x, count - x, to + 3 * x);
}
#endif

void interpolate(const std::array<const float*, 4>& rows, const std::array<float, 4>& weights, std::size_t count,
                 float* HWY_RESTRICT heat) {
  const auto at = [&](auto d, std::size_t x) {
    auto sum = hn::Mul(hn::Set(d, weights[0]), hn::LoadU(d, rows[0] + x));
    for (std::size_t i = 1; i < rows.size(); ++i) {
      sum = hn::Add(sum, hn::Mul(hn::Set(d, weights[i]), hn::LoadU(d, rows[i] + x)));
    }
    hn::StoreU(hn::Min(hn::Max(sum, hn::Zero(d)), hn::Set(d, 1.0F)), d, heat + x);
  };
  const hn::ScalableTag<float> vector;
  const hn::CappedTag<float, 1> single;
  std::size_t x = 0;
  for (; x + hn::Lanes(vector) <= count; x += hn::Lanes(vector)) at(vector, x);
  for (; x < count; ++x) at(single, x);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace fovea
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea {

HWY_EXPORT(blend);
HWY_EXPORT(dim);
HWY_EXPORT(interpolate);

void blend_pixels(const BlendTable& table, const float* heat, const std::uint8_t* from, std::size_t count,
                  std::uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(blend)(table, heat, from, count, to);
}

void dim_pixels(const std::uint8_t* from, std::size_t count, std::uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(dim)(from, count, to);
}

void interpolate_rows(const std::array<const float*, 4>& rows, const std::array<float, 4>& weights, std::size_t count,
                      float* heat) {
  HWY_DYNAMIC_DISPATCH(interpolate)(rows, weights, count, heat);
}

}  // namespace fovea
#endif
