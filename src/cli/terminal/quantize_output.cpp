#include "cli/terminal/quantize_output.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hpp"
#include "base/json_text.hpp"
#include "report/record.hpp"

namespace fovea::cli {
namespace {

std::size_t kept_in(const QuantizeReport& report, Precision precision) {
  return static_cast<std::size_t>(std::count_if(report.layers.begin(), report.layers.end(),
                                                [&](const auto& layer) { return layer.precision == precision; }));
}

JsonObject cascade_object(const CascadeInfo& cascade) {
  JsonObject json;
  json.add("margin", cascade.margin()).add("pictures", cascade.pictures);
  json.add("largest", cascade.largest).add("largest_exceeded", cascade.largest_exceeded());
  return json.add("estimate", cascade.estimate()).add("rms", cascade.rms).add("risk", cascade.risk);
}

std::string price_text(const EvalReport& price) {
  std::string text = fmt::format("\nthe price, on {}{}:\n", printable(price.folder),
                                 price.labels.empty() ? "" : ", classes by " + printable(price.labels));
  if (price.comparison->labelled) {
    for (const EvaluatedModel& m : price.models) {
      text += figure_line("right in " + m.precision, percent(m.top1.value), "95 % interval " + range_of(m.top1_wilson));
    }
  }
  const auto named = [](const EvaluatedModel& m) { return m.model + " in " + m.precision; };
  return text + compared_text(*price.comparison, named(price.models[0]), named(price.models[1]));
}

JsonObject price_object(const EvalReport& price) {
  JsonObject json;
  json.add("folder", price.folder);
  if (price.comparison->labelled) {
    json.add("labels", price.labels).add("first_top1", share_object(price.models[0].top1));
    json.add("second_top1", share_object(price.models[1].top1));
  }
  return json.add("comparison", compared_object(*price.comparison));
}

}  // namespace

std::string text_of(const QuantizeReport& report, bool whole) {
  const auto megabytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  std::string text =
      fmt::format("{}: {}, {:.1f} MB instead of {:.1f} MB; {} layers in int8, {} in bf16\n", printable(report.to),
                  name(report.precision), megabytes(report.bytes_after), megabytes(report.bytes_before),
                  kept_in(report, Precision::kInt8), kept_in(report, Precision::kBf16));
  if (report.cascade) {
    const CascadeInfo& c = *report.cascade;
    text += fmt::format(
        "cascade: scores that are nearer than {:.3f} to each other are computed again in full\n"
        "  {:.3f}  the largest change of a distance on {} held-out pictures; at most {:.2g} of such pictures have a "
        "larger one (95 % confidence)\n"
        "  {:.3f}  estimate for normally distributed changes (rms {:.3f}), which {:.2g} of them exceed\n",
        c.margin(), c.largest, c.pictures, c.largest_exceeded(), c.estimate(), c.rms, c.risk);
  }
  if (!whole) return text;
  text += "\nlayer                  SNR    of scores   kept in\n";
  for (const QuantizedLayer& layer : report.layers) {
    const std::string of_scores = layer.score_snr_db ? fmt::format("{:.1f} dB", *layer.score_snr_db) : "";
    text += fmt::format("{:<20}{:6.1f} dB {:>10}   {}\n", fmt::format("blocks.{}.{}", layer.block, name(layer.layer)),
                        layer.snr_db, of_scores, name(layer.precision));
  }
  if (report.agreement) {
    const Agreement& a = *report.agreement;
    text +=
        fmt::format("\nsame top-1 as f32 on {} of {} calibration pictures; largest difference {:.2g} of the range\n",
                    a.same_top1, a.pictures, a.largest_difference);
  } else {
    text += fmt::format("\nnot compared with f32: {}\n", report.no_agreement);
  }
  return report.price ? text + price_text(*report.price) : text;
}

std::string json_of(const QuantizeReport& report, bool whole) {
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "quantized").add("model", report.from.string());
  json.add("output", report.to.string()).add("precision", name(report.precision));
  json.add("bytes_before", report.bytes_before).add("bytes_after", report.bytes_after);
  json.add("int8_layers", kept_in(report, Precision::kInt8)).add("bf16_layers", kept_in(report, Precision::kBf16));
  if (report.cascade) json.add("cascade", cascade_object(*report.cascade));
  if (!whole) return json.lines();
  std::vector<std::string> layers;
  layers.reserve(report.layers.size());
  for (const QuantizedLayer& layer : report.layers) {
    JsonObject one;
    one.add("block", layer.block).add("layer", name(layer.layer)).add("snr_db", layer.snr_db);
    layer.score_snr_db ? one.add("score_snr_db", *layer.score_snr_db) : one.add_raw("score_snr_db", "null");
    layers.push_back(one.add("precision", name(layer.precision)).line());
  }
  json.add_raw("layers", json_array(layers));
  if (!report.agreement) return json.add_raw("agreement", "null").lines();
  JsonObject agreement;
  agreement.add("pictures", report.agreement->pictures).add("same_top1", report.agreement->same_top1);
  agreement.add("largest_difference", report.agreement->largest_difference);
  json.add("agreement", agreement);
  if (report.price) json.add("price", price_object(*report.price));
  return json.lines();
}

}  // namespace fovea::cli
