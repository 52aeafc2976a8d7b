// With --roofline: each kind of layer beside the machine's peak and bandwidth.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "base/numerics.hpp"
#include "fovea/architecture.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/forward/layer_steps.hpp"
#include "pipeline/bench/measure.hpp"
#include "pipeline/bench/timing.hpp"

namespace fovea {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kUnknownCache = 32U << 20U;
constexpr std::size_t kLeastInMemory = 256U << 20U;
constexpr std::size_t kMostInMemory = 1024U << 20U;

/// One pass; how long each step took is appended to the step's times.
void run_steps(const LayerSteps& layers, std::vector<std::vector<double>>& ms_of) {
  auto before = Clock::now();
  for (std::size_t i = 0; i < layers.steps().size(); ++i) {
    layers.steps()[i].run();
    const auto now = Clock::now();
    ms_of[i].push_back(std::chrono::duration<double, std::milli>(now - before).count());
    before = now;
  }
}

/// Sums over the steps of a kind, of each step its median: a step is short, and most of its runs are undisturbed even
/// where hardly any whole pass is.
std::vector<RooflinePoint> points_of(const LayerSteps& layers, const Architecture& architecture,
                                     std::span<const std::vector<double>> ms_of, double images) {
  std::map<LayerKind, RooflinePoint> by_kind;
  for (std::size_t i = 0; i < layers.steps().size(); ++i) {
    const LayerStep& step = layers.steps()[i];
    RooflinePoint& point = by_kind[step.kind];
    point.name = name(step.kind, architecture);
    point.layers += step.flops > 0 ? 1U : 0U;
    point.gflop += step.flops * 1e-9 / images;
    point.gigabytes += step.bytes * 1e-9 / images;
    point.ms += quantile(ms_of[i], 0.5) / images;
  }
  std::vector<RooflinePoint> points;
  points.reserve(by_kind.size());
  for (auto& [kind, point] : by_kind) points.push_back(std::move(point));
  return points;
}

std::string title_of(const BenchPlan& plan) {
  const ModelInfo& model = plan.model->info();
  return fmt::format("{}, {}, {} threads, batch {}", model.name.empty() ? model.architecture.name : model.name,
                     name(model.precision), plan.threads, plan.batch);
}

}  // namespace

Roofline measure_roofline(const BenchPlan& plan, std::span<const float> patches) {
  const LayerSteps layers(plan.model, patches);
  Session session(plan.model, plan.batch);
  std::vector<std::vector<double>> ms_of(layers.steps().size());
  const std::vector<std::function<void()>> steps{[&] { (void)session.run(patches); },
                                                 [&] { run_steps(layers, ms_of); }};
  for (const auto& step : steps) step();  // what is compiled at first use
  for (std::vector<double>& of_step : ms_of) of_step.clear();
  const auto times = time_in_turn(plan.seconds, steps);

  Roofline roofline;
  roofline.title = title_of(plan);
  const auto images = static_cast<double>(plan.batch);
  roofline.forward_ms = quantile(times.front(), 0.5) / images;
  roofline.points = points_of(layers, plan.model->architecture(), ms_of, images);
  const int threads = static_cast<int>(plan.threads);
  const std::size_t last_cache = machine_info().last_cache > 0 ? machine_info().last_cache : kUnknownCache;
  roofline.fma_gflop_per_s = measure_fma_peak_gflops(threads);
  roofline.matmul_gflop_per_s = measure_matmul_peak_gflops(threads, plan.model->info().precision);
  roofline.cache = {last_cache / 4, measure_bandwidth_gb_per_s(threads, last_cache / 4)};
  const std::size_t in_memory = std::clamp(4 * last_cache, kLeastInMemory, kMostInMemory);
  roofline.memory = {in_memory, measure_bandwidth_gb_per_s(threads, in_memory)};
  return roofline;
}

}  // namespace fovea
