#include "cli/terminal/model_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/files.hpp"
#include "base/json_text.hpp"
#include "cli/terminal/download_bar.hpp"
#include "report/record.hpp"

namespace fovea::cli {

std::string model_list_text(std::span<const ListedModel> models) {
  std::size_t width = 0;
  for (const ListedModel& model : models) width = std::max(width, printable(model.name).size());
  std::string text;
  for (const ListedModel& model : models) {
    text += fmt::format("{:<{}}  {:>8}  {}{}\n", printable(model.name), width, bytes_text(model.bytes),
                        printable(model.path), model.complete ? "" : "  (not complete)");
  }
  return text;
}

std::string model_list_json(std::span<const ListedModel> models) {
  std::vector<std::string> rows;
  for (const ListedModel& model : models) {
    JsonObject row;
    row.add("name", model.name).add("source", model.from_hub ? "hub" : "folder").add("path", model.path.string());
    row.add_raw("commit", model.commit.empty() ? "null" : json_quoted(model.commit));
    rows.push_back(row.add("bytes", model.bytes).add("complete", model.complete).line());
  }
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "models");
  return json.add_raw("models", json_array(rows)).lines();
}

std::string pull_note(const std::string& name, const HubSnapshot& snapshot) {
  return fmt::format(
      "{}: {} files, {}, {}", name, snapshot.files, bytes_text(snapshot.bytes),
      snapshot.downloaded == 0 ? "all there before" : bytes_text(snapshot.downloaded) + " of them downloaded");
}

}  // namespace fovea::cli
