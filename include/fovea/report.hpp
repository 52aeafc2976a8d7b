// What is said about each input, and the writers that say it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/comparison.hpp"
#include "fovea/error.hpp"
#include "fovea/faithfulness.hpp"
#include "fovea/image.hpp"

namespace fovea {

inline constexpr int kReportSchema = 1;

struct Prediction {
  std::size_t class_index = 0;
  std::optional<std::string> label;   // the description up to its first comma
  std::optional<std::string> synset;  // where known
  float probability = 0.0F;
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

struct ReportOptions {
  std::size_t top_k = 5;
  bool color = false;
  bool comparison = false;  // the table to come is of methods: text has no results of pictures, csv no rows of them
};

/// Writes records in the order they come. Throws Error kOutput when the stream fails.
class ReportWriter {
 public:
  virtual ~ReportWriter() = default;
  virtual void write(const Record& record) = 0;
  /// What comes of all records; at most once, after the last.
  virtual void write(const Comparison& comparison) = 0;
  /// Once, after the last record.
  virtual void finish(const Summary& summary) = 0;
};

/// One row of the registry.
struct ReportFormat {
  std::string_view name;  // as in -f
  std::string_view about;
  std::unique_ptr<ReportWriter> (*make)(std::ostream&, const ReportOptions&);
};

[[nodiscard]] std::span<const ReportFormat> report_formats();
/// @throws Error  kUsage for an unknown name, with the nearest one as the hint.
[[nodiscard]] const ReportFormat& report_format(std::string_view name);

}  // namespace fovea
