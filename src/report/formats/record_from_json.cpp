#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>

#include "base/text.hpp"
#include "fovea/prediction.hpp"
#include "report/files/documents.hpp"
#include "report/formats/record_json.hpp"

namespace fovea {
namespace {

using Key = const char*;

// Reading: a value of the wrong type throws RecordJson::exception, a value out of range throws Error.
// record_from_json() catches both.

std::uint32_t base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
  if (c == '+' || c == '/') return c == '+' ? 62 : 63;
  throw Error(ErrorCode::kDecode, "record: a path's base64 has a stray character");
}

/// The inverse of base64().
std::string bytes_of_base64(std::string_view text) {
  if (text.size() % 4 != 0) throw Error(ErrorCode::kDecode, "record: a path's base64 is cut short");
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bits = bits << 6 | (i < text.size() - padding ? base64_digit(text[i]) : 0U);
    if (i % 4 != 3) continue;
    for (const unsigned shift : {16U, 8U, 0U}) bytes += static_cast<char>(bits >> shift & 0xFFU);
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

std::string text_at(const RecordJson& object, Key key) {
  return object.at(key).get_ref<const std::string&>();
}

std::uint64_t count_at(const RecordJson& object, Key key) {
  return object.at(key).get_ref<const RecordJson::number_unsigned_t&>();
}

int eighths_at(const RecordJson& object, Key key) {
  const std::uint64_t eighths = count_at(object, key);
  if (eighths < 1 || eighths > 8) {
    throw Error(ErrorCode::kDecode, fmt::format("record: {} is {}, expected 1 to 8", key, eighths));
  }
  return static_cast<int>(eighths);
}

std::optional<std::string> optional_text_at(const RecordJson& object, Key key) {
  const RecordJson& value = object.at(key);
  return value.is_null() ? std::nullopt : std::optional(value.get_ref<const std::string&>());
}

int pixels_at(const RecordJson& object, Key key) {
  const std::uint64_t pixels = count_at(object, key);
  if (pixels > std::uint64_t{std::numeric_limits<int>::max()}) {
    throw Error(ErrorCode::kDecode, fmt::format("record: {} is {}, expected an int", key, pixels));
  }
  return static_cast<int>(pixels);
}

std::string path_at(const RecordJson& object, Key key) {
  const auto encoded = object.find(std::string(key) + "_base64");
  if (encoded == object.end()) return text_at(object, key);
  return bytes_of_base64(encoded->get_ref<const std::string&>());
}

std::optional<std::string> optional_path_at(const RecordJson& object, Key key) {
  return object.contains(key) ? std::optional(path_at(object, key)) : std::nullopt;
}

/// The inverse of number_or_null().
double number_of(const RecordJson& value) {
  return value.is_null() ? std::nan("") : value.get<double>();
}
double number_at(const RecordJson& object, Key key) {
  return number_of(object.at(key));
}
float float_at(const RecordJson& object, Key key) {
  return object.at(key).get_ref<const RecordJson::number_float_t&>();
}

PerturbationAreas areas_of(const RecordJson& object) {
  PerturbationAreas areas{object.at("deletion_auc").get<double>(), object.at("insertion_auc").get<double>()};
  if (object.contains("least_first_auc")) areas.least_first = object.at("least_first_auc").get<double>();
  return areas;
}

Prediction prediction_of(const RecordJson& object) {
  return {.class_index = count_at(object, "class_index"),
          .label = optional_text_at(object, "label"),
          .synset = object.contains("synset") ? optional_text_at(object, "synset") : std::nullopt,
          .probability = object.contains("value") ? 0.0F : float_at(object, "probability"),
          .value = object.contains("value") ? std::optional(float_at(object, "value")) : std::nullopt};
}

Faithfulness faithfulness_of(const RecordJson& object) {
  Faithfulness faithfulness;
  faithfulness.map = areas_of(object);
  faithfulness.random = areas_of(object.at("random"));
  faithfulness.random_maps = count_at(object.at("random"), "maps");
  faithfulness.centre = areas_of(object.at("centre_gaussian"));
  faithfulness.step = count_at(object, "step_patches");
  const bool dropped = text_at(object, "substrate") == substrate_text(Substrate::kDrop);
  faithfulness.substrate = dropped ? Substrate::kDrop : Substrate::kPaint;
  constexpr std::array kVerdicts{Verdict::kBetterThanRandom, Verdict::kNoBetterThanRandom, Verdict::kWorseThanRandom};
  const std::string text = text_at(object, "verdict");
  const auto verdict = std::find_if(kVerdicts.begin(), kVerdicts.end(), [&](Verdict v) { return name(v) == text; });
  if (verdict == kVerdicts.end()) throw Error(ErrorCode::kDecode, fmt::format("record: verdict '{}' is unknown", text));
  faithfulness.verdict = *verdict;
  return faithfulness;
}

MapRecord map_of(const RecordJson& object) {
  MapRecord map;
  map.method = text_at(object, "method");
  map.variant = text_at(object, "variant");
  map.constant = object.contains("constant") && object.at("constant").get<bool>();
  map.overlay = optional_path_at(object, "overlay");
  map.map = optional_path_at(object, "map");
  map.gray_map = optional_path_at(object, "gray_map");
  map.top_patches = optional_path_at(object, "top_patches");
  if (const auto faithfulness = object.find("faithfulness"); faithfulness != object.end()) {
    map.faithfulness = faithfulness_of(*faithfulness);
  }
  if (const auto sum = object.find("sum"); sum != object.end()) {
    map.sum = ScoreSum{number_at(*sum, "patches"), number_at(*sum, "prefix"), number_at(*sum, "biases"),
                       number_at(*sum, "score")};
  }
  if (const auto agreement = object.find("agreement"); agreement != object.end()) {
    for (const auto& [other, correlation] : agreement->items()) {
      map.agreement.push_back({other, number_of(correlation)});
    }
  }
  if (const auto target = object.find("target"); target != object.end()) {
    map.target = MapTarget{.class_index = count_at(*target, "class_index"),
                           .label = optional_text_at(*target, "label"),
                           .against = std::nullopt};
    if (const auto against = target->find("against"); against != target->end()) {
      map.target->against = MapContrast{count_at(*against, "class_index"), optional_text_at(*against, "label")};
    }
  }
  return map;
}

ErrorCode code_at(const RecordJson& object, Key key) {
  constexpr std::array kCodes{ErrorCode::kUsage,  ErrorCode::kNotFound, ErrorCode::kUnreadable,
                              ErrorCode::kDecode, ErrorCode::kTooLarge, ErrorCode::kCheckpoint,
                              ErrorCode::kShape,  ErrorCode::kBackend,  ErrorCode::kOutput};
  const std::string text = text_at(object, key);
  const auto code = std::find_if(kCodes.begin(), kCodes.end(), [&](ErrorCode c) { return name(c) == text; });
  if (code == kCodes.end()) throw Error(ErrorCode::kDecode, fmt::format("record: code '{}' is unknown", text));
  return *code;
}

Precision precision_at(const RecordJson& object, Key key) {
  const std::string text = text_at(object, key);
  const auto* found = std::find_if(std::begin(kPrecisions), std::end(kPrecisions),
                                   [&](Precision precision) { return name(precision) == text; });
  if (found != std::end(kPrecisions)) return *found;
  throw Error(ErrorCode::kDecode, fmt::format("record: precision '{}' is unknown", text));
}

void read_result(const RecordJson& object, Record& record) {
  record.size = {.height = pixels_at(object, "height"), .width = pixels_at(object, "width")};
  if (object.contains("decoded_eighths")) record.decoded_eighths = eighths_at(object, "decoded_eighths");
  if (object.contains("decided_by")) record.decided_by = precision_at(object, "decided_by");
  for (const RecordJson& prediction : object.at("predictions").get_ref<const RecordJson::array_t&>()) {
    record.predictions.push_back(prediction_of(prediction));
  }
  if (object.contains("unknown")) {
    record.unknown = UnknownVerdict{object.at("unknown").get<bool>(), number_at(object, "unknown_score")};
  }
  if (const auto maps = object.find("maps"); maps != object.end()) {
    for (const RecordJson& map : maps->get_ref<const RecordJson::array_t&>()) record.maps.push_back(map_of(map));
  }
  if (const auto tokens = object.find("tokens"); tokens != object.end()) {
    record.tokens = tokens->get<std::vector<std::size_t>>();
  }
  if (const auto outliers = object.find("outlier_tokens"); outliers != object.end()) {
    record.outlier_tokens = static_cast<float>(outliers->get_ref<const RecordJson::number_float_t&>());
  }
  if (const auto outliers = object.find("outliers"); outliers != object.end()) {
    record.outliers =
        OutlierTokens{count_at(*outliers, "patches"), count_at(*outliers, "of"), number_at(*outliers, "largest")};
  }
  record.panel = optional_path_at(object, "panel");
  record.attention_sheet = optional_path_at(object, "attention_sheet");
  record.thumbnail = optional_path_at(object, "thumbnail");
  if (const auto ignored = object.find("ignored_config"); ignored != object.end()) {
    record.ignored_config = ignored->get<std::vector<std::string>>();
  }
}

}  // namespace

std::optional<Record> record_from_json(std::string_view line) {
  try {
    const RecordJson object = RecordJson::parse(line);
    if (count_at(object, "schema") != std::uint64_t{kReportSchema}) return std::nullopt;
    const std::string type = text_at(object, "type");
    if (type != "result" && type != "error") return std::nullopt;
    Record record;
    record.index = count_at(object, "index");
    record.path = path_at(object, "path");
    if (type == "result") {
      read_result(object, record);
    } else {
      record.failure = Failure{
          .code = code_at(object, "code"), .message = text_at(object, "message"), .hint = text_at(object, "hint")};
    }
    if (const auto source = object.find("source"); source != object.end()) {
      record.source = SourceStamp{.bytes = count_at(*source, "bytes"),
                                  .mtime_ns = source->at("mtime_ns").get_ref<const RecordJson::number_integer_t&>(),
                                  .run = text_at(*source, "run")};
      for (const auto& [file, bytes] : source->at("files").items()) {
        record.source->files[file] = bytes.get_ref<const RecordJson::number_unsigned_t&>();
      }
    }
    return record;
  } catch (const RecordJson::exception&) {  // a truncated line, or a line from another program
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace fovea
