#include "report/formats/record_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "base/text.hpp"
#include "fovea/prediction.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

using Key = const char*;

/// File names may be any bytes. If a name is not UTF-8, the text is for reading and <key>_base64 holds the exact bytes.
void put_path(RecordJson& object, Key key, const std::string& path) {
  object[key] = to_utf8(path);
  if (!is_utf8(path)) object[std::string(key) + "_base64"] = base64(path);
}

RecordJson text_or_null(const std::optional<std::string>& text) {
  return text ? RecordJson(*text) : RecordJson(nullptr);
}

RecordJson prediction_object(const Prediction& prediction) {
  RecordJson object{{"class_index", prediction.class_index}, {"label", text_or_null(prediction.label)}};
  if (prediction.synset) object["synset"] = *prediction.synset;
  object[prediction.value ? "value" : "probability"] = prediction.value.value_or(prediction.probability);
  return object;
}

RecordJson faithfulness_object(const Faithfulness& faithfulness) {
  RecordJson object = areas_object(faithfulness.map);
  object["random"] = areas_object(faithfulness.random);
  object["random"]["maps"] = faithfulness.random_maps;
  object["centre_gaussian"] = areas_object(faithfulness.centre);
  object["verdict"] = name(faithfulness.verdict);
  object["step_patches"] = faithfulness.step;
  object["substrate"] = substrate_text(faithfulness.substrate);
  object["definition"] = "RISE, area under the class's probability over the share of patches";
  return object;
}

RecordJson map_object(const MapRecord& map) {
  RecordJson object{{"method", map.method}, {"variant", map.variant}};
  if (map.target) {
    object["target"] = {{"class_index", map.target->class_index}, {"label", text_or_null(map.target->label)}};
    if (const auto& against = map.target->against) {
      object["target"]["against"] = {{"class_index", against->class_index}, {"label", text_or_null(against->label)}};
    }
  }
  if (map.constant) object["constant"] = true;
  if (map.sum) {
    object["sum"] = {{"patches", number_or_null(map.sum->patches)},
                     {"prefix", number_or_null(map.sum->prefix)},
                     {"biases", number_or_null(map.sum->biases)},
                     {"score", number_or_null(map.sum->score)}};
  }
  if (map.faithfulness) object["faithfulness"] = faithfulness_object(*map.faithfulness);
  for (const MapAgreement& other : map.agreement) {
    object["agreement"][other.map] = number_or_null(other.correlation);
  }
  if (map.overlay) put_path(object, "overlay", *map.overlay);
  if (map.map) put_path(object, "map", *map.map);
  if (map.gray_map) put_path(object, "gray_map", *map.gray_map);
  if (map.top_patches) put_path(object, "top_patches", *map.top_patches);
  return object;
}

void put_result(RecordJson& object, const Record& record) {
  object["width"] = record.size.width;
  object["height"] = record.size.height;
  if (record.decoded_eighths != 8) object["decoded_eighths"] = record.decoded_eighths;
  if (record.features) {
    object["features"] = {{"row", record.features->row}, {"shape", record.features->shape}};
    return;
  }
  if (record.decided_by) object["decided_by"] = name(*record.decided_by);
  object["predictions"] = RecordJson::array();
  for (const Prediction& prediction : record.predictions) {
    object["predictions"].push_back(prediction_object(prediction));
  }
  if (record.unknown) {
    object["unknown"] = record.unknown->unknown;
    object["unknown_score"] = number_or_null(record.unknown->score);
  }
  for (const MapRecord& map : record.maps) object["maps"].push_back(map_object(map));
  if (!record.tokens.empty()) object["tokens"] = record.tokens;
  if (record.outlier_tokens) object["outlier_tokens"] = *record.outlier_tokens;
  if (record.outliers) {
    const OutlierTokens& outliers = *record.outliers;
    object["outliers"] = {{"patches", outliers.patches}, {"of", outliers.of}, {"largest", outliers.largest}};
  }
  if (record.panel) put_path(object, "panel", *record.panel);
  if (record.attention_sheet) put_path(object, "attention_sheet", *record.attention_sheet);
  if (record.thumbnail) put_path(object, "thumbnail", *record.thumbnail);
  if (!record.ignored_config.empty()) object["ignored_config"] = record.ignored_config;
}

}  // namespace

RecordJson record_object(const Record& record) {
  RecordJson object{{"schema", kReportSchema}, {"type", record.failure ? "error" : "result"}, {"index", record.index}};
  put_path(object, "path", record.path);
  if (record.failure) {
    object["code"] = name(record.failure->code);
    object["message"] = record.failure->message;
    object["hint"] = record.failure->hint;
  } else {
    put_result(object, record);
  }
  if (record.source) {
    object["source"] = {{"bytes", record.source->bytes},
                        {"mtime_ns", record.source->mtime_ns},
                        {"run", record.source->run},
                        {"files", RecordJson(RecordJson::value_t::object)}};
    for (const auto& [file, bytes] : record.source->files) object["source"]["files"][file] = bytes;
  }
  return object;
}

RecordJson summary_object(const Summary& summary) {
  RecordJson object{
      {"schema", kReportSchema}, {"type", "summary"}, {"succeeded", summary.succeeded}, {"failed", summary.failed}};
  if (summary.interrupted) object["interrupted"] = true;
  for (const auto& [precision, count] : summary.decided_by) object["decided_by"][std::string(name(precision))] = count;
  return object;
}

RecordJson number_or_null(double value) {
  return std::isnan(value) ? RecordJson(nullptr) : RecordJson(value);
}

std::string_view substrate_text(Substrate substrate) noexcept {
  return substrate == Substrate::kPaint ? "deletion to the mean colour, insertion into a blur of 11 px, sigma 5"
                                        : "tokens of deleted patches are left out, insertion into none";
}

RecordJson areas_object(const PerturbationAreas& areas) {
  RecordJson object{{"deletion_auc", areas.deletion}, {"insertion_auc", areas.insertion}};
  if (const auto srg = areas.srg()) {
    object["least_first_auc"] = *areas.least_first;
    object["srg"] = *srg;
  }
  return object;
}

std::string one_line(const RecordJson& json) {
  return json.dump(-1, ' ', false, RecordJson::error_handler_t::replace);
}

std::string record_to_json(const Record& record) {
  return one_line(record_object(record));
}

}  // namespace fovea
