#include "pipeline/folder/resume.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "fovea/prediction.hpp"
#include "pipeline/pictures.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

bool is_file(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

bool is_whole(const std::filesystem::path& folder, const std::string& name, const SourceStamp& claimed) {
  const auto bytes = claimed.files.find(to_utf8(name));
  struct stat status {};
  return bytes != claimed.files.end() && ::stat((folder / name).c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         static_cast<std::uint64_t>(status.st_size) == bytes->second;
}

std::string run_fingerprint(std::string_view model_sha256, const std::map<std::string, std::string>& options) {
  std::string text = fmt::format("schema {}\nmodel {}\n", kReportSchema, model_sha256);
  for (const auto& [option, value] : options) text += fmt::format("{} {}\n", option, value);
  return sha256_hex(text).substr(0, 16);
}

std::optional<Record> still_valid(const Record& row, const Input& input, std::size_t index, const OutputLayout& layout,
                                  std::string_view run) {
  if (row.failure || input.failure || row.path != input.path || !row.source) return std::nullopt;
  std::optional<SourceStamp> now = stamp_of(input);
  if (!now) return std::nullopt;
  now->run = run;
  now->files = row.source->files;
  if (*now != *row.source) return std::nullopt;
  for (const std::string& name : output_names(layout, input)) {
    if (!is_whole(layout.folder, name, *row.source)) return std::nullopt;
  }
  Record record = row;
  record.index = index;
  // Names that are not UTF-8 do not survive JSON: they are made anew, not read back.
  for (MapRecord& map : record.maps) {
    const std::string stem = layout.stem(map.method, map.target);
    map.overlay = overlay_name(layout, input, stem);
    if (layout.save_maps) map.map = map_name(layout, input, stem);
    if (layout.save_gray_maps) map.gray_map = gray_map_name(layout, input, stem);
    if (layout.save_top_patches) map.top_patches = top_patches_name(layout, input, stem);
    for (const auto& name : {map.overlay, map.map, map.gray_map, map.top_patches}) {
      if (name && !is_whole(layout.folder, *name, *row.source)) return std::nullopt;
    }
  }
  for (const std::vector<std::string>& methods : {layout.methods, layout.class_methods}) {
    for (const std::string& method : methods) {
      const bool there = std::any_of(record.maps.begin(), record.maps.end(),
                                     [&](const MapRecord& map) { return map.method == method; });
      if (!there) return std::nullopt;
    }
  }
  if (layout.panel) record.panel = panel_name(layout, input);
  if (layout.attention_sheet) record.attention_sheet = attention_sheet_name(layout, input);
  if (layout.thumbnails) record.thumbnail = thumbnail_name(input);
  return record;
}

SavedLogits::SavedLogits(const std::filesystem::path& path, const ClassSpace& classes, const PredictionOptions& options)
    : classes_(classes), options_(options) {
  if (!is_file(path)) return;
  try {
    NpyArray array = parse_npy_f32(read_file(path), printable(path));
    if (array.shape.size() == 2 && array.shape[1] == classes.labels.size()) values_ = std::move(array.values);
  } catch (const Error&) {
    values_.clear();  // some other file: it is replaced at the end, as any output is
  }
}

std::optional<Logits> SavedLogits::row_of(const Record& record) const {
  const std::size_t classes = classes_.labels.size();
  if ((record.index + 1) * classes > values_.size()) return std::nullopt;
  const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(record.index * classes);
  Logits row(begin, begin + static_cast<std::ptrdiff_t>(classes));
  if (std::any_of(row.begin(), row.end(), [](float value) { return std::isnan(value); })) return std::nullopt;
  const std::vector<Prediction> predictions = predictions_of(row, probabilities_of(row, classes_), classes_, options_);
  const bool same = std::equal(predictions.begin(), predictions.end(), record.predictions.begin(),
                               record.predictions.end(), [](const Prediction& a, const Prediction& b) {
                                 return a.class_index == b.class_index &&
                                        std::abs(a.probability - b.probability) <= 1e-5F && a.value == b.value;
                               });
  return same ? std::optional(std::move(row)) : std::nullopt;
}

}  // namespace fovea
