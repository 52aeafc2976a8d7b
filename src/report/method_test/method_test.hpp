// What a test of the explanation methods against known truth has found, and which method it recommends.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/formats/record_json.hpp"
#include "report/statistics.hpp"

namespace fovea {

/// A number that each map gets; of pictures, or of mosaics of four.
enum class Measure { kShare, kHit, kAuroc, kDeletion, kInsertion, kGain, kSrg, kSingleDeletion };
inline constexpr std::size_t kMeasures = 8;

struct MeasureInfo {
  Measure measure;
  std::string_view key;  // in JSON
  bool of_mosaics = false;
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

struct MethodTest {
  std::size_t pictures = 0;
  std::size_t failed = 0;     // pictures that could not be read
  std::size_t confident = 0;  // pictures that the model is sure enough of for a mosaic
  std::size_t mosaics = 0;
  std::string not_dropped;            // why no patch can be dropped from this model; empty: they can
  std::vector<TestedMethod> methods;  // the methods in the order of the call, then the two controls
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

/// For people at a terminal.
[[nodiscard]] std::string method_test_text(const MethodTest& test);
/// {"schema":1,"type":"method_test",…}
[[nodiscard]] RecordJson method_test_object(const MethodTest& test);

}  // namespace fovea
