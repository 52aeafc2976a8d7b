// The record of one input: a result or a failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "fovea/faithfulness.hpp"
#include "fovea/image.hpp"
#include "fovea/precision.hpp"
#include "fovea/prediction.hpp"

namespace fovea {

inline constexpr int kReportSchema = 1;

/// How similarly two maps of a picture rank its patches (Spearman).
struct MapAgreement {
  std::string map;  // the other map, named as in file names: "generic.32"; in a comparison only the method
  double correlation = 0;
};

/// The class's name, or "class 7" where it has none.
[[nodiscard]] std::string class_name(const std::optional<std::string>& label, std::size_t class_index);

/// "patches +8.25, prefix tokens -0.89, biases +1.13: score 8.50"
[[nodiscard]] std::string sum_text(const ScoreSum& sum);

/// "outlier tokens: 7 of 256 patches, up to 8.3 times as long as the median: attention that goes there …"
[[nodiscard]] std::string outlier_text(const OutlierTokens& outliers);

struct MapRecord {
  std::string method;
  std::string variant;
  std::optional<MapTarget> target = {};
  /// For the target; for class-agnostic maps, for the picture's first target.
  std::optional<Faithfulness> faithfulness = {};
  std::optional<ScoreSum> sum = {};             // what the score is made of, where the map adds up to it
  std::vector<MapAgreement> agreement = {};     // with the picture's other maps, except those for other classes
  std::optional<std::string> overlay = {};      // path relative to the output folder, as are the following
  std::optional<std::string> map = {};          // raw float32
  std::optional<std::string> gray_map = {};     // 16-bit grey
  std::optional<std::string> top_patches = {};  // list of the best patches
  bool constant = false;                        // all patches have the same value: the map says nothing
};

/// The features of an input: its row in the array that holds the features of all inputs.
struct FeatureRecord {
  std::size_t row = 0;
  std::vector<std::size_t> shape;  // shape of the row: [D], or [T, D] for all patch tokens
};

struct Failure {
  ErrorCode code = ErrorCode::kDecode;
  std::string message;
  std::string hint;
};

/// Tells `batch` whether an earlier record is still valid: its input, model and options are the same, its outputs
/// whole.
struct SourceStamp {
  std::uint64_t bytes = 0;
  std::int64_t mtime_ns = 0;
  std::string run;                                  // a fingerprint of model and options
  std::map<std::string, std::uint64_t> files = {};  // of the outputs, by name as UTF-8: bytes
  friend bool operator==(const SourceStamp&, const SourceStamp&) = default;
};

/// One input, one record: a result, or a failure.
struct Record {
  std::size_t index = 0;    // in input order, from 0
  std::string path;         // as given; any bytes
  Size size;                // px, after orientation; zero where decoding failed
  int decoded_eighths = 8;  // eighths of each side that were decoded; below 8 only for a JPEG decoded fast
  std::vector<Prediction> predictions;
  std::optional<UnknownVerdict> unknown;  // of a learned model that has a rule for it
  std::vector<MapRecord> maps;
  std::optional<FeatureRecord> features;  // instead of predictions
  std::optional<Precision> decided_by;    // of a cascade: the precision that predictions and maps are computed in
  std::vector<std::size_t> tokens;        // token reduction (hard attention): in the first block, then after each stage
  std::optional<float> outlier_tokens;    // share of patch tokens with outlier norms, as registers have
  std::optional<OutlierTokens> outliers;  // those that maps are warned of
  std::optional<std::string> panel;       // all maps in one picture; relative to the output folder, as the next two
  std::optional<std::string> attention_sheet;  // the attention of all blocks and heads
  std::optional<std::string> thumbnail;        // the picture itself, small
  std::vector<std::string> ignored_config;     // keys of the model's config ignored by the user's choice
  std::optional<SourceStamp> source;
  std::optional<Failure> failure;
};

/// Whether the picture is of none of a learned model's classes.
[[nodiscard]] inline bool is_unknown(const Record& record) noexcept {
  return record.unknown && record.unknown->unknown;
}

struct Summary {
  std::size_t succeeded = 0;
  std::size_t failed = 0;
  bool interrupted = false;
  std::map<Precision, std::size_t> decided_by = {};  // of a cascade: results by the precision that decided
  void count(const Record& record);
};

}  // namespace fovea
