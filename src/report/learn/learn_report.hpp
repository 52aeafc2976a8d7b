// What `fovea learn` found out: all of it measured on pictures that were not learned from.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/measured.hpp"
#include "report/record.hpp"

namespace fovea {

struct MeasuredClass {
  std::string name;
  std::size_t pictures = 0;  // all that are learned from
  std::size_t measured = 0;  // that some fold held out
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

/// A way to classify that learns less, from the same features and on the same folds.
struct Baseline {
  std::string name;
  double top1 = 0;
  MeasuredShare ahead;  // how much more of the pictures the learned head has right
};

struct CurvePoint {
  double share = 1;          // of the pictures that are learned from
  std::size_t pictures = 0;  // on average over folds
  MeasuredShare top1;
};

struct UnknownReport {
  std::string by;  // "energy" or "distance"
  double share = 0;
  double rejected = 0;     // of known pictures
  double caught = 0;       // of pictures of classes that were left out
  double energy_area = 0;  // ROC areas; 0: too few classes to leave one out
  double distance_area = 0;
  double neighbours_area = 0;
};

/// A table of decisions that was obeyed.
struct DecisionReport {
  std::string file;
  std::string sha256;
  std::size_t kept = 0;  // pictures
  std::size_t dropped = 0;
  std::size_t relabelled = 0;
};

/// What one backbone comes to.
struct LearnedBackbone {
  std::string model;  // as given
  std::size_t width = 0;
  double c = 0;
  MeasuredShare top1;
  MeasuredShare macro_f1;
  MeasuredShare balanced;
  double log_loss_before = 0;  // the temperature
  double log_loss = 0;
  double calibration_before = 0;
  double calibration = 0;
  double brier = 0;
  double temperature = 1;
  MeasuredShare behind;  // the best backbone's top-1 less this one's
};

struct LearnReport {
  std::string folder;
  std::string output;
  std::size_t pictures = 0;
  std::size_t groups = 0;           // of pictures that are kept together
  std::size_t near_duplicates = 0;  // pictures that have one
  std::size_t folds = 0;
  std::size_t views = 1;  // of each picture, whose mean is learned from
  std::size_t measured = 0;
  std::string validation;                  // the folder that was measured on in place of folds; empty: folds
  std::vector<LearnedBackbone> backbones;  // the best first: it is the one that is written
  std::vector<MeasuredClass> classes;
  std::vector<Baseline> baselines;
  std::vector<CurvePoint> curve;
  std::vector<std::vector<std::size_t>> confusion;  // [truth][predicted]
  std::vector<ConfusedPair> confused;               // the largest first
  std::vector<SurprisingPicture> surprising;        // the least probable first
  std::optional<UnknownReport> unknown;
  std::optional<DecisionReport> decisions;
  std::string texts;         // the file of text embeddings that the head starts from; empty: from nothing
  double text_weight = 0;    // how much the texts count, as a multiple of their scores' spread; 0: not at all
  std::vector<std::string> remarks;
  std::vector<Record> failures;
  double embed_seconds = 0;
  double learn_seconds = 0;
};

[[nodiscard]] std::string learn_text(const LearnReport& report);
[[nodiscard]] std::string learn_json(const LearnReport& report);
/// A self-contained page.
/// @param thumbnails  JPEGs in base64, by path, of the pictures that the report names; some may be missing
[[nodiscard]] std::string learn_html(const LearnReport& report, const std::map<std::string, std::string>& thumbnails);

}  // namespace fovea
