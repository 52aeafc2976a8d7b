// A test of methods as one page: its script is a file beside this one.
#include <algorithm>
#include <cmath>
#include <string>

#include "base/text.hpp"
#include "fovea/version.hpp"
#include "report/measured.hpp"
#include "report/method_test/method_test.hpp"
#include "report/method_test/method_test_template.hpp"

namespace fovea {
namespace {

std::string_view kind_text(ShownTest::Kind kind) noexcept {
  switch (kind) {
    case ShownTest::Kind::kPicture: return "picture";
    case ShownTest::Kind::kMosaic: return "mosaic";
    case ShownTest::Kind::kMark: return "mark";
  }
  return "";
}

/// Values in 255 steps from the lowest to the highest; of a signed map 0 lies in the middle.
RecordJson shown_map(const ShownTest::Map& map) {
  auto [low, high] = std::ranges::minmax(map.values);
  if (map.is_signed) {
    high = std::max(std::abs(low), std::abs(high));
    low = -high;
  }
  const float scale = high > low ? 255.0F / (high - low) : 0.0F;
  std::string steps;
  steps.reserve(map.values.size());
  for (const float value : map.values) {
    steps += static_cast<char>(static_cast<unsigned char>(std::min(255.0F, (value - low) * scale + 0.5F)));
  }
  return {{"method", map.method}, {"signed", map.is_signed}, {"value", map.value}, {"values", base64(steps)}};
}

RecordJson shown_object(const ShownTest& shown) {
  RecordJson object{{"kind", kind_text(shown.kind)},
                    {"title", to_utf8(shown.title)},
                    {"rows", shown.grid.rows},
                    {"cols", shown.grid.cols},
                    {"image", "data:image/jpeg;base64," + base64(shown.jpeg)},
                    {"truth", shown.truth},
                    {"maps", RecordJson::array()}};
  for (const ShownTest::Map& map : shown.maps) object["maps"].push_back(shown_map(map));
  return object;
}

RecordJson table_object(const TestTable& table) {
  RecordJson object{{"title", table.title}, {"meaning", table.meaning}, {"columns", RecordJson::array()}};
  for (const TestColumn& column : table.columns) {
    object["columns"].push_back(
        {{"title", column.title}, {"measure", measures()[static_cast<std::size_t>(column.measure)].key}});
  }
  return object;
}

}  // namespace

std::string method_test_html(const MethodTest& test, std::string_view model) {
  RecordJson content = method_test_object(test);
  content["model"] = to_utf8(model);
  content["version"] = FOVEA_VERSION;
  if (test.planted) content["planted"]["text"] = planted_text(*test.planted);
  content["tables"] = RecordJson::array();
  for (const TestTable& table : test_tables()) content["tables"].push_back(table_object(table));
  content["shown"] = RecordJson::array();
  for (const ShownTest& shown : test.shown) content["shown"].push_back(shown_object(shown));
  return measured_page("explain --test-methods", kMethodTestHtml, kMethodTestJs, one_line(content), {});
}

}  // namespace fovea
