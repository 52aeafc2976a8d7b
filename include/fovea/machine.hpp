// The machine: its threads, what it is, and what it was measured to do.
#pragma once

#include <cstddef>
#include <string>

#include "fovea/precision.hpp"

namespace fovea {

/// The threads that the calling thread's sessions compute with.
void set_compute_threads(int threads);
/// Those that this process may run on (taskset), or fewer where a container's quota of CPU time is smaller.
[[nodiscard]] int available_cores();

/// What the machine is and can do, measured where it says measured.
struct MachineInfo {
  std::string cpu;
  std::string isa;      // the widest instruction set that the kernels use here, e.g. "avx512_core_vnni"
  std::string backend;  // e.g. "oneDNN 2.6.3"
  int cores = 1;
  std::size_t last_cache = 0;  // bytes of the largest cache that the first core reaches, its own or shared; 0: unknown
};
[[nodiscard]] MachineInfo machine_info();
/// Measured now, on `threads` threads: the rate of independent f32 fused multiply-adds, in GFLOP/s.
[[nodiscard]] double measure_fma_peak_gflops(int threads);
/// Measured now: the best matrix product rate of the backend over a few large shapes, in GFLOP/s. Where a product takes
/// several it counts once.
[[nodiscard]] double measure_matmul_peak_gflops(int threads, Precision precision = Precision::kF32);
/// Measured now, on `threads` threads: the rate of McCalpin's STREAM triad a = b + s · c, in GB/s of 1e9 bytes; two
/// floats read and one written count 12 bytes, whatever else the caches move.
/// @param bytes  of all arrays of all threads together: which cache, or none, holds them decides the rate
[[nodiscard]] double measure_bandwidth_gb_per_s(int threads, std::size_t bytes);

}  // namespace fovea
