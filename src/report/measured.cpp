#include "report/measured.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "report/files/documents.hpp"
#include "report/pages/html.hpp"
#include "report/pages/parts_template.hpp"

namespace fovea {

std::vector<SurprisingPicture> most_surprising(std::vector<SurprisingPicture> pictures) {
  constexpr std::size_t kMost = 20;
  std::ranges::sort(pictures, [](const SurprisingPicture& a, const SurprisingPicture& b) {
    return std::tie(a.probability, a.path) < std::tie(b.probability, b.path);
  });
  pictures.resize(std::min(pictures.size(), kMost));
  return pictures;
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}
std::string range_of(const MeasuredShare& share) {
  return fmt::format("{:.1f} to {:.1f}", 100 * share.low, 100 * share.high);
}
std::string points(double share) {
  return fmt::format("{:+.1f}", 100 * share);
}
std::string count_of(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}
std::string figure_line(std::string_view what, std::string_view value, std::string_view more) {
  return fmt::format("  {:<20}{:>9}{}{}\n", what, value, more.empty() ? "" : "   ", more);
}

JsonObject share_object(const MeasuredShare& share) {
  JsonObject json;
  return json.add("value", share.value).add("low", share.low).add("high", share.high);
}

std::string texts_array(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  quoted.reserve(texts.size());
  for (const std::string& text : texts) quoted.push_back(json_quoted(text));
  return json_array(quoted);
}

std::string records_array(const std::vector<Record>& records) {
  std::vector<std::string> texts;
  texts.reserve(records.size());
  for (const Record& record : records) texts.push_back(record_to_json(record));
  return json_array(texts);
}

std::string measured_page(std::string_view command, std::string_view page, std::string_view script, const std::string& report,
                          const std::map<std::string, std::string>& thumbnails) {
  JsonObject pictures;
  for (const auto& [path, base64] : thumbnails) pictures.add(path, base64);
  JsonObject content;
  content.add_raw("report", report).add("thumbnails", pictures);
  return fill_page(page, {{"{{head}}", page_head("data:", kPartsCss)},
                          {"{{top}}", fill_page(kTopHtml, {{"{{command}}", command}})},
                          {"{{content}}", script_safe(content.line())},
                          {"{{page}}", page_script()},
                          {"{{parts}}", kPartsJs},
                          {"{{script}}", script}});
}

}  // namespace fovea
