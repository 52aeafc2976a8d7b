#include <cmath>
#include <nlohmann/json.hpp>

#include "fovea/model.hpp"
#include "report/files/documents.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

/// Rounds seconds to milliseconds and rates to three decimals: no timing is more precise.
double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

}  // namespace

std::string summary_json(const BatchSummary& summary) {
  using Json = nlohmann::ordered_json;
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
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace fovea
