#include "pipeline/folder/resume.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "fovea/prediction.hpp"
#include "pipeline/pictures.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

std::string lines_of(const std::vector<Record>& records) {
  std::string text;
  for (const Record& record : records) text += record_to_json(record) + "\n";
  return text;
}

bool is_file(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

/// Writes the kept rows and opens the file for those that follow.
int open_with(const std::filesystem::path& path, const std::vector<Record>& kept) {
  replace_file(path, lines_of(kept));
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) {
    throw Error(ErrorCode::kOutput, fmt::format("{}: cannot be opened: {}", printable(path), std::strerror(errno)));
  }
  return file;
}

}  // namespace

RowLog::RowLog(std::filesystem::path path, const std::vector<Record>& kept)
    : path_(std::move(path)), file_(open_with(path_, kept)) {}

RowLog::~RowLog() {
  if (file_ >= 0) ::close(file_);
}

void RowLog::append(const Record& record) {
  const std::string line = record_to_json(record) + "\n";
  const off_t end = ::lseek(file_, 0, SEEK_END);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      // The rows before stay whole; if even this fails, the reader skips the torn line.
      if (::ftruncate(file_, end) != 0) errno = 0;
      throw Error(ErrorCode::kOutput, fmt::format("{}: cannot be written: {}", printable(path_), std::strerror(error)),
                  "what was done is kept: with more room, the same command goes on from here");
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::unordered_map<std::string, Record> read_rows(const std::filesystem::path& path) {
  std::unordered_map<std::string, Record> rows;
  if (!is_file(path)) return rows;
  const std::string text = read_text_file(path);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // torn
    if (auto record = record_from_json(rest.substr(0, end)); record && !record->failure) {
      std::string key = record->path;
      rows.insert_or_assign(std::move(key), std::move(*record));
    }
    rest.remove_prefix(end + 1);
  }
  return rows;
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
  if (*now != *row.source) return std::nullopt;
  for (const std::string& name : output_names(layout, input)) {
    if (!is_file(layout.folder / name)) return std::nullopt;
  }
  Record record = row;
  record.index = index;
  // Names that are not UTF-8 do not survive JSON: they are made anew, not read back.
  for (MapRecord& map : record.maps) {
    const std::string stem = map_stem(map.method, map.target);
    map.overlay = overlay_name(layout, input, stem);
    if (layout.save_maps) map.map = map_name(layout, input, stem);
    if (layout.save_gray_maps) map.gray_map = gray_map_name(layout, input, stem);
    if (layout.save_top_patches) map.top_patches = top_patches_name(layout, input, stem);
    for (const auto& name : {map.overlay, map.map, map.gray_map, map.top_patches}) {
      if (name && !is_file(layout.folder / *name)) return std::nullopt;
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
