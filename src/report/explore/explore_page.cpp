// The page, its style and its scripts are files beside this one; the sections replace {{pictures}} in the page.
#include "report/explore/explore_page.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "fovea/prediction.hpp"
#include "report/explore/explore_template.hpp"
#include "report/formats/record_json.hpp"
#include "report/pages/html.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

constexpr std::string_view kPicturesMark = "{{pictures}}";

RecordJson heading_object(const ExploreHeading& heading) {
  const bool one_grid = heading.grid.size() > 0;
  const auto covered = [&](std::size_t patches, int side) {
    return one_grid ? static_cast<float>(patches * heading.patch_size) / static_cast<float>(side) : 1.0F;
  };
  return {{"model", to_utf8(heading.model_name)},
          {"version", heading.version},
          {"prefix", heading.prefix_tokens},
          {"rows", one_grid ? RecordJson(heading.grid.rows) : RecordJson()},
          {"cols", one_grid ? RecordJson(heading.grid.cols) : RecordJson()},
          // The shares of the picture's height and width that patches cover: no patch shows what lies after the last
          // whole one.
          {"covered",
           {covered(heading.grid.rows, heading.network_input.height),
            covered(heading.grid.cols, heading.network_input.width)}},
          {"depth", heading.depth},
          {"heads", heading.num_heads},
          {"blocks", heading.blocks},
          {"mean_heads", heading.mean_heads}};
}

RecordJson target_object(const MapTarget& target) {
  std::string label = class_name(target.label, target.class_index);
  if (target.against) label += " rather than " + class_name(target.against->label, target.against->class_index);
  return RecordJson::array({label, target.class_index});
}

/// Fields of signed values, each in 127 steps up and down from 0.
class SignedFields {
 public:
  void add(std::span<const float> values) {
    const auto larger = [](float a, float b) { return std::abs(a) < std::abs(b); };
    const float maximum = std::abs(*std::ranges::max_element(values, larger));
    const float scale = maximum > 0 ? 127.0F / maximum : 0.0F;
    for (const float value : values) steps_ += static_cast<char>(std::lround(value * scale));
    maxima_.push_back(maximum);
  }
  void write(RecordJson& object) const {
    object["maxima"] = maxima_;
    object["steps"] = base64(steps_);
  }

 private:
  std::vector<float> maxima_;
  std::string steps_;
};

/// For each block the field of its terms, then one for each head; the sums are exact.
RecordJson contributions_object(const ExploreContributions& contributions) {
  const auto rounded = [](double value) { return static_cast<float>(value); };
  RecordJson object{{"target", target_object(contributions.target)},
                    {"contrast", contributions.target.against.has_value()},
                    {"score", rounded(contributions.score)},
                    {"blocks", RecordJson::array()}};
  SignedFields fields;
  for (const BlockContributions& block : contributions.blocks) {
    const std::size_t patches = block.patches.size();
    fields.add(block.patches);
    std::vector<float> prefix(block.prefix.begin(), block.prefix.end());
    if (!prefix.empty()) prefix.front() += rounded(block.earlier);  // of class tokens, too
    RecordJson heads = RecordJson::array();
    for (std::size_t h = 0; h < block.heads_prefix.size(); ++h) {
      const std::span<const float> head = std::span(block.heads).subspan(h * patches, patches);
      fields.add(head);
      heads.push_back({rounded(std::accumulate(head.begin(), head.end(), 0.0)), rounded(block.heads_prefix[h])});
    }
    object["blocks"].push_back({{"patches", rounded(std::accumulate(block.patches.begin(), block.patches.end(), 0.0))},
                                {"prefix", prefix},
                                {"biases", rounded(block.biases)},
                                {"heads", heads}});
  }
  fields.write(object);
  return object;
}

/// Stores values in 255 steps between the smallest and the largest; of a signed map 0 lies in the middle.
RecordJson map_object(const ExploreMap& map) {
  RecordJson object{{"method", map.method}, {"title", map.title}, {"variant", map.variant}, {"shows", map.shows}};
  if (map.target) {
    object["target"] = target_object(*map.target);
  }
  auto [low, high] = std::ranges::minmax(map.values);
  if (map.is_signed) {
    high = std::max(std::abs(low), std::abs(high));
    low = -high;
    object["signed"] = true;
  }
  if (map.sum) object["sum"] = sum_text(*map.sum);
  const float scale = high > low ? 255.0F / (high - low) : 0.0F;
  std::string steps;
  steps.reserve(map.values.size());
  for (const float value : map.values) {
    steps += static_cast<char>(static_cast<unsigned char>(std::min(255.0F, (value - low) * scale + 0.5F)));
  }
  object["low"] = low;
  object["high"] = high;
  object["values"] = base64(steps);
  return object;
}

RecordJson picture_object(const ExplorePicture& picture) {
  const Record& record = picture.record;
  RecordJson object{{"index", record.index}, {"path", to_utf8(record.path)}};
  if (record.failure) {
    const Failure& failure = *record.failure;
    object["failure"] = {{"code", name(failure.code)}, {"message", failure.message}, {"hint", failure.hint}};
    return object;
  }
  object["width"] = record.size.width;
  object["height"] = record.size.height;
  object["rows"] = picture.grid.rows;
  object["cols"] = picture.grid.cols;
  if (record.outliers) object["outliers"] = outlier_text(*record.outliers);
  object["predictions"] = RecordJson::array();
  for (const Prediction& prediction : record.predictions) {
    RecordJson bar = RecordJson::array(
        {class_name(prediction.label, prediction.class_index), prediction.probability, prediction.class_index});
    if (prediction.value) bar.push_back(*prediction.value);
    object["predictions"].push_back(bar);
  }
  object["image"] = "data:image/jpeg;base64," + base64(picture.jpeg);
  object["maps"] = RecordJson::array();
  for (const ExploreMap& map : picture.maps) object["maps"].push_back(map_object(map));
  for (const ExploreContributions& made : picture.contributions) object["why"].push_back(contributions_object(made));
  return object;
}

}  // namespace

std::string explore_beginning(const ExploreHeading& heading) {
  const std::string content = script_safe(one_line(heading_object(heading)));
  return fill_page(kExploreHtml.substr(0, kExploreHtml.find(kPicturesMark)),
                   {{"{{head}}", page_head("data:", kExploreCss)}, {"{{heading}}", content}});
}

std::string explore_section(const ExplorePicture& picture) {
  const std::string content = script_safe(one_line(picture_object(picture)));
  const std::string packed = picture.attention ? base64(picture.attention->deflated) : std::string();
  return fmt::format(
      "<script type=\"application/json\" class=\"picture\">{}</script>\n"
      "<script type=\"text/plain\" class=\"attention\">{}</script>\n",
      content, packed);
}

std::string explore_end() {
  return fill_page(kExploreHtml.substr(kExploreHtml.find(kPicturesMark) + kPicturesMark.size()),
                   {{"{{page}}", page_script()},
                    {"{{data}}", kExploreDataJs},
                    {"{{state}}", kExploreStateJs},
                    {"{{drawing}}", kExploreDrawingJs},
                    {"{{stage}}", kExploreStageJs},
                    {"{{why}}", kExploreWhyJs},
                    {"{{layout}}", kExploreLayoutJs},
                    {"{{input}}", kExploreInputJs},
                    {"{{start}}", kExploreStartJs}});
}

}  // namespace fovea
