// The rows of pictures become the ranking of the methods that explain them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/faithfulness.hpp"
#include "report/record.hpp"
#include "report/statistics.hpp"

namespace fovea {

/// What the maps that know nothing are called in a ranking.
inline constexpr std::string_view kRandomMap = "random";
inline constexpr std::string_view kCentreMap = "centre_gaussian";

/// A method, or one of the two maps that know nothing, over all pictures.
struct ComparedMethod {
  std::string name;         // "rollout"; of those that know nothing as above
  std::string variant;      // empty of those
  PerturbationAreas areas;  // means
  Estimate gain;            // of insertion less deletion
  /// The share of pictures in which it gains more than the picture's random maps on average; chance is a half. None of
  /// those themselves.
  std::optional<double> beats_random;
  std::optional<Estimate> lead;         // of its gain less the next one's, picture by picture; none of the last
  std::vector<MapAgreement> agreement;  // with the other methods, means; NaN where maps of all pictures are flat

  /// Whether other pictures of the same kind might well rank the next one before it.
  [[nodiscard]] bool tied() const noexcept { return lead && (!lead->interval || lead->interval->contains(0)); }
};

/// Explanation methods by how much more of a class's probability their patches bring than take: by the mean over
/// pictures of insertion less deletion, highest first.
struct Comparison {
  std::size_t pictures = 0;   // that were compared
  std::size_t undefined = 0;  // left out, because the model's probabilities are no numbers
  std::size_t random_maps = 0;
  std::size_t step = 0;                 // patches that go, or come, at a time
  std::vector<ComparedMethod> ranking;  // empty without pictures
};

/// By rank, without the maps that know nothing.
[[nodiscard]] std::vector<std::string> compared_methods(const Comparison& comparison);
/// With another method; none with itself, of maps that know nothing, and where it is undefined.
[[nodiscard]] std::optional<double> agreement_of(const ComparedMethod& method, const std::string& other);
/// For people at a terminal.
[[nodiscard]] std::string comparison_text(const Comparison& comparison);

class MethodComparison {
 public:
  /// Results only, each with one judged map for each method, all about one class; the same methods in every row.
  void add(const Record& record);
  [[nodiscard]] Comparison result() const;

 private:
  /// One row of the ranking to be.
  struct Candidate {
    ComparedMethod method;      // areas are sums
    std::vector<double> gains;  // by picture
  };
  struct Correlations {
    double sum = 0;
    std::size_t count = 0;
  };
  void begin(const Record& record);
  void finish(Candidate& candidate) const;
  [[nodiscard]] const std::vector<double>& random_gains() const { return candidates_[candidates_.size() - 2].gains; }

  std::vector<Candidate> candidates_;  // the methods, then the two maps that know nothing
  std::map<std::string, std::map<std::string, Correlations>> correlations_;  // of a method with another
  std::size_t pictures_ = 0;
  std::size_t undefined_ = 0;
  std::size_t random_maps_ = 0;
  std::size_t step_ = 0;
};

}  // namespace fovea
