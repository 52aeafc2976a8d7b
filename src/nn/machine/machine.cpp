// What the machine is, and how fast it multiplies, measured.
#include "fovea/machine.hpp"

#include <fmt/format.h>
#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/precision.hpp"
#include "nn/linear/onednn.hpp"
#include "nn/linear/precisions.hpp"
#include "nn/machine/cpu_quota.hpp"
#include "nn/machine/peaks.hpp"

namespace fovea {
namespace {

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string_view isa_name(dnnl::cpu_isa isa) {
  switch (isa) {
    case dnnl::cpu_isa::sse41: return "sse4.1";
    case dnnl::cpu_isa::avx: return "avx";
    case dnnl::cpu_isa::avx2: return "avx2";
    case dnnl::cpu_isa::avx2_vnni: return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core: return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni: return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16: return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx: return "avx512_core_amx";
    default: return "other";
  }
}

/// Read from Linux's files about the first core: glibc's figure, from CPUID, is on virtual machines the whole host's.
std::size_t largest_cache() {
  std::size_t largest = 0;
  for (int index = 0; index < 8; ++index) {
    std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index));
    std::size_t size = 0;
    char unit = ' ';
    if (!(file >> size >> unit)) continue;  // "32768K"
    largest = std::max(largest, size * (unit == 'M' ? 1U << 20U : 1U << 10U));
  }
  return largest;
}

class ThreadCount {  // for the length of a measurement
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

template <typename Body>
double seconds_of(Body&& body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Seconds of one [rows, depth] · [depth, cols], the best of several runs. Sums are f32, or s32 for integers.
double best_matmul_seconds(dnnl::memory::data_type type, dnnl::memory::dim rows, dnnl::memory::dim depth,
                           dnnl::memory::dim cols) {
  using dnnl::memory;
  nn::Workspace workspace;
  const memory::desc left({rows, depth}, type, memory::format_tag::ab);
  const memory::desc any({depth, cols}, type, memory::format_tag::any);
  const memory::desc sums({rows, cols}, type == memory::data_type::s8 ? memory::data_type::s32 : memory::data_type::f32,
                          memory::format_tag::ab);
  const auto desc = nn::matmul_desc(left, any, nullptr, sums, nn::user_scratchpad());
  nn::Primitive matmul(dnnl::matmul(desc), desc, workspace);
  memory x(desc.src_desc(), nn::cpu_engine());
  memory w(desc.weights_desc(), nn::cpu_engine());
  memory y(desc.dst_desc(), nn::cpu_engine());
  for (memory* operand : {&x, &w}) {  // bytes that are a small number in all types
    std::memset(operand->get_data_handle(), 0x3C, operand->get_desc().get_size());
  }
  double best = 1e9;
  for (int run = 0; run < 8; ++run) {
    best = std::min(
        best, seconds_of([&] {
          matmul.execute({{DNNL_ARG_SRC, x, nullptr}, {DNNL_ARG_WEIGHTS, w, nullptr}, {DNNL_ARG_DST, y, nullptr}});
        }));
  }
  return best;
}

}  // namespace

void set_compute_threads(int threads) {
  omp_set_num_threads(std::max(threads, 1));
}

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : omp_get_num_procs();
  // Part of a core more than whole ones is still worth a thread.
  static const std::optional<double> quota = cpu_quota();  // every verb asks, at each start
  const double allowed = std::ceil(quota.value_or(cores));
  return std::max(1, static_cast<int>(std::min<double>(cores, allowed)));
}

MachineInfo machine_info() {
  const dnnl_version_t* version = dnnl_version();
  return {cpu_name(), std::string(isa_name(dnnl::get_effective_cpu_isa())),
          fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch), available_cores(),
          largest_cache()};
}

double measure_fma_peak_gflops(int threads) {
  const ThreadCount count(threads);
  constexpr std::size_t kRounds = 2'000'000;
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    double flops = 0;
    const double seconds = seconds_of([&] {
#pragma omp parallel reduction(+ : flops)
      flops += nn::run_fused_multiply_adds(kRounds);
    });
    best = std::max(best, flops / seconds * 1e-9);
  }
  return best;
}

double measure_matmul_peak_gflops(int threads, Precision precision) {
  const ThreadCount count(threads);
  using Type = dnnl::memory::data_type;
  const std::size_t parts = nn::bf16_parts(precision);
  const double products = parts == 0 ? 1.0 : static_cast<double>(parts * (parts + 1)) / 2;
  const Type type = precision == Precision::kInt8 ? Type::s8 : parts == 0 ? Type::f32 : Type::bf16;
  return nn::translate_errors("measuring the matmul rate", [&] {
    double best = 0;
    for (const dnnl::memory::dim size : {768, 1536}) {
      const double flops = 2.0 * 1024 * static_cast<double>(size * size) / products;
      const double seconds = best_matmul_seconds(type, 1024, size, size);
      best = std::max(best, flops / seconds * 1e-9);
    }
    return best;
  });
}

double measure_bandwidth_gb_per_s(int threads, std::size_t bytes) {
  const ThreadCount count(threads);
  constexpr std::size_t kStep = 64;            // floats, of run_stream_triad
  constexpr std::size_t kMoved = 128'000'000;  // bytes a run, so that starting threads does not count
  const auto team = static_cast<std::size_t>(std::max(threads, 1));
  const std::size_t size = std::max(bytes / (3 * sizeof(float)) / team / kStep, std::size_t{1}) * kStep;
  const std::size_t array_bytes = 3 * sizeof(float) * size * team;
  const std::size_t rounds = std::max<std::size_t>(kMoved / array_bytes, 1);
  std::vector<AlignedBuffer<float>> arrays(team);  // a, b and c of each thread
#pragma omp parallel for schedule(static)
  for (std::size_t t = 0; t < team; ++t) {  // filled, and so placed, by the thread that uses them
    arrays[t] = AlignedBuffer<float>(3 * size);
    std::fill_n(arrays[t].data(), 3 * size, 1.0F);
  }
  double best = 1e9;
  for (int run = 0; run < 8; ++run) {
    best = std::min(best, seconds_of([&] {
#pragma omp parallel for schedule(static)
                      for (std::size_t t = 0; t < team; ++t) {
                        float* a = arrays[t].data();
                        nn::run_stream_triad(size, rounds, a, a + size, a + 2 * size);
                      }
                    }));
  }
  return static_cast<double>(array_bytes * rounds) / best * 1e-9;
}

}  // namespace fovea
