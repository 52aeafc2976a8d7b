// What a model says about pictures whose classes are known: from a run, or from rows that were saved.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "learn/matrix.hpp"
#include "pipeline/folder/scheduler.hpp"
#include "pipeline/learn/labelled.hpp"
#include "pipeline/pictures.hpp"
#include "pipeline/predictions.hpp"
#include "report/record.hpp"

namespace fovea {

/// A map of one picture, as one number for each patch.
struct PatchMap {
  std::vector<float> values;          // [T]
  std::optional<std::size_t> target;  // the class that it explains; none: the same for every class
};

/// What is known of one picture. A row names only some of the classes, so some things may not be known.
struct Answer {
  std::size_t input = 0;             // its index
  std::size_t truth = 0;             // class
  std::size_t predicted = 0;         // the best class
  double confidence = 0;             // its probability
  std::optional<double> own = {};    // the true class's probability
  std::optional<bool> in_top5 = {};  // whether the true class is among the five best
  std::optional<Precision> decided_by = {};
  std::optional<bool> unknown = {};
  std::optional<PatchMap> map = {};
};

/// All that one model says.
struct Answers {
  std::string model;      // as given
  std::string precision;  // empty: of saved rows
  std::vector<ClassLabel> classes;
  bool all_classes = true;  // whether `classes` are all that the model has; of saved rows maybe not
  ScoreFunction function = ScoreFunction::kSoftmax;
  std::vector<Answer> pictures;  // [n] in the order of the inputs
  learn::Matrix scores;          // [n, C] logits, or logarithms of saved probabilities; no rows: not known
  std::vector<Record> failures;
  std::vector<std::string> remarks;
  bool interrupted = false;
};

/// Called in the calling thread for each picture.
using AnswerProgress = std::function<void(const Record&)>;

/// Runs a model over all pictures.
/// @param answers  with model, precision and classes; the pictures and their scores are added
/// @param truth    [labels] class of each label of `pictures`
/// @param options  with at least 5 predictions; with one map at most, which is kept
/// @param give_up  as Engine::run()
void ask_model(Engine& engine, const LabelledPictures& pictures, std::span<const std::size_t> truth,
               const PictureOptions& options, const Schedule& schedule, const AnswerProgress& progress,
               const GiveUp& give_up, Answers& answers);

/// The rows of a results.jsonl, or of `classify -f jsonl`.
struct SavedRows {
  std::string file;  // as given
  std::vector<Record> rows;
};
/// @throws Error  kUsage if there are none, for a path that has two, for rows without probabilities, and as
///                read_file().
[[nodiscard]] SavedRows read_saved_rows(const std::string& file);

/// One input for each row, named relative to `folder`, which need not be there.
/// @throws Error  kUsage for a path that is not below it.
[[nodiscard]] std::vector<Input> inputs_of(const SavedRows& rows, const std::string& folder);

/// How many pictures of the folder no row is of; 0 where the folder is not there.
[[nodiscard]] std::size_t pictures_without_row(const std::string& folder, const SavedRows& rows);

/// What follows from the rows exactly. Their classes are those that rows name, unless a file has all names.
/// @param pictures  those of inputs_of(), in any order and with more or fewer
/// @param labels    a file as for --labels, or empty
/// @throws Error    kUsage as match_classes(), and for such a file with fewer classes than the rows.
[[nodiscard]] Answers answers_of(const SavedRows& rows, const LabelledPictures& pictures, const std::string& labels);

}  // namespace fovea
