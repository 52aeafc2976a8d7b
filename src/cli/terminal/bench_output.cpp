#include "cli/terminal/bench_output.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/json_text.hpp"
#include "fovea/architecture.hpp"
#include "fovea/machine.hpp"
#include "fovea/precision.hpp"
#include "fovea/version.hpp"
#include "model/forward/layer_cost.hpp"
#include "report/record.hpp"

namespace fovea::cli {
namespace {

std::string model_name(const ModelInfo& model) {
  return model.name.empty() ? model.architecture.name : model.name;
}

double gflops(const BenchReport& report) {
  return report.gflop / report.forward.median * 1e3;
}

double share_of_roof(const Roofline& roofline, const RooflinePoint& point) {
  return point.gflop_per_s() / roofline.roof_gflop_per_s(point.flop_per_byte());
}

std::string folder_text(const FolderTiming& folder, std::size_t threads) {
  return fmt::format(
      "folder        {} images, {:.1f} images/s: {:.1f} % of {:.1f}, which is {} threads / "
      "({:.2f} ms decode and resample + {:.2f} ms forward on one core); it had {:.2f} cores\n",
      folder.images, folder.images_per_second, 100 * folder.images_per_second / folder.limit_images_per_second,
      folder.limit_images_per_second, threads, folder.decode_core_ms, folder.forward_core_ms, folder.cores_used);
}

std::string cascade_text(const CascadeCost& cost, Precision quick) {
  return fmt::format("cascade       {}: {} of {} images decided by {}, {} like the model alone, {:.2f} times as fast\n",
                     cost.ranks == 1 ? std::string("best class") : fmt::format("{} best", cost.ranks), cost.quick,
                     cost.images, name(quick), cost.same, cost.speedup);
}

/// "keep 0.7, drawn at random, mean of 4 draws"
std::string name_of(const MapPlan& plan) {
  const TokenReduction& reduction = plan.reduction;
  std::string text =
      reduction.merge > 0 ? fmt::format("merge {}", reduction.merge) : fmt::format("keep {}", reduction.keep);
  if (reduction.sample) text += ", drawn at random";
  if (plan.draws > 1) text += fmt::format(", mean of {} draws", plan.draws);
  return text;
}

std::string faithfulness_text(const FaithfulnessCost& cost, std::string_view method) {
  return fmt::format("faithfulness  of {}: {} forward passes in {:.1f} ms, {:.2f} times what as many plain ones take\n",
                     method, cost.forwards, cost.ms, cost.ratio);
}

std::string reduced_text(const BenchPlan& plan, const ReducedForward& reduced) {
  std::string text = fmt::format(
      "reduced       {}: {:.2f} ms an image beside {:.2f} of the whole model, {:.2f} times as fast; tokens {}\n",
      name_of(*plan.hard_attention), reduced.ms, reduced.whole_ms, reduced.speedup, fmt::join(reduced.tokens, ", "));
  if (!reduced.agreement) return text;
  const Agreement& agreement = *reduced.agreement;
  text += fmt::format(
      "              same class on {} of {} images{}, {:.1f} %; largest difference of a probability {:.3f}\n",
      agreement.same_top1, agreement.images,
      agreement.found > agreement.images ? fmt::format(" out of {}", agreement.found) : "", 100 * agreement.share(),
      agreement.largest_difference);
  return text;
}

std::string fast_decode_text(const FastDecode& fast) {
  std::string text = fmt::format(
      "fast decode   {:.2f} ms a picture beside {:.2f} of all its pixels, then {:.2f} ms of resampling beside {:.2f} "
      "(medians, one core)\n"
      "              smaller than they are: {} of {} images{}\n",
      fast.fast_ms, fast.exact_ms, fast.fast_preprocess_ms, fast.exact_preprocess_ms, fast.smaller, fast.images,
      fast.found > fast.images ? fmt::format(" out of {}", fast.found) : "");
  if (!fast.compared) return text;
  text += fmt::format(
      "              same class on {} of {}; largest difference of a logit {:.3g}, {:.2f} % of the logits' range\n",
      fast.same_top1, fast.images, fast.largest_difference, 100 * fast.largest_share_of_range);
  return text;
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

std::string cascade_json(std::span<const CascadeCost> costs) {
  std::vector<std::string> rows;
  for (const CascadeCost& cost : costs) {
    JsonObject row;
    row.add("ranks", cost.ranks).add("images", cost.images).add("quick", cost.quick).add("same", cost.same);
    rows.push_back(row.add("speedup", cost.speedup).line());
  }
  return json_array(rows);
}

JsonObject folder_json(const FolderTiming& folder) {
  JsonObject json;
  json.add("images", folder.images).add("images_per_second", folder.images_per_second);
  json.add("cores_used", folder.cores_used);
  json.add("decode_core_ms", folder.decode_core_ms).add("forward_core_ms", folder.forward_core_ms);
  json.add("limit_images_per_second", folder.limit_images_per_second);
  json.add("share_of_limit", folder.images_per_second / folder.limit_images_per_second);
  return json;
}

JsonObject reduced_json(const MapPlan& plan, const ReducedForward& reduced) {
  JsonObject json;
  json.add("keep", plan.reduction.keep).add("merge", plan.reduction.merge);
  json.add("sample", plan.reduction.sample).add("draws", plan.draws).add("seed", plan.reduction.seed);
  json.add_raw("tokens", fmt::format("[{}]", fmt::join(reduced.tokens, ", ")));
  json.add("ms_per_image", reduced.ms).add("whole_ms_per_image", reduced.whole_ms).add("speedup", reduced.speedup);
  if (!reduced.agreement) return json;
  JsonObject agreement;
  agreement.add("images", reduced.agreement->images).add("images_found", reduced.agreement->found);
  agreement.add("same_top1", reduced.agreement->same_top1).add("share", reduced.agreement->share());
  agreement.add("largest_probability_difference", reduced.agreement->largest_difference);
  json.add("agreement", agreement);
  return json;
}

JsonObject fast_decode_json(const FastDecode& fast) {
  JsonObject json;
  json.add("images", fast.images).add("images_found", fast.found).add("images_smaller", fast.smaller);
  json.add("decode_ms", fast.fast_ms).add("exact_decode_ms", fast.exact_ms);
  json.add("preprocess_ms", fast.fast_preprocess_ms).add("exact_preprocess_ms", fast.exact_preprocess_ms);
  if (!fast.compared) return json;
  json.add("same_top1", fast.same_top1);
  json.add("share", static_cast<double>(fast.same_top1) / static_cast<double>(fast.images));
  json.add("largest_logit_difference", fast.largest_difference);
  json.add("largest_share_of_logit_range", fast.largest_share_of_range);
  return json;
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

}  // namespace

std::string bench_text(const BenchPlan& plan, const BenchReport& report) {
  const MachineInfo machine = machine_info();
  const ModelInfo& model = plan.model->info();
  std::string text = fmt::format("model         {}, {:.1f} M parameters, {:.2f} GFLOP an image, weights {:.1f} MB {}\n",
                                 model_name(model), static_cast<double>(model.parameters) / 1e6, report.gflop,
                                 static_cast<double>(model.weight_bytes) / 1e6, model.dtype);
  text += fmt::format("machine       {}, {} cores, {}\n", machine.cpu, machine.cores, machine.isa);
  text += fmt::format("versions      fovea {} ({}, {}, {}), {}\n", FOVEA_VERSION, FOVEA_COMMIT, FOVEA_COMPILER,
                      FOVEA_BUILD_TYPE, machine.backend);
  text += fmt::format("setting       {} threads, batch {}, {}, {} runs\n\n", plan.threads, plan.batch,
                      name(model.precision), report.runs);
  text += fmt::format("forward       {:.2f} ms an image (median), p90 {:.2f}, min {:.2f}, max {:.2f}\n",
                      report.forward.median, report.forward.p90, report.forward.min, report.forward.max);
  text += fmt::format(
      "              {:.1f} images/s, {:.0f} GFLOP/s: {:.0f} % of the FMA peak, {:.0f} % of the matmul peak\n",
      1000 / report.forward.median, gflops(report), 100 * gflops(report) / report.fma_peak_gflops,
      100 * gflops(report) / report.matmul_peak_gflops);
  text += fmt::format("peaks         FMA {:.0f} GFLOP/s, matmul {:.0f} GFLOP/s, measured now\n", report.fma_peak_gflops,
                      report.matmul_peak_gflops);
  text += fmt::format("stages        decode {:.2f} ms, preprocess {:.2f} ms ({})\n", report.decode_ms,
                      report.preprocess_ms, report.image);
  for (const MethodCost& cost : report.methods) {
    text += fmt::format("              {} +{:.2f} ms: {:.2f} forward passes in all\n", cost.method, cost.added_ms,
                        cost.forwards);
  }
  text += fmt::format("              draw and encode {:.2f} ms\n", report.encode_ms);
  if (report.faithfulness) text += faithfulness_text(*report.faithfulness, plan.methods.front()->name);
  text += fmt::format("memory        peak RSS {:.1f} MB after the forward passes\n", report.peak_rss_mb);
  if (report.reduced) text += reduced_text(plan, *report.reduced);
  if (report.fast_decode) text += fast_decode_text(*report.fast_decode);
  if (report.folder) text += folder_text(*report.folder, plan.threads);
  for (const CascadeCost& cost : report.cascade) text += cascade_text(cost, plan.model->info().cascade->quick);
  if (report.roofline) text += roofline_text(*report.roofline);
  return text;
}

std::string bench_json(const BenchPlan& plan, const BenchReport& report) {
  const MachineInfo machine = machine_info();
  const ModelInfo& model = plan.model->info();
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "bench");
  json.add("model", model_name(model));
  json.add("parameters", model.parameters).add("weight_bytes", model.weight_bytes);
  JsonObject ms;
  ms.add("median", report.forward.median).add("p90", report.forward.p90);
  ms.add("min", report.forward.min).add("max", report.forward.max);
  json.add("ms_per_image", ms).add("runs", report.runs).add("images_per_second", 1000 / report.forward.median);
  json.add("gflop_per_image", report.gflop).add("gflops", gflops(report));
  json.add("fma_peak_gflops", report.fma_peak_gflops).add("matmul_peak_gflops", report.matmul_peak_gflops);
  json.add("share_of_fma_peak", gflops(report) / report.fma_peak_gflops);
  json.add("share_of_matmul_peak", gflops(report) / report.matmul_peak_gflops);
  json.add("batch", plan.batch).add("threads", plan.threads).add("precision", name(model.precision));
  json.add("isa", machine.isa).add("cpu", machine.cpu).add("cores", machine.cores);
  json.add("peak_rss_mb", report.peak_rss_mb);
  JsonObject stages;
  stages.add("decode", report.decode_ms).add("preprocess", report.preprocess_ms);
  stages.add("forward", report.forward.median)
      .add("explain", report.methods.front().added_ms)
      .add("encode", report.encode_ms);
  json.add("stages", stages).add("stages_image", report.image);
  JsonObject methods;
  for (const MethodCost& cost : report.methods) {
    JsonObject method;
    JsonObject in_all;
    in_all.add("median", cost.ms.median).add("p90", cost.ms.p90).add("min", cost.ms.min);
    method.add("ms", in_all).add("added_ms", cost.added_ms).add("forwards", cost.forwards);
    methods.add(cost.method, method);
  }
  json.add("methods", methods);
  JsonObject versions;
  versions.add("fovea", FOVEA_VERSION).add("commit", FOVEA_COMMIT).add("compiler", FOVEA_COMPILER);
  versions.add("build", FOVEA_BUILD_TYPE).add("backend", machine.backend);
  json.add("versions", versions);
  if (report.faithfulness) {
    const FaithfulnessCost& cost = *report.faithfulness;
    JsonObject faithfulness;
    faithfulness.add("method", plan.methods.front()->name).add("forwards", cost.forwards).add("ms", cost.ms);
    faithfulness.add("forwards_ms", cost.forwards_ms).add("ratio", cost.ratio);
    json.add("faithfulness", faithfulness);
  }
  if (report.reduced) json.add("hard_attention", reduced_json(*plan.hard_attention, *report.reduced));
  if (report.fast_decode) json.add("fast_decode", fast_decode_json(*report.fast_decode));
  if (report.folder) json.add("folder", folder_json(*report.folder));
  if (!report.cascade.empty()) json.add_raw("cascade", cascade_json(report.cascade));
  if (report.roofline) json.add("roofline", roofline_json(*report.roofline));
  return json.lines();
}

}  // namespace fovea::cli
