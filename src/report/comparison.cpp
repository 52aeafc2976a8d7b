#include "report/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "report/statistics.hpp"

namespace fovea {
namespace {

/// A picture's areas, in the order of the candidates.
std::vector<PerturbationAreas> areas_of(const Record& record) {
  std::vector<PerturbationAreas> areas;
  areas.reserve(record.maps.size() + 2);
  for (const MapRecord& map : record.maps) areas.push_back(map.faithfulness->map);
  areas.push_back(record.maps.front().faithfulness->random);
  areas.push_back(record.maps.front().faithfulness->centre);
  return areas;
}

bool is_number(const PerturbationAreas& areas) {
  return std::isfinite(areas.deletion) && std::isfinite(areas.insertion);
}

std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> result(a.size());
  std::transform(a.begin(), a.end(), b.begin(), result.begin(), std::minus<>());
  return result;
}

/// "generic" of "generic.32"
std::string method_of(const std::string& stem) {
  return stem.substr(0, stem.find('.'));
}

}  // namespace

std::string shown_method(const std::string& name) {
  if (name == kRandomMap) return "(random maps)";
  if (name == kCentreMap) return "(centred Gaussian)";
  return name;
}

std::vector<std::string> compared_methods(const Comparison& comparison) {
  std::vector<std::string> names;
  names.reserve(comparison.ranking.size());
  for (const ComparedMethod& method : comparison.ranking) {
    if (method.name != kRandomMap && method.name != kCentreMap) names.push_back(method.name);
  }
  return names;
}

std::optional<double> agreement_of(const ComparedMethod& method, const std::string& other) {
  for (const MapAgreement& agreement : method.agreement) {
    if (agreement.map == other && !std::isnan(agreement.correlation)) return agreement.correlation;
  }
  return std::nullopt;
}

void MethodComparison::begin(const Record& record) {
  candidates_.resize(record.maps.size() + 2);
  for (std::size_t m = 0; m < record.maps.size(); ++m) {
    candidates_[m].method.name = record.maps[m].method;
    candidates_[m].method.variant = record.maps[m].variant;
  }
  candidates_[record.maps.size()].method.name = kRandomMap;
  candidates_[record.maps.size() + 1].method.name = kCentreMap;
  random_maps_ = record.maps.front().faithfulness->random_maps;
  step_ = record.maps.front().faithfulness->step;
  substrate_ = record.maps.front().faithfulness->substrate;
}

void MethodComparison::add(const Record& record) {
  if (candidates_.empty()) begin(record);
  const std::vector<PerturbationAreas> areas = areas_of(record);
  if (!std::all_of(areas.begin(), areas.end(), is_number)) {
    ++undefined_;
    return;
  }
  ++pictures_;
  for (std::size_t c = 0; c < candidates_.size(); ++c) {
    candidates_[c].method.areas.deletion += areas[c].deletion;
    candidates_[c].method.areas.insertion += areas[c].insertion;
    candidates_[c].gains.push_back(areas[c].gain());
    if (const auto srg = areas[c].srg()) candidates_[c].method.srg = candidates_[c].method.srg.value_or(0) + *srg;
  }
  for (const MapRecord& map : record.maps) {
    for (const MapAgreement& other : map.agreement) {
      Correlations& correlations = correlations_[map.method][method_of(other.map)];
      if (std::isnan(other.correlation)) continue;
      correlations.sum += other.correlation;
      ++correlations.count;
    }
  }
}

Comparison MethodComparison::result() const {
  Comparison comparison;
  comparison.pictures = pictures_;
  comparison.undefined = undefined_;
  comparison.random_maps = random_maps_;
  comparison.step = step_;
  comparison.substrate = substrate_;
  if (pictures_ == 0) return comparison;
  std::vector<Candidate> ranked = candidates_;
  for (Candidate& candidate : ranked) finish(candidate);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Candidate& a, const Candidate& b) { return a.method.gain.mean > b.method.gain.mean; });
  for (std::size_t rank = 0; rank + 1 < ranked.size(); ++rank) {
    ranked[rank].method.lead = estimate_mean(differences(ranked[rank].gains, ranked[rank + 1].gains));
  }
  comparison.ranking.reserve(ranked.size());
  for (Candidate& candidate : ranked) comparison.ranking.push_back(std::move(candidate.method));
  return comparison;
}

/// Turns sums into means and confidence intervals.
void MethodComparison::finish(Candidate& candidate) const {
  ComparedMethod& method = candidate.method;
  const auto count = static_cast<double>(pictures_);
  method.areas.deletion /= count;
  method.areas.insertion /= count;
  if (method.srg) *method.srg /= count;
  method.gain = estimate_mean(candidate.gains);
  if (method.name != kRandomMap) {
    const std::vector<double> lead = differences(candidate.gains, random_gains());
    const auto better = std::count_if(lead.begin(), lead.end(), [](double value) { return value > 0; });
    method.beats_random = static_cast<double>(better) / count;
  }
  const auto with = correlations_.find(method.name);
  if (with == correlations_.end()) return;
  for (const auto& [other, correlations] : with->second) {
    const bool none = correlations.count == 0;
    method.agreement.push_back({other, none ? std::numeric_limits<double>::quiet_NaN()
                                            : correlations.sum / static_cast<double>(correlations.count)});
  }
}

}  // namespace fovea
