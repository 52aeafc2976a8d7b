// Ranks explanation methods from the records of pictures.
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

/// The names of the uninformed baseline maps in a ranking.
inline constexpr std::string_view kRandomMap = "random";
inline constexpr std::string_view kCentreMap = "centre_gaussian";
/// "(random maps)" and "(centred Gaussian)" for these, a method's own name otherwise.
[[nodiscard]] std::string shown_method(const std::string& name);

/// A method, or an uninformed baseline map, over all pictures.
struct ComparedMethod {
  std::string name;           // "rollout", or one of the baselines' names
  std::string variant;        // empty for baselines
  PerturbationAreas areas;    // means over pictures
  Estimate gain;              // insertion minus deletion
  std::optional<double> srg;  // mean; none for random maps
  /// The share of pictures in which this method gains more than the mean of the picture's random maps; chance is a
  /// half. None for the baselines.
  std::optional<double> beats_random;
  std::optional<Estimate> lead;         // its gain minus the next one's, picture by picture; none for the last
  std::vector<MapAgreement> agreement;  // with each other method, means; NaN if the maps of all pictures are flat

  /// Whether other pictures of the same kind might well rank the next one higher.
  [[nodiscard]] bool tied() const noexcept { return lead && (!lead->interval || lead->interval->contains(0)); }
};

/// Ranks methods by how much the patches they select raise a class's probability: by the mean over pictures of
/// insertion minus deletion, highest first.
struct Comparison {
  std::size_t pictures = 0;   // number of compared pictures
  std::size_t undefined = 0;  // left out because the model's probabilities are not finite numbers
  std::size_t random_maps = 0;
  std::size_t step = 0;  // patches removed, or inserted, at a time
  Substrate substrate = Substrate::kPaint;
  std::vector<ComparedMethod> ranking;  // empty without pictures
};

/// The methods by rank, without the baselines.
[[nodiscard]] std::vector<std::string> compared_methods(const Comparison& comparison);
/// The rank correlation with another method; none for the method itself, for baselines, and where it is undefined.
[[nodiscard]] std::optional<double> agreement_of(const ComparedMethod& method, const std::string& other);
/// The comparison as a table for people at a terminal.
[[nodiscard]] std::string comparison_text(const Comparison& comparison);

class MethodComparison {
 public:
  /// Accepts only results. Every record must hold one judged map for each method, all for one class, with the same
  /// methods.
  void add(const Record& record);
  [[nodiscard]] Comparison result() const;

 private:
  /// A future row of the ranking.
  struct Candidate {
    ComparedMethod method;      // areas are sums
    std::vector<double> gains;  // one for each picture
  };
  struct Correlations {
    double sum = 0;
    std::size_t count = 0;
  };
  void begin(const Record& record);
  void finish(Candidate& candidate) const;
  [[nodiscard]] const std::vector<double>& random_gains() const { return candidates_[candidates_.size() - 2].gains; }

  std::vector<Candidate> candidates_;                                        // the methods, then the two baselines
  std::map<std::string, std::map<std::string, Correlations>> correlations_;  // by method and other method
  std::size_t pictures_ = 0;
  std::size_t undefined_ = 0;
  std::size_t random_maps_ = 0;
  std::size_t step_ = 0;
  Substrate substrate_ = Substrate::kPaint;
};

}  // namespace fovea
