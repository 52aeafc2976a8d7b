// With --roofline: each kind of layer beside the machine's peak and bandwidth.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/numerics.hpp"
#include "fovea/architecture.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/forward/forward_pass.hpp"
#include "model/forward/layer_clock.hpp"
#include "model/forward/layer_cost.hpp"
#include "pipeline/bench/measure.hpp"
#include "pipeline/bench/timing.hpp"

namespace fovea {
namespace {

constexpr std::size_t kUnknownCache = 32U << 20U;
constexpr std::size_t kLeastInMemory = 256U << 20U;
constexpr std::size_t kMostInMemory = 1024U << 20U;

/// Sums over the layers of a kind.
std::vector<RooflinePoint> points_of(const BenchPlan& plan, const LayerClock& clock) {
  const auto images = static_cast<double>(plan.batch);
  std::map<LayerKind, RooflinePoint> by_kind;
  for (const LayerCost& layer : layer_cost(*plan.model, plan.batch)) {
    RooflinePoint& point = by_kind[layer.kind];
    point.name = name(layer.kind, plan.model->architecture());
    point.layers += layer.flops() > 0 ? 1U : 0U;
    point.gflop += layer.flops() * 1e-9 / images;
    point.gigabytes += layer.bytes * 1e-9 / images;
  }
  for (const auto& [kind, ms] : clock.median_ms()) by_kind[kind].ms = ms / images;
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
  ForwardPass pass(plan.model, plan.batch);
  LayerClock clock;
  const auto timed = [&] {
    const std::span<float> x = pass.embed(patches, clock);
    const std::size_t depth = plan.model->architecture().depth;
    (void)pass.read_out(plan.batch, pass.run_blocks(0, depth, x, {}, clock), false, clock);
    clock.end_pass();
  };
  Session session(plan.model, plan.batch);
  const std::vector<std::function<void()>> steps{[&] { (void)session.run(patches); }, timed};
  for (const auto& step : steps) step();  // what is compiled at first use
  clock.restart();
  const auto times = time_in_turn(plan.seconds, steps);

  Roofline roofline;
  roofline.title = title_of(plan);
  const auto images = static_cast<double>(plan.batch);
  roofline.forward_ms = quantile(times.front(), 0.5) / images;
  roofline.points = points_of(plan, clock);
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
