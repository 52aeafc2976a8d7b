// Loads and stores of a part of a vector, and loops over vectors and rows, for the files that Highway compiles once for
// each instruction set.
#if defined(FOVEA_SIMD_TAIL_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef FOVEA_SIMD_TAIL_INL_HPP_
#undef FOVEA_SIMD_TAIL_INL_HPP_
#else
#define FOVEA_SIMD_TAIL_INL_HPP_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace fovea::nn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;

/// The first `count` lanes, fewer than a vector's; the remaining lanes are zero on load, and their memory is never
/// touched.
// The masked instructions of AVX2 and later do that; on older CPUs Highway's substitutes touch whole vectors.
#undef FOVEA_HAS_MASKED_MEMORY
#define FOVEA_HAS_MASKED_MEMORY (HWY_TARGET <= HWY_AVX2)
template <typename T>
HWY_INLINE hn::Vec<hn::ScalableTag<T>> load_first(const T* from, std::size_t count) {
  const hn::ScalableTag<T> d;
#if FOVEA_HAS_MASKED_MEMORY
  return hn::MaskedLoad(hn::FirstN(d, count), d, from);
#else
  HWY_ALIGN T lanes[HWY_LANES(T)] = {};
  for (std::size_t i = 0; i < count; ++i) lanes[i] = from[i];
  return hn::Load(d, lanes);
#endif
}
template <typename T>
HWY_INLINE void store_first(hn::Vec<hn::ScalableTag<T>> values, T* to, std::size_t count) {
  const hn::ScalableTag<T> d;
#if FOVEA_HAS_MASKED_MEMORY
  hn::BlendedStore(values, hn::FirstN(d, count), d, to);
#else
  HWY_ALIGN T lanes[HWY_LANES(T)];
  hn::Store(values, d, lanes);
  for (std::size_t i = 0; i < count; ++i) to[i] = lanes[i];
#endif
}

/// The same store of lanes that are narrower than floats, as many as a vector of those has.
template <typename T>
HWY_INLINE void store_narrow_first(hn::Vec<hn::Rebind<T, Floats>> values, T* to, std::size_t count) {
  HWY_ALIGN T lanes[HWY_LANES(float)];
  hn::Store(values, hn::Rebind<T, Floats>(), lanes);
  std::copy_n(lanes, count, to);
}

/// Calls whole(i) for each whole vector of `size` values and part(i, count) for what is left.
template <typename Whole, typename Part>
HWY_INLINE void for_vectors(std::size_t size, Whole&& whole, Part&& part) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) whole(i);
  if (i < size) part(i, size - i);
}

/// Calls body(first, count) for a few rows at a time, which are computed side by side, step by step: a step ends with a
/// sum or maximum over a vector's lanes, and the next row need not wait for that.
constexpr std::size_t kRowGroup = 4;
template <typename Body>
HWY_INLINE void for_groups(std::size_t rows, const Body& body) {
  for (std::size_t first = 0; first < rows; first += kRowGroup) body(first, std::min(kRowGroup, rows - first));
}

}  // namespace HWY_NAMESPACE
}  // namespace fovea::nn
HWY_AFTER_NAMESPACE();

#endif
