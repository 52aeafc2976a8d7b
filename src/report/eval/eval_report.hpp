// What `fovea eval` found out: how good one or two models are on pictures whose classes are known.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fovea/precision.hpp"
#include "report/measured.hpp"
#include "report/record.hpp"

namespace fovea {

struct EvaluatedClass {
  std::string name;
  std::size_t class_index = 0;
  std::size_t support = 0;    // pictures
  std::size_t predicted = 0;  // pictures that were taken for it
  double precision = 0;
  MeasuredShare recall;  // with Wilson's interval
  double f1 = 0;
  std::optional<double> average_precision;
};

/// One bar of a reliability diagram.
struct ReliabilityBin {
  double low = 0;
  double high = 1;
  std::size_t pictures = 0;
  double confidence = 0;
  double accuracy = 0;
};

struct CoverageStep {
  double coverage = 0;   // share of pictures with at least this confidence
  double threshold = 0;  // the confidence
  double accuracy = 0;   // of them
};

/// "99 % are right above 0.83": the most pictures for which that holds.
struct RightAbove {
  double wanted = 0;
  std::size_t pictures = 0;
  double coverage = 0;
  double threshold = 0;
  MeasuredShare accuracy;  // with Wilson's interval, for the threshold was chosen on these very pictures
};

/// The temperature with the least log-loss on these very pictures.
struct FittedTemperature {
  double value = 1;
  double log_loss = 0;  // with it
  double ece = 0;       // with it
};

/// What a model with a rule for unknown pictures called so.
struct CalledUnknown {
  std::size_t pictures = 0;
  std::size_t wrong = 0;  // of them, those whose best class is wrong
};

/// A figure that the answers do not give.
struct MissingFigure {
  std::string figure;
  std::string why;
};

/// One model, or one file of saved rows.
struct EvaluatedModel {
  std::string model;      // as given
  std::string precision;  // empty: of saved rows
  std::size_t classes = 0;
  std::size_t pictures = 0;
  std::size_t right = 0;
  MeasuredShare top1;  // intervals: bootstrap, by group
  MeasuredShare top1_wilson;
  std::optional<MeasuredShare> top5;
  MeasuredShare macro_f1;
  MeasuredShare weighted_f1;
  MeasuredShare balanced;
  std::optional<double> mean_ap;
  std::optional<MeasuredShare> log_loss;
  std::optional<double> brier;
  double ece = 0;
  double largest_gap = 0;
  std::optional<FittedTemperature> temperature;
  std::vector<ReliabilityBin> reliability;
  std::vector<RightAbove> right_above;
  std::vector<CoverageStep> coverage;         // at most 100 steps, the surest first
  std::vector<EvaluatedClass> known;          // classes that have pictures, or that pictures were taken for
  std::vector<ConfusedPair> confusion;        // every cell with pictures, by index into `known`; wrong ones first
  std::vector<SurprisingPicture> surprising;  // wrong ones, by index into `known`; the least probable first
  std::map<Precision, std::size_t> decided_by;
  std::optional<CalledUnknown> unknown;
  std::vector<MissingFigure> missing;
};

/// A picture to which two models give different answers.
struct FlippedPicture {
  std::string path;
  std::string truth;
  std::string first;  // classes
  std::string second;
  bool first_right = false;
  bool second_right = false;
};

struct LargestChange {
  std::string path;
  std::string of;  // class
  double first = 0;
  double second = 0;
};

/// How far the maps of two models are from each other.
struct MapDrift {
  std::string method;
  std::size_t pictures = 0;       // compared
  std::size_t other_class = 0;    // left out, because the maps explain different classes
  MeasuredShare correlation;      // Spearman, mean over pictures
  double lowest_correlation = 0;  // of a picture
  std::string lowest_path;
  MeasuredShare shared;  // share of the best tenth of the patches that both have
};

/// Two models on the same pictures.
struct ComparedModels {
  bool labelled = true;      // else nothing is known to be right, and the first model's answers count as right
  std::size_t pictures = 0;  // that both have an answer for
  std::size_t both_right = 0;
  std::size_t only_first = 0;
  std::size_t only_second = 0;
  std::size_t both_wrong = 0;
  MeasuredShare difference;  // top-1 of the second less that of the first
  double mcnemar = 1;
  std::vector<FlippedPicture> flips;            // different answers
  std::optional<LargestChange> largest_change;  // of a probability
  std::optional<MapDrift> maps;
  std::vector<MissingFigure> missing;
};

struct EvalReport {
  std::string folder;
  std::string labels;                  // where they are from: "folders", or a table
  std::size_t groups = 0;              // 0: pictures stand alone
  std::vector<EvaluatedModel> models;  // one or two
  std::optional<ComparedModels> comparison;
  std::vector<std::string> remarks;
  std::vector<Record> failures;
};

[[nodiscard]] std::string eval_text(const EvalReport& report);
[[nodiscard]] std::string eval_json(const EvalReport& report);
/// A self-contained page.
/// @param thumbnails  JPEGs in base64, by path, of pictures that the report names; some may be missing
[[nodiscard]] std::string eval_html(const EvalReport& report, const std::map<std::string, std::string>& thumbnails);
/// The confusion of one model: a row for each true class, a column for each predicted one, with a head.
[[nodiscard]] std::string confusion_csv(const EvaluatedModel& model);

/// The lines of a comparison, as in eval_text(): for other reports.
[[nodiscard]] std::string compared_text(const ComparedModels& comparison, const std::string& first,
                                        const std::string& second);
[[nodiscard]] JsonObject compared_object(const ComparedModels& comparison);

}  // namespace fovea
