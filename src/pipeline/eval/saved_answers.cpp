// Answers from rows that were saved: only what follows from them exactly.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "model/config/labels.hpp"
#include "pipeline/eval/answers.hpp"
#include "pipeline/eval/class_match.hpp"
#include "pipeline/folder/earlier_rows.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTop5 = 5;

/// The same picture has the same text, however its path is spelled.
std::string place_of(const std::string& path) {
  return fs::absolute(fs::path(path)).lexically_normal().string();
}

void check_row(const Record& row, const std::string& file) {
  const auto refuse = [&](const char* what, const char* hint) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: the row of {} {}", printable(file), printable(row.path), what),
                hint);
  };
  if (row.failure) return;
  if (row.predictions.empty()) {
    refuse("names no class, expected at least the best one", "write the rows without --threshold");
  }
  constexpr std::size_t kMostClasses = 1'000'000;
  for (const Prediction& one : row.predictions) {
    if (one.class_index > kMostClasses) refuse("has a class beyond 1,000,000", "no model has so many");
  }
  if (row.predictions.front().value) refuse("has values, expected probabilities", "a regression has no classes");
}

/// What a row says of its picture, which is of the class `truth`.
/// @param all  of the model's classes are in the row
Answer answer_of_row(const Record& row, std::size_t truth, bool all) {
  Answer answer;
  answer.truth = truth;
  answer.predicted = row.predictions.front().class_index;
  answer.confidence = static_cast<double>(row.predictions.front().probability);
  answer.decided_by = row.decided_by;
  if (row.unknown) answer.unknown = row.unknown->unknown;
  const auto own = std::ranges::find(row.predictions, truth, &Prediction::class_index);
  const auto rank = static_cast<std::size_t>(own - row.predictions.begin());
  if (own != row.predictions.end()) answer.own = static_cast<double>(own->probability);
  if (rank < kTop5 && own != row.predictions.end()) {
    answer.in_top5 = true;
  } else if (row.predictions.size() >= kTop5 || all) {
    answer.in_top5 = false;
  }
  return answer;
}

/// Whether the row has each of the classes once.
bool is_whole(const Record& row, std::size_t classes) {
  if (row.predictions.size() != classes) return false;
  std::set<std::size_t> seen;
  for (const Prediction& one : row.predictions) seen.insert(one.class_index);
  return seen.size() == classes && *seen.rbegin() == classes - 1;
}

/// Whether the probabilities may be those of one softmax: all of them sum to 1, some to no more.
bool is_softmax(const Record& row, bool whole) {
  constexpr double kRounding = 1e-3;
  double sum = 0;
  for (const Prediction& one : row.predictions) sum += static_cast<double>(one.probability);
  return sum <= 1 + kRounding && (!whole || sum >= 1 - kRounding);
}

/// log p; what was rounded to 0 is the smallest number of its type.
void append_scores(const Record& row, learn::Matrix& scores) {
  std::vector<double> logs(scores.cols);
  for (const Prediction& one : row.predictions) {
    const float p = std::max(one.probability, std::numeric_limits<float>::denorm_min());
    logs[one.class_index] = std::log(static_cast<double>(p));
  }
  scores.values.insert(scores.values.end(), logs.begin(), logs.end());
  ++scores.rows;
}

/// The classes that rows name, by index; those that no row names have no name.
std::vector<ClassLabel> classes_of(const SavedRows& rows) {
  std::vector<ClassLabel> classes;
  for (const Record& row : rows.rows) {
    for (const Prediction& one : row.predictions) {
      if (one.class_index >= classes.size()) classes.resize(one.class_index + 1);
      classes[one.class_index] = {one.label, one.synset};
    }
  }
  return classes;
}

std::vector<ClassLabel> named_classes(const SavedRows& rows, const std::string& file) {
  std::vector<ClassLabel> seen = classes_of(rows);
  if (file.empty()) return seen;
  std::vector<ClassLabel> names = read_labels(file, seen.size());
  if (names.size() < seen.size()) check_label_count(names.size(), seen.size(), printable(file));
  return names;
}

}  // namespace

SavedRows read_saved_rows(const std::string& file) {
  (void)read_text_file(file);  // says why it cannot be read; no file would be no rows
  SavedRows saved{file, read_rows(file)};
  if (saved.rows.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: the number of rows is 0, expected at least 1", printable(file)),
                "--from takes a results.jsonl of `fovea batch`, or what `fovea classify -f jsonl` printed");
  }
  std::set<std::string> seen;
  for (const Record& row : saved.rows) {
    check_row(row, file);
    if (seen.insert(place_of(row.path)).second) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: {} has two rows, expected one", printable(file), printable(row.path)),
                "each picture counts once: take away the rows of the other run");
  }
  return saved;
}

std::vector<Input> inputs_of(const SavedRows& rows, const std::string& folder) {
  const fs::path base = place_of(folder);
  std::vector<Input> inputs;
  for (const Record& row : rows.rows) {
    Input& input = inputs.emplace_back();
    input.path = row.path;
    input.name = fs::path(place_of(row.path)).lexically_relative(base).string();
    if (input.name.empty() || input.name.starts_with("..")) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: the row's picture is {}, expected one below {}", printable(rows.file),
                              printable(row.path), printable(folder)),
                  "give the folder that the rows were made from, by the same path");
    }
  }
  return inputs;
}

std::size_t pictures_without_row(const std::string& folder, const SavedRows& rows) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) return 0;
  std::set<std::string> places;
  for (const Record& row : rows.rows) places.insert(place_of(row.path));
  const std::vector<std::string> arguments{folder};
  std::size_t count = 0;
  for (const Input& input : list_inputs(arguments, {.recurse = true, .output_folder = {}})) {
    count += places.contains(place_of(input.path)) ? 0U : 1U;
  }
  return count;
}

Answers answers_of(const SavedRows& rows, const LabelledPictures& pictures, const std::string& labels) {
  Answers answers;
  answers.model = rows.file;
  answers.classes = named_classes(rows, labels);
  const MatchedClasses matched =
      match_classes(pictures.names, answers.classes, rows.file,
                    labels.empty() ? "a class that no row names is known by --labels FILE only" : "");
  answers.remarks = matched.remarks;
  std::map<std::string, std::size_t> places;  // of inputs
  for (std::size_t i = 0; i < pictures.inputs.size(); ++i) places[place_of(pictures.inputs[i].path)] = i;
  const std::size_t classes = answers.classes.size();
  bool whole = true;
  for (const Record& row : rows.rows) whole = whole && (row.failure || is_whole(row, classes));
  answers.all_classes = !labels.empty() || whole;
  if (whole) answers.scores.cols = classes;
  std::size_t others = 0;
  for (const Record& row : rows.rows) {
    const auto place = places.find(place_of(row.path));
    if (place == places.end()) {
      ++others;
      continue;
    }
    const Input& input = pictures.inputs[place->second];
    if (row.failure || input.failure) {
      Record& failure = answers.failures.emplace_back();
      failure.index = place->second;
      failure.path = row.path;
      failure.failure = row.failure ? row.failure : input.failure;
      continue;
    }
    Answer answer = answer_of_row(row, matched.of_label[pictures.classes[place->second]], whole);
    answer.input = place->second;
    if (!is_softmax(row, whole)) answers.function = ScoreFunction::kSigmoid;
    if (whole) append_scores(row, answers.scores);
    answers.pictures.push_back(answer);
  }
  if (others > 0) {
    answers.remarks.push_back(fmt::format("{}: {} of its rows are of other pictures", printable(rows.file), others));
  }
  return answers;
}

}  // namespace fovea
