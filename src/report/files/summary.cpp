#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "fovea/error.hpp"
#include "report/files/documents.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

using Json = nlohmann::ordered_json;

/// Rounds seconds to milliseconds and rates to three decimals: no timing is more precise.
double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

}  // namespace

std::string summary_json(const BatchSummary& summary) {
  Json document{
      {"schema", kReportSchema},
      {"type", "batch_summary"},
      {"succeeded", summary.counts.succeeded},
      {"failed", summary.counts.failed},
      {"skipped", summary.skipped},
      {"removed", summary.removed},
      {"interrupted", summary.counts.interrupted},
      {"seconds", rounded(summary.seconds)},
      {"images_per_second", rounded(summary.images_per_second)},
      {"model", {{"name", summary.model_name}, {"path", summary.model_path}, {"sha256", summary.model_sha256}}},
      {"options", Json(Json::value_t::object)},
      {"class_histogram", Json(Json::value_t::object)},
      {"failures", Json(Json::value_t::object)},
      {"version", summary.version}};
  if (!summary.labels_source.empty()) document["model"]["labels"] = summary.labels_source;
  for (const auto& [precision, count] : summary.counts.decided_by) {
    document["decided_by"][std::string(name(precision))] = count;
  }
  for (const auto& [flag, value] : summary.options) document["options"][flag] = value;
  for (const auto& [label, count] : summary.class_histogram) document["class_histogram"][label] = count;
  for (const auto& [code, count] : summary.failures) document["failures"][code] = count;
  if (const auto& shard = summary.shard) {
    document["shard"] = {{"index", shard->index},
                         {"count", shard->count},
                         {"inputs", shard->inputs},
                         {"inputs_sha256", shard->inputs_sha256},
                         {"run", shard->run}};
  }
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

BatchSummary summary_from_json(std::string_view text, std::string_view name) {
  try {
    const Json document = Json::parse(text);
    const Json& model = document.at("model");
    BatchSummary summary;
    summary.skipped = document.at("skipped").get<std::size_t>();
    summary.removed = document.at("removed").get<std::size_t>();
    summary.seconds = document.at("seconds").get<double>();
    summary.model_name = model.at("name").get<std::string>();
    summary.model_path = model.at("path").get<std::string>();
    summary.model_sha256 = model.at("sha256").get<std::string>();
    summary.labels_source = model.value("labels", "");
    summary.options = document.at("options").get<std::map<std::string, std::string>>();
    summary.version = document.at("version").get<std::string>();
    if (const auto shard = document.find("shard"); shard != document.end()) {
      summary.shard = ShardSummary{.index = shard->at("index").get<std::size_t>(),
                                   .count = shard->at("count").get<std::size_t>(),
                                   .inputs = shard->at("inputs").get<std::size_t>(),
                                   .inputs_sha256 = shard->at("inputs_sha256").get<std::string>(),
                                   .run = shard->at("run").get<std::string>()};
    }
    return summary;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kDecode, fmt::format("{}: is no summary.json of fovea: {}", name, error.what()));
  }
}

}  // namespace fovea
