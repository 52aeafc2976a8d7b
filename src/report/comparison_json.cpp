// A comparison of methods as a JSON object.
#include <string>

#include "report/comparison.hpp"
#include "report/formats/record_json.hpp"
#include "report/record.hpp"
#include "report/statistics.hpp"

namespace fovea {
namespace {

RecordJson method_object(const Comparison& comparison, std::size_t rank) {
  const ComparedMethod& method = comparison.ranking[rank];
  RecordJson object{{"rank", rank + 1}, {"method", method.name}};
  if (!method.variant.empty()) object["variant"] = method.variant;
  object.update(areas_object(method.areas));
  object["insertion_less_deletion"] = estimate_object(method.gain);
  if (method.srg) object["srg"] = *method.srg;
  if (method.beats_random) object["beats_random"] = *method.beats_random;
  if (method.lead) {
    object["less_next"] = estimate_object(*method.lead);
    object["less_next"]["next"] = comparison.ranking[rank + 1].name;
    object["less_next"]["told_apart"] = !method.tied();
  }
  for (const MapAgreement& other : method.agreement) {
    object["agreement"][other.map] = number_or_null(other.correlation);
  }
  return object;
}

}  // namespace

RecordJson estimate_object(const Estimate& estimate) {
  RecordJson object{{"mean", estimate.mean}};
  object["low"] = estimate.interval ? RecordJson(estimate.interval->low) : RecordJson(nullptr);
  object["high"] = estimate.interval ? RecordJson(estimate.interval->high) : RecordJson(nullptr);
  return object;
}

RecordJson comparison_object(const Comparison& comparison) {
  RecordJson object{{"schema", kReportSchema},
                    {"type", "comparison"},
                    {"pictures", comparison.pictures},
                    {"undefined", comparison.undefined},
                    {"ranked_by", "mean over pictures of insertion AUC less deletion AUC"},
                    {"interval", "Student's t over pictures"},
                    {"confidence", kConfidence},
                    {"random_maps", comparison.random_maps},
                    {"step_patches", comparison.step},
                    {"substrate", substrate_text(comparison.substrate)},
                    {"methods", RecordJson::array()}};
  for (std::size_t rank = 0; rank < comparison.ranking.size(); ++rank) {
    object["methods"].push_back(method_object(comparison, rank));
  }
  return object;
}

}  // namespace fovea
