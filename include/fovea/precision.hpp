// The arithmetic that a model runs in.
#pragma once

#include <string_view>

namespace fovea {

/// The arithmetic of the linear layers; everything between them is float32. The bf16 precisions sum in float32 and need
/// a CPU with AVX512-BF16 or AMX; int8 needs AVX512-VNNI or AMX.
enum class Precision {
  kF32,
  kBf16x6,  // each factor split into three bfloat16 numbers, six products: the error is float32's own
  kBf16x3,  // each factor split into two, three products: 16 bits of each factor, almost float32
  kBf16,    // factors rounded to bfloat16 (8 bits), in attention too
  kInt8,    // 8-bit integers in the blocks' layers, one scale for each output and each token; other layers run as auto
};
[[nodiscard]] std::string_view name(Precision precision) noexcept;
inline constexpr Precision kPrecisions[] = {Precision::kF32, Precision::kBf16x6, Precision::kBf16x3, Precision::kBf16,
                                            Precision::kInt8};
/// The faster of f32 and bf16x3 on this CPU: bf16x3 where it has AMX.
[[nodiscard]] Precision fastest_full_precision();
/// Whether this CPU has the units that the precision needs.
[[nodiscard]] bool has_units(Precision precision);
/// @throws Error  kBackend if this CPU lacks the units that the precision needs.
void require_precision(Precision precision);

}  // namespace fovea
