// The rows of pictures become the ranking of the methods that explain them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fovea/comparison.hpp"
#include "fovea/report.hpp"

namespace fovea {

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
