// fovea bench --roofline: each kind of layer beside the machine's peak and bandwidth.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "base/numerics.hpp"
#include "cli/terminal/json_text.hpp"
#include "cli/verbs/bench.hpp"
#include "fovea/architecture.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/forward/layer_steps.hpp"

namespace fovea::cli {
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

double share_of_roof(const Roofline& roofline, const RooflinePoint& point) {
  return point.gflop_per_s() / roofline.roof_gflop_per_s(point.flop_per_byte());
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

std::string roofline_text(const Roofline& roofline) {
  std::string text = fmt::format(
      "\nroofline      FMA peak {:.0f} GFLOP/s, large matrix products {:.0f} GFLOP/s; STREAM triad {:.0f} GB/s over\n"
      "              {} MiB, in the cache, and {:.0f} GB/s over {} MiB, in memory\n\n",
      roofline.fma_gflop_per_s, roofline.matmul_gflop_per_s, roofline.cache.gb_per_s, roofline.cache.bytes >> 20U,
      roofline.memory.gb_per_s, roofline.memory.bytes >> 20U);
  text += fmt::format("{:<26}{:>6}{:>9}{:>8}{:>8}{:>9}{:>8}{:>11}{:>9}\n", "kind of layer", "layers", "ms", "share",
                      "GFLOP", "GFLOP/s", "GB/s", "FLOP/byte", "of roof");
  for (const RooflinePoint& point : roofline.points) {
    text += fmt::format("{:<26}{:>6}{:>9.3f}{:>6.1f} %{:>8.4f}{:>9.1f}{:>8.1f}{:>11.2f}{:>7.0f} %\n", point.name,
                        point.layers, point.ms, 100 * point.ms / roofline.layers_ms(), point.gflop, point.gflop_per_s(),
                        point.gb_per_s(), point.flop_per_byte(), 100 * share_of_roof(roofline, point));
  }
  text += fmt::format(
      "{:<26}{:>6}{:>9.3f}: {:.1f} % of the {:.3f} ms of the whole forward pass, in runs between these\n"
      "roof: the smaller of the peak and FLOP/byte times the cache's rate; bytes: inputs, weights and outputs, each "
      "once\n",
      "all, one after the other", "", roofline.layers_ms(), 100 * roofline.layers_ms() / roofline.forward_ms,
      roofline.forward_ms);
  return text;
}

JsonObject roofline_json(const Roofline& roofline) {
  const auto bandwidth = [](const Bandwidth& measured) {
    JsonObject json;
    json.add("bytes", measured.bytes).add("gb_per_s", measured.gb_per_s);
    return json;
  };
  std::vector<std::string> layers;
  layers.reserve(roofline.points.size());
  for (const RooflinePoint& point : roofline.points) {
    JsonObject json;
    json.add("kind", point.name).add("layers", point.layers).add("ms_per_image", point.ms);
    json.add("share", point.ms / roofline.layers_ms()).add("gflop", point.gflop).add("gigabytes", point.gigabytes);
    json.add("gflops", point.gflop_per_s()).add("gb_per_s", point.gb_per_s());
    json.add("flop_per_byte", point.flop_per_byte()).add("share_of_roof", share_of_roof(roofline, point));
    layers.push_back(json.line());
  }
  JsonObject json;
  json.add("fma_peak_gflops", roofline.fma_gflop_per_s).add("matmul_peak_gflops", roofline.matmul_gflop_per_s);
  json.add("cache", bandwidth(roofline.cache)).add("memory", bandwidth(roofline.memory));
  json.add_raw("layers", json_array(layers));
  json.add("layers_ms_per_image", roofline.layers_ms()).add("forward_ms_per_image", roofline.forward_ms);
  json.add("layers_over_forward", roofline.layers_ms() / roofline.forward_ms);
  return json;
}

}  // namespace fovea::cli
