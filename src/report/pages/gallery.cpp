// index.html: the page, its style and its script are files beside this one. The records are inserted here.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/text.hpp"
#include "fovea/model.hpp"
#include "fovea/prediction.hpp"
#include "report/files/documents.hpp"
#include "report/files/output.hpp"
#include "report/formats/record_json.hpp"
#include "report/pages/gallery_template.hpp"
#include "report/pages/html.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

/// The URL of a file below the page's folder. "./" keeps a name from being read as a host or a scheme.
std::string relative_url(std::string_view path) {
  std::string url = "./";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~/").find(c) != std::string_view::npos;
    url += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return url;
}

/// The parts of a record that the page shows: predictions as [label, probability] or [label, 0, value], files as URLs.
RecordJson card(const Record& record) {
  RecordJson card{{"index", record.index}, {"path", to_utf8(record.path)}};
  if (record.failure) {
    card["failure"] = {
        {"code", name(record.failure->code)}, {"message", record.failure->message}, {"hint", record.failure->hint}};
    return card;
  }
  card["width"] = record.size.width;
  card["height"] = record.size.height;
  if (is_unknown(record)) card["unknown"] = true;
  if (record.outliers) card["outliers"] = outlier_text(*record.outliers);
  card["predictions"] = RecordJson::array();
  for (const Prediction& prediction : record.predictions) {
    RecordJson bar = RecordJson::array({class_name(prediction.label, prediction.class_index), prediction.probability});
    if (prediction.value) bar.push_back(*prediction.value);
    card["predictions"].push_back(bar);
  }
  card["maps"] = RecordJson::array();
  for (const MapRecord& map : record.maps) {
    if (!map.overlay) continue;
    RecordJson view{{"method", map.method}, {"variant", map.variant}, {"image", relative_url(*map.overlay)}};
    if (map.target) view["target"] = class_name(map.target->label, map.target->class_index);
    card["maps"].push_back(view);
  }
  if (record.thumbnail) card["thumbnail"] = relative_url(*record.thumbnail);
  return card;
}

RecordJson heading(const BatchSummary& summary) {
  RecordJson heading{{"model", summary.model_name},
                     {"model_sha256", summary.model_sha256},
                     {"succeeded", summary.counts.succeeded},
                     {"failed", summary.counts.failed},
                     {"skipped", summary.skipped},
                     {"interrupted", summary.counts.interrupted},
                     {"images_per_second", static_cast<float>(summary.images_per_second)},
                     {"version", summary.version},
                     {"options", RecordJson(RecordJson::value_t::object)}};
  for (const auto& [flag, value] : summary.options) heading["options"][flag] = value;
  return heading;
}

}  // namespace

std::string gallery_html(std::span<const Record> records, const BatchSummary& summary) {
  std::string content = fmt::format("{{\"summary\":{},\"records\":[", script_safe(one_line(heading(summary))));
  for (const Record& record : records) {
    content += &record == &records.front() ? "\n" : ",\n";
    content += script_safe(one_line(card(record)));
  }
  content += "\n]}";

  return fill_page(kGalleryHtml, {{"{{head}}", page_head("'self' file: data:", kGalleryCss)},
                                  {"{{content}}", content},
                                  {"{{page}}", page_script()},
                                  {"{{script}}", kGalleryJs}});
}

}  // namespace fovea
