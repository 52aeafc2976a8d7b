#include "report/files/run_sheet.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "fovea/error.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

using Json = nlohmann::ordered_json;

std::string differ(std::string_view what, std::string_view actual, std::string_view expected) {
  return actual == expected ? "" : fmt::format("{} is {}, expected {}", what, actual, expected);
}

std::string value_of(const std::map<std::string, std::string>& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() ? "not given" : found->second;
}

}  // namespace

std::string run_sheet_json(const RunSheet& sheet) {
  const Json document{{"schema", kReportSchema},
                      {"type", "batch_run"},
                      {"shards", sheet.shards},
                      {"version", sheet.version},
                      {"model_sha256", sheet.model_sha256},
                      {"arguments_sha256", sheet.arguments_sha256},
                      {"options", Json(sheet.options)},
                      {"columns",
                       {{"top_k", sheet.columns.top_k},
                        {"values", sheet.columns.values},
                        {"verdicts", sheet.columns.verdicts},
                        {"unknown", sheet.columns.unknown}}}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

RunSheet run_sheet_from_json(std::string_view text, std::string_view name) {
  try {
    const Json document = Json::parse(text);
    if (document.at("schema") != kReportSchema || document.at("type") != "batch_run") {
      throw Error(ErrorCode::kDecode, fmt::format("{}: is another document, expected a batch_run", name));
    }
    const Json& columns = document.at("columns");
    return {.shards = document.at("shards").get<std::size_t>(),
            .version = document.at("version").get<std::string>(),
            .model_sha256 = document.at("model_sha256").get<std::string>(),
            .arguments_sha256 = document.at("arguments_sha256").get<std::string>(),
            .options = document.at("options").get<std::map<std::string, std::string>>(),
            .columns = {.top_k = columns.at("top_k").get<std::size_t>(),
                        .values = columns.at("values").get<bool>(),
                        .unknown = columns.at("unknown").get<bool>(),
                        .verdicts = columns.at("verdicts").get<bool>()}};
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kDecode, fmt::format("{}: is no run.json of fovea: {}", name, error.what()));
  }
}

std::string difference(const RunSheet& sheet, const RunSheet& expected) {
  std::string found = differ("the number of shards", std::to_string(sheet.shards), std::to_string(expected.shards));
  if (found.empty()) found = differ("fovea's version", sheet.version, expected.version);
  if (found.empty()) found = differ("the model's SHA-256", sheet.model_sha256, expected.model_sha256);
  if (found.empty()) found = differ("the SHA-256 of the PATHs", sheet.arguments_sha256, expected.arguments_sha256);
  for (const auto* options : {&sheet.options, &expected.options}) {
    for (const auto& [option, value] : *options) {
      if (!found.empty()) return found;
      found = differ(option, value_of(sheet.options, option), value_of(expected.options, option));
    }
  }
  return found;
}

}  // namespace fovea
