// What a test of the explanation methods against known truth has found, and which method it recommends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/image.hpp"
#include "report/formats/record_json.hpp"
#include "report/statistics.hpp"

namespace fovea {

/// A number that each map gets; of pictures, of mosaics of four, or of pictures with a planted mark.
enum class Measure {
  kShare,
  kHit,
  kAuroc,
  kDeletion,
  kInsertion,
  kGain,
  kSrg,
  kSingleDeletion,
  kMarkShare,
  kMarkHit,
  kMarkAuroc,
  kMarkPrecision
};
inline constexpr std::size_t kMeasures = 12;

struct MeasureInfo {
  Measure measure;
  std::string_view key;  // in JSON
  std::string_view of;   // what has one value each: "pictures"
  bool low_is_good = false;
};
[[nodiscard]] std::span<const MeasureInfo, kMeasures> measures();

/// A method, or one of the two controls, over all pictures.
struct TestedMethod {
  std::string name;     // "libra"; of a control "random" or "centre_gaussian"
  std::string variant;  // empty for controls
  /// By measure one value for each picture or mosaic, in their order; empty where the model could not be measured.
  std::array<std::vector<double>, kMeasures> values = {};
  [[nodiscard]] bool is_control() const noexcept { return variant.empty(); }
  [[nodiscard]] std::vector<double>& of(Measure measure) { return values[static_cast<std::size_t>(measure)]; }
  [[nodiscard]] const std::vector<double>& of(Measure measure) const {
    return values[static_cast<std::size_t>(measure)];
  }
};

/// What a head on frozen features has learned of planted marks.
struct PlantedMarks {
  struct Tried {
    std::size_t side = 0;     // px in the network's input
    double accuracy = 0;      // of held-out answers, with and without the mark
    std::size_t flipped = 0;  // pictures whose answer is right without the mark, and flips with it
  };
  std::size_t pictures = 0;
  std::vector<Tried> tried;    // smallest first; the last is the one that was measured, if any was
  double patches = 0;          // that the mark covers, the mean
  std::string not_measurable;  // why; empty: maps were measured
};

/// One picture with its maps and, where it is known, the truth: for the page.
struct ShownTest {
  enum class Kind { kPicture, kMosaic, kMark };
  struct Map {
    std::string method;
    std::vector<float> values;  // [T]
    bool is_signed = false;
    double value = 0;  // of the measure by which the kind ranks methods
  };
  Kind kind = Kind::kPicture;
  std::string title;
  std::vector<std::byte> jpeg;  // the network's input
  PatchGrid grid;
  std::vector<std::uint8_t> truth;  // [T] 1: of the truth; empty: it is not known
  std::vector<Map> maps;            // of the methods, then of the controls
};

struct MethodTest {
  std::size_t pictures = 0;
  std::size_t failed = 0;     // pictures that could not be read
  std::size_t confident = 0;  // pictures that the model is sure enough of for a mosaic
  std::size_t mosaics = 0;
  std::optional<PlantedMarks> planted;
  std::string not_dropped;            // why no patch can be dropped from this model; empty: they can
  std::vector<TestedMethod> methods;  // the methods in the order of the call, then the two controls
  bool shows = false;                 // whether the first pictures of each kind are kept
  std::vector<ShownTest> shown;
};

/// One method by one measure.
struct MeasuredMethod {
  const TestedMethod* method = nullptr;
  Estimate mean;
  std::optional<Estimate> less_best;  // its value less the best method's, case by case; none for the best one itself

  /// Whether other pictures of the same kind might well put this method first.
  [[nodiscard]] bool may_be_best() const noexcept {
    return !less_best || !less_best->interval || less_best->interval->contains(0);
  }
};
/// Best first; empty where there was nothing to measure.
[[nodiscard]] std::vector<MeasuredMethod> ranked(const MethodTest& test, Measure measure);

/// The answer to one question of a user.
struct Recommendation {
  std::string_view question;
  Measure measure = Measure::kGain;
  std::string_view measured_by;      // in words
  std::vector<std::string> methods;  // the best, and those that cannot be told apart from it; no controls
  bool beats_controls = false;       // whether the best one's lead over both controls is more than chance
};
/// One for each question that could be measured.
[[nodiscard]] std::vector<Recommendation> recommendations(const MethodTest& test);

/// A table of measures, by the last of which methods are ranked.
struct TestColumn {
  std::string_view title;
  Measure measure;
};
struct TestTable {
  std::string_view title;
  std::vector<TestColumn> columns;
  std::string_view meaning;  // what the numbers answer
};
[[nodiscard]] const std::vector<TestTable>& test_tables();
/// How well the mark was learned, and why no map was measured, if none was.
[[nodiscard]] std::string planted_text(const PlantedMarks& planted);

/// For people at a terminal.
[[nodiscard]] std::string method_test_text(const MethodTest& test);
/// {"schema":1,"type":"method_test",…}
[[nodiscard]] RecordJson method_test_object(const MethodTest& test);
/// One page with the tables and the pictures that were kept; all that it needs is in it.
[[nodiscard]] std::string method_test_html(const MethodTest& test, std::string_view model);

}  // namespace fovea
