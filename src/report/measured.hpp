// How good a classifier is on pictures with labels: what the reports of `learn` and `eval` have in common.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_text.hpp"
#include "report/record.hpp"

namespace fovea {

/// A share or a mean, and the interval that holds the true one in 95 of 100 cases.
struct MeasuredShare {
  double value = 0;
  double low = 0;
  double high = 0;
};

/// Pictures of one class that were taken for another.
struct ConfusedPair {
  std::size_t truth = 0;  // index of the class
  std::size_t predicted = 0;
  std::vector<std::string> paths;
};

struct SurprisingPicture {
  std::string path;
  std::size_t truth = 0;
  std::size_t predicted = 0;
  double probability = 0;  // of its own class
};
/// The 20 that a report names: the least probable first.
[[nodiscard]] std::vector<SurprisingPicture> most_surprising(std::vector<SurprisingPicture> pictures);

/// "81.0 %"
[[nodiscard]] std::string percent(double share);
/// "75.5 to 86.5", in percent
[[nodiscard]] std::string range_of(const MeasuredShare& share);
/// "+0.5", in points of a percent
[[nodiscard]] std::string points(double share);
/// "1 picture", "2 pictures"
[[nodiscard]] std::string count_of(std::size_t count, std::string_view what);
/// A line of figures: what, value, and more about it.
[[nodiscard]] std::string figure_line(std::string_view what, std::string_view value, std::string_view more);

[[nodiscard]] JsonObject share_object(const MeasuredShare& share);
template <typename Item, typename Make>
[[nodiscard]] std::string array_of(const std::vector<Item>& items, const Make& make) {
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (const Item& item : items) texts.push_back(make(item).line());
  return json_array(texts);
}
[[nodiscard]] std::string texts_array(const std::vector<std::string>& texts);
[[nodiscard]] std::string records_array(const std::vector<Record>& records);

/// A page of a report: the JSON of the report and small pictures go into it, and all that it needs is in it.
/// @param command     that made it: "learn"
/// @param page        with the marks head, top, content, page, parts and script
/// @param thumbnails  JPEGs in base64, by path
[[nodiscard]] std::string measured_page(std::string_view command, std::string_view page, std::string_view script, const std::string& report,
                                        const std::map<std::string, std::string>& thumbnails);

}  // namespace fovea
