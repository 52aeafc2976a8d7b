#include "pipeline/bench/bench.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "fovea/architecture.hpp"
#include "fovea/explain.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/prepare.hpp"
#include "fovea/session.hpp"
#include "image/codec/codec.hpp"
#include "image/codec/encode.hpp"
#include "image/overlay/overlay.hpp"
#include "model/forward/layer_cost.hpp"
#include "pipeline/bench/measure.hpp"
#include "pipeline/bench/timing.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/pictures.hpp"

namespace fovea {
namespace {

constexpr double kWarmUpSeconds = 0.3;

/// Smooth shapes with some grain, so that it is about as hard to decode as a photograph of this size.
std::vector<std::byte> synthetic_jpeg() {
  Image image({375, 500});
  std::uint32_t noise = 1;
  for (int y = 0; y < 375; ++y) {
    for (int x = 0; x < 500; ++x) {
      for (int c = 0; c < 3; ++c) {
        noise = noise * 1664525U + 1013904223U;
        const double wave = 100 + 60 * std::sin(0.05 * x + c) + 50 * std::cos(0.03 * y * (c + 1) + 0.02 * x);
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(std::lround(wave) + static_cast<int>(noise >> 28));
      }
    }
  }
  return encode_jpeg(image, 90);
}

/// Everything of one picture that the stages need.
struct Subject {
  std::vector<std::byte> file;
  std::string name;
  Image picture;           // the whole of it, to draw on
  DecodedPicture decoded;  // for the model
  PreparedImage prepared;
  std::vector<float> patches;  // [batch, T, 3·P·P]

  Subject(const BenchPlan& plan, const ModelInfo& model)
      : file(plan.image ? read_file(*plan.image) : synthetic_jpeg()),
        name(plan.image ? printable(*plan.image) : "synthetic 500x375 JPEG"),
        picture(decode_image(file, name, plan.decode)),
        decoded(decode_image(file, name, plan.decode, model.recipe)),
        prepared(prepare(decoded.image, model, decoded.whole)) {
    const std::vector<float>& one = prepared.patches;
    patches.reserve(plan.batch * one.size());
    for (std::size_t i = 0; i < plan.batch; ++i) patches.insert(patches.end(), one.begin(), one.end());
  }
};

/// A forward pass with the plan's map for each image of the batch; the last image's.
Heatmap explain_run(const VisionTransformer& model, Session& session, const Subject& subject, const MapPlan& plan) {
  auto images = explain_images(model, session, subject.patches, plan, {}, best_class);
  return std::move(images.back().maps.front().heatmap);
}

void measure_methods(const BenchPlan& plan, const Subject& subject, BenchReport& report) {
  MapPlan all;
  all.methods = plan.methods;
  Session session(plan.model, all.session_batch(plan.batch));
  std::vector<std::function<void()>> steps{[&] { (void)session.run(subject.patches); }};
  Heatmap drawn;
  for (const ExplainMethod* method : plan.methods) {
    MapPlan one;
    one.methods = {method};
    one.options = plan.options;
    check_plan(one, plan.model->info());
    steps.emplace_back([&, one] {
      Heatmap heatmap = explain_run(*plan.model, session, subject, one);
      if (one.methods.front() == plan.methods.front()) drawn = std::move(heatmap);
    });
  }
  for (const auto& step : steps) step();  // what is compiled and packed at first use
  auto times = time_in_turn(plan.seconds / 2 * static_cast<double>(plan.methods.size()), steps);
  for (std::vector<double>& of_step : times) {
    for (double& ms : of_step) ms /= static_cast<double>(plan.batch);
  }
  const double plain = quantile(times.front(), 0.5);
  for (std::size_t m = 0; m < plan.methods.size(); ++m) {
    const Timing explained = timing_of(times[m + 1]);
    report.methods.push_back(
        {std::string(plan.methods[m]->name), explained, explained.median - plain, explained.median / plain});
  }
  const ExplainMethod& first = *plan.methods.front();
  const OverlayCaption caption{"label", 0.5, std::string(first.title), first.variant(plan.options)};
  const MatrixView<const float> map(drawn.values, drawn.grid.rows, drawn.grid.cols);
  report.encode_ms = median_ms(plan.seconds / 10, [&] {
    (void)encode_png(draw_overlay(subject.picture, map, subject.prepared.geometry, OverlayStyle{}, caption));
  });
}

void measure_input_stages(const BenchPlan& plan, const Subject& subject, BenchReport& report) {
  const ModelInfo& model = plan.model->info();
  report.image = subject.name;
  report.decode_ms =
      median_ms(plan.seconds / 10, [&] { (void)decode_image(subject.file, subject.name, plan.decode, model.recipe); });
  report.preprocess_ms =
      median_ms(plan.seconds / 10, [&] { (void)prepare(subject.decoded.image, model, subject.decoded.whole); });
}

/// The largest resident size of this process so far, in 1e6 bytes.
double peak_rss_mb() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024e-6;
}

}  // namespace

BenchReport run_bench(const BenchPlan& asked) {
  BenchReport report;
  const int threads = static_cast<int>(asked.threads);
  set_compute_threads(threads);
  const Subject subject(asked, asked.model->info());
  BenchPlan plan = asked;
  plan.model = asked.model->at(subject.prepared.geometry.crop);
  report.gflop = gflop_per_image(plan.model->architecture());
  Session session(plan.model, plan.batch);
  const std::function<void()> forward = [&] { (void)session.run(subject.patches); };
  (void)time_in_turn(kWarmUpSeconds, {forward});
  std::vector<double> times = time_in_turn(plan.seconds, {forward}).front();
  for (double& ms : times) ms /= static_cast<double>(plan.batch);
  report.runs = times.size();
  report.forward = timing_of(std::move(times));
  report.peak_rss_mb = peak_rss_mb();
  report.fma_peak_gflops = measure_fma_peak_gflops(threads);
  report.matmul_peak_gflops = measure_matmul_peak_gflops(threads, plan.model->info().precision);
  measure_methods(plan, subject, report);
  measure_input_stages(plan, subject, report);
  if (plan.faithfulness) report.faithfulness = measure_faithfulness(plan, subject.patches);
  if (plan.hard_attention) report.reduced = measure_reduction(plan, subject.patches);
  if (plan.decode.mode == DecodeMode::kFast) {
    report.fast_decode = measure_fast_decode(asked, subject.file, subject.name);
  }
  if (plan.folder) report.folder = measure_folder(asked);
  if (plan.folder && plan.full) report.cascade = measure_cascade(asked);
  if (plan.roofline) {
    report.roofline = measure_roofline(plan, subject.patches);
    // A peak is the best that was seen: it was measured before the layers, too.
    Roofline& roofline = *report.roofline;
    roofline.fma_gflop_per_s = report.fma_peak_gflops = std::max(report.fma_peak_gflops, roofline.fma_gflop_per_s);
    roofline.matmul_gflop_per_s = report.matmul_peak_gflops =
        std::max(report.matmul_peak_gflops, roofline.matmul_gflop_per_s);
  }
  return report;
}

}  // namespace fovea
