#include "base/simd/head_fusion.hpp"

#include <cassert>

// Highway compiles this file once for each instruction set and picks the widest at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/simd/head_fusion.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fovea {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// fused ← combine(fused, values) · factor
template <typename Combine>
HWY_INLINE void fuse_with(const Combine& combine, float factor, std::size_t size, const float* HWY_RESTRICT values,
                          float* HWY_RESTRICT fused) {
  const auto fuse = [&](auto d, std::size_t i) {
    hn::StoreU(hn::Mul(combine(hn::LoadU(d, fused + i), hn::LoadU(d, values + i)), hn::Set(d, factor)), d, fused + i);
  };
  const hn::ScalableTag<float> vector;
  const hn::CappedTag<float, 1> single;
  std::size_t i = 0;
  for (; i + hn::Lanes(vector) <= size; i += hn::Lanes(vector)) fuse(vector, i);
  for (; i < size; ++i) fuse(single, i);
}

void fuse_values(HeadFusion fusion, bool first, float factor, std::size_t size, const float* values, float* fused) {
  if (first) return fuse_with([](auto, auto x) { return x; }, factor, size, values, fused);
  switch (fusion) {
    case HeadFusion::kMean: return fuse_with([](auto y, auto x) { return hn::Add(y, x); }, factor, size, values, fused);
    case HeadFusion::kMax:
      return fuse_with([](auto y, auto x) { return hn::IfThenElse(hn::Lt(y, x), x, y); }, factor, size, values, fused);
    case HeadFusion::kMin:
      return fuse_with([](auto y, auto x) { return hn::IfThenElse(hn::Lt(x, y), x, y); }, factor, size, values, fused);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fovea {

HWY_EXPORT(fuse_values);

void fuse_head(HeadFusion fusion, std::size_t head, std::size_t num_heads, std::span<const float> values,
               std::span<float> fused) {
  assert(values.size() == fused.size() && head < num_heads);
  const bool mean_is_due = fusion == HeadFusion::kMean && head + 1 == num_heads;
  const float factor = mean_is_due ? 1.0F / static_cast<float>(num_heads) : 1.0F;
  HWY_DYNAMIC_DISPATCH(fuse_values)(fusion, head == 0, factor, fused.size(), values.data(), fused.data());
}

void fuse_heads(HeadFusion fusion, std::size_t num_heads, std::span<const float> values, std::span<float> fused) {
  assert(values.size() == num_heads * fused.size());
  for (std::size_t head = 0; head < num_heads; ++head) {
    const std::span<const float> own = values.subspan(head * fused.size(), fused.size());
    HWY_DYNAMIC_DISPATCH(fuse_values)(fusion, head == 0, 1.0F, fused.size(), own.data(), fused.data());
  }
  if (fusion != HeadFusion::kMean) return;
  for (float& value : fused) value /= static_cast<float>(num_heads);
}

}  // namespace fovea
#endif
