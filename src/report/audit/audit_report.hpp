// What `fovea audit` found out about a folder of labelled pictures and a model.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/learn/learn_report.hpp"
#include "report/measured.hpp"
#include "report/record.hpp"

namespace fovea {

/// What was done: to pictures of the class, the same alone, or to those of other classes.
enum class AuditTrialKind { kHidden, kAlone, kPasted };

/// The picture that the class's probability differs most on.
struct AuditExample {
  std::string changed;  // a JPEG in base64, as is the next
  std::string control;
  double changed_probability = 0;
  double control_probability = 0;
};

/// One way to change pictures, and what the model makes of it, beside a control on the same pictures.
struct AuditTrial {
  AuditTrialKind kind = AuditTrialKind::kHidden;
  std::string what = {};      // "hidden under its mean colour"
  std::string control = {};   // "a random region of equal area"
  std::size_t pictures = 0;   // that were changed
  MeasuredShare change = {};  // of the class's probability: what was done less the control, 95 % interval
  double flips = 0;           // share of pictures that are not called the class if it is hidden, else that are
  double control_flips = 0;   // the same of the control
  AuditExample example = {};
};

/// What one class has and the others have not, told apart from chance.
struct AuditFinding {
  std::string kind;  // "fixed mark", "border", "tint", "where"
  std::string id;    // what `--only` calls it: "fixed-mark", "outer-ring"
  std::size_t of_class = 0;
  std::string what;      // "a mark of 16 x 12 % of the picture at the lower right"
  std::string measure;   // "share of pictures that carry it", ...
  double own = 0;        // the class's mean of the measure
  double others = 0;     // the mean of the other classes' means
  MeasuredShare effect;  // own − others; the interval is corrected for how many were tried
  double p = 1;          // two-sided, before the correction
  double adjusted = 1;   // by Benjamini and Hochberg
  std::vector<std::string> paths;                   // of the class's pictures that show it, at most 24
  std::size_t pictures = 0;                         // all that do
  std::optional<std::array<double, 4>> box;         // top, left, bottom, right, as shares of the picture
  std::vector<AuditTrial> trials;
  std::string verdict;  // of the trials: whether the model uses it
  std::string command;  // that reproduces this finding alone
};

/// Something that was looked for, in one class, without a result.
struct AuditUntried {
  std::string what;
  std::string why;
};

struct AuditLabelIssue {
  std::string path;
  std::string name;  // relative to the folder
  std::size_t given = 0;
  std::size_t likely = 0;
  double probability = 0;  // of the given class, out of fold
  double likely_probability = 0;
};
/// Two pictures that are nearly the same.
struct AuditDuplicate {
  std::string path;
  std::string other;
  std::string name;
  std::string other_name;
  std::size_t of_class = 0;
  std::size_t other_class = 0;
  bool across_splits = false;  // one is in the validation folder
};
struct AuditOutlier {
  std::string path;
  std::string name;
  std::size_t of_class = 0;
  double distance = 0;  // from the nearest class; about 1 is usual
};
/// Pictures of one class whose maps are alike.
struct AuditStrategy {
  std::size_t of_class = 0;
  std::string by;  // "where" the maps lie, or "what" lies there
  std::size_t pictures = 0;
  double right = 0;                // share that the model has right, out of fold
  std::vector<float> map;          // [rows * cols] the mean
  std::vector<std::string> paths;  // nearest to the mean, at most 9
};
/// A principal direction of what a class's score is made of.
struct AuditDirection {
  std::size_t of_class = 0;
  std::size_t direction = 0;       // from 1, by falling variance
  double share = 0;                // of the variance of the class's score terms
  std::vector<std::string> paths;  // that it adds most to, at most 9
};
/// A direction that was taken out of the head, and the share of pictures that are right before and after. The head has
/// learned from these pictures.
struct AuditDropped {
  std::size_t of_class = 0;
  std::size_t direction = 0;
  std::string output;  // the model without it
  std::size_t pictures = 0;
  double right_before = 0;
  double right_after = 0;
  double recall_before = 0;  // of the class
  double recall_after = 0;
};
/// Where the model looks for a class.
struct AuditAtlas {
  std::size_t of_class = 0;
  std::size_t maps = 0;
  std::vector<float> map;  // [rows * cols] the mean; sums to 1
};

/// Pictures whose best class has about the same probability.
struct AuditBin {
  std::size_t pictures = 0;
  double confidence = 0;  // their mean probability, out of fold
  double right = 0;       // share of them that are right
};

struct AuditReport {
  std::string folder;
  std::string output;   // the folder of the report
  std::string model;    // as given
  std::string audited;  // the file whose head was audited
  bool own_head = false;  // the model's own head knows these classes
  std::string command;    // that reproduces the report
  LearnReport learned;    // classes, confusion, surprising pictures and figures, out of fold
  std::vector<AuditFinding> findings;  // the least effect that its interval allows, the largest first
  std::size_t tried = 0;               // of comparisons that a finding could have come from
  std::vector<AuditUntried> untried;
  std::size_t passes = 0;  // forward passes of experiments
  std::size_t budget = 0;
  std::vector<AuditBin> reliability;  // by rising confidence; empty bins are left out
  std::vector<AuditLabelIssue> label_issues;
  std::vector<AuditDuplicate> duplicates;
  std::vector<AuditOutlier> outliers;
  std::size_t rows = 0;  // of a map
  std::size_t cols = 0;
  std::vector<AuditAtlas> atlas;
  std::vector<AuditStrategy> strategies;
  std::vector<AuditDirection> directions;  // of the learned head; none of a model's own
  std::optional<AuditDropped> dropped;
  std::vector<float> overall;  // [rows * cols] the mean of all classes' maps
  double unseen = 0;           // share of the pictures that the model never saw, the mean
  double on_outliers = 0;      // share of the maps on outlier tokens, the mean
  std::vector<Record> failures;
  std::map<std::string, double> seconds;  // by stage
};

[[nodiscard]] std::string audit_text(const AuditReport& report);
[[nodiscard]] std::string audit_json(const AuditReport& report);
/// A self-contained page.
/// @param thumbnails  JPEGs in base64, by path, of the pictures that the report names; some may be missing
[[nodiscard]] std::string audit_html(const AuditReport& report, const std::map<std::string, std::string>& thumbnails);

}  // namespace fovea
