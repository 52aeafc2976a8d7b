// The machine: its threads, its description, and its measured rates.
#pragma once

#include <cstddef>
#include <string>

#include "fovea/precision.hpp"

namespace fovea {

/// Sets how many threads the sessions of the calling thread compute with.
void set_compute_threads(int threads);
/// The cores this process may run on (taskset), or fewer where a container's CPU quota is smaller.
[[nodiscard]] int available_cores();

/// What the machine is and can do, as the system reports it.
struct MachineInfo {
  std::string cpu;
  std::string isa;      // the widest instruction set that the kernels use here, e.g. "avx512_core_vnni"
  std::string backend;  // e.g. "oneDNN 2.6.3"
  int cores = 1;
  std::size_t last_cache = 0;  // bytes of the largest cache that the first core reaches, private or shared; 0: unknown
};
[[nodiscard]] MachineInfo machine_info();
/// Measures, on `threads` threads, the rate of independent f32 fused multiply-adds, in GFLOP/s.
[[nodiscard]] double measure_fma_peak_gflops(int threads);
/// Measures the backend's best matrix product rate over a few large shapes, in GFLOP/s. A product that takes several
/// products in bfloat16 counts once.
[[nodiscard]] double measure_matmul_peak_gflops(int threads, Precision precision = Precision::kF32);
/// Measures, on `threads` threads, the rate of McCalpin's STREAM triad a = b + s · c, in GB/s (1e9 bytes). Two floats
/// read and one written count as 12 bytes, whatever else the caches move.
/// @param bytes  size of all arrays of all threads together; it decides which cache, if any, holds them, and so the
/// rate
[[nodiscard]] double measure_bandwidth_gb_per_s(int threads, std::size_t bytes);

}  // namespace fovea
