// The arithmetic that a model is run in.
#pragma once

#include <string_view>

namespace fovea {

/// The arithmetic of the linear layers; what lies between them is float32. The bf16 ones sum in float32, and need a CPU
/// with AVX512-BF16 or AMX; int8 needs one with AVX512-VNNI or AMX.
enum class Precision {
  kF32,
  kBf16x6,  // each factor cut into three bfloat16 numbers, six products: float32's own error
  kBf16x3,  // into two, three products: 16 bits of each factor, all but float32
  kBf16,    // factors rounded to bfloat16, 8 bits; those of attention, too
  kInt8,    // of the blocks' layers: integers of 8 bits, a scale for each output and each token; the others as auto
};
[[nodiscard]] std::string_view name(Precision precision) noexcept;
inline constexpr Precision kPrecisions[] = {Precision::kF32, Precision::kBf16x6, Precision::kBf16x3, Precision::kBf16,
                                            Precision::kInt8};
/// Of f32 and bf16x3 the faster one on this CPU: bf16x3 where it has AMX.
[[nodiscard]] Precision fastest_full_precision();
/// Whether this CPU has units for it.
[[nodiscard]] bool has_units(Precision precision);
/// @throws Error  kBackend if this CPU has no units for it.
void require_precision(Precision precision);

}  // namespace fovea
