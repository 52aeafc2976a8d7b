// Which precisions there are, and what this CPU computes fast.
#include "fovea/precision.hpp"

#include <fmt/format.h>

#include "fovea/error.hpp"
#include "fovea/machine.hpp"
#include "nn/linear/onednn.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea {
namespace {

/// oneDNN's names are bit sets: each instruction set contains the bits of the sets that it includes.
bool has(dnnl::cpu_isa wanted) {
  const auto bits = static_cast<unsigned>(wanted);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & bits) == bits;
}

}  // namespace

bool nn::has_amx() {
#if defined(__x86_64__)
  // oneDNN asks the kernel for the tiles' registers before it says so.
  static const bool tiles = has(dnnl::cpu_isa::avx512_core_amx);
  return tiles;
#else
  return false;
#endif
}

std::string_view name(Precision precision) noexcept {
  switch (precision) {
    case Precision::kF32: return "f32";
    case Precision::kBf16x6: return "bf16x6";
    case Precision::kBf16x3: return "bf16x3";
    case Precision::kBf16: return "bf16";
    case Precision::kInt8: return "int8";
  }
  return "?";
}

Precision fastest_full_precision() {
  return nn::has_amx() ? Precision::kBf16x3 : Precision::kF32;
}

bool has_units(Precision precision) {
  if (precision == Precision::kInt8) return has(dnnl::cpu_isa::avx512_core_vnni);
  return precision == Precision::kF32 || has(dnnl::cpu_isa::avx512_core_bf16);
}

void require_precision(Precision precision) {
  if (has_units(precision)) return;
  if (precision == Precision::kInt8) {
    throw Error(ErrorCode::kBackend,
                fmt::format("precision: int8 is asked for, expected f32: this CPU ({}) has no units for sums of 8-bit "
                            "products",
                            machine_info().isa),
                "AVX512-VNNI and AMX are such; --precision f32");
  }
  throw Error(ErrorCode::kBackend,
              fmt::format("precision: {} is asked for, expected f32: this CPU ({}) does not multiply bfloat16 numbers",
                          name(precision), machine_info().isa),
              "AVX512-BF16 and AMX do; --precision f32");
}

}  // namespace fovea
