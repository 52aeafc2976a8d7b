// What is said about each input: one record, a result or a failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/faithfulness.hpp"
#include "fovea/image.hpp"
#include "fovea/prediction.hpp"

namespace fovea {

inline constexpr int kReportSchema = 1;

/// How alike two maps of a picture rank its patches (Spearman).
struct MapAgreement {
  std::string map;  // the other one, as files are called after it: "generic.32"; of a comparison its method alone
  double correlation = 0;
};

/// The class that another one is held against.
struct MapContrast {
  std::size_t class_index = 0;
  std::optional<std::string> label;
};
/// The class that a map explains; none for class-agnostic methods.
struct MapTarget {
  std::size_t class_index = 0;
  std::optional<std::string> label;
  std::optional<MapContrast> against = {};  // the map says why not this one
};

struct MapRecord {
  std::string method;
  std::string variant;
  std::optional<MapTarget> target = {};
  /// Of the target; of class-agnostic maps, of the picture's first target.
  std::optional<Faithfulness> faithfulness = {};
  std::vector<MapAgreement> agreement = {};     // with the picture's other maps, but those of other classes
  std::optional<std::string> overlay = {};      // relative to the output folder
  std::optional<std::string> map = {};          // these, too: as raw float32,
  std::optional<std::string> gray_map = {};     // as 16-bit grey,
  std::optional<std::string> top_patches = {};  // the best patches as a list
};

/// Features of an input: its row in the array that holds those of all inputs.
struct FeatureRecord {
  std::size_t row = 0;
  std::vector<std::size_t> shape;  // of the row: [D], or [T, D] for all patch tokens
};

struct Failure {
  ErrorCode code = ErrorCode::kDecode;
  std::string message;
  std::string hint;
};

/// What `batch` needs to know whether a row is still true; `run` is a fingerprint of model and options.
struct SourceStamp {
  std::uint64_t bytes = 0;
  std::int64_t mtime_ns = 0;
  std::string run;
  friend bool operator==(const SourceStamp&, const SourceStamp&) = default;
};

/// One input, one record: a result, or a failure.
struct Record {
  std::size_t index = 0;    // in input order, from 0
  std::string path;         // as given; any bytes
  Size size;                // px, after orientation; zero where decoding failed
  int decoded_eighths = 8;  // of each side, as far as the model's input is concerned: fewer of a JPEG decoded fast
  std::vector<Prediction> predictions;
  std::vector<MapRecord> maps;
  std::optional<FeatureRecord> features;       // in place of predictions
  std::vector<std::size_t> tokens;             // hard attention: in the first block, then behind each stage
  std::optional<float> outlier_tokens;         // share of patch tokens that stand out as registers do
  std::optional<std::string> panel;            // these relative to the output folder: all maps in one picture,
  std::optional<std::string> attention_sheet;  // the attention of all blocks and heads,
  std::optional<std::string> thumbnail;        // the picture itself, small
  std::optional<SourceStamp> source;
  std::optional<Failure> failure;
};

struct Summary {
  std::size_t succeeded = 0;
  std::size_t failed = 0;
  bool interrupted = false;
};

}  // namespace fovea
