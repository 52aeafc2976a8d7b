// A test of methods as a JSON object.
#include <string>

#include "report/method_test/method_test.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

/// Best first.
RecordJson measure_object(const MethodTest& test, const MeasureInfo& info) {
  RecordJson object{{"measure", info.key},
                    {"of", info.of},
                    {"best", info.low_is_good ? "lowest" : "highest"},
                    {"methods", RecordJson::array()}};
  for (const MeasuredMethod& row : ranked(test, info.measure)) {
    RecordJson method{{"method", row.method->name}};
    method.update(estimate_object(row.mean));
    if (row.less_best) {
      method["less_best"] = estimate_object(*row.less_best);
      method["less_best"]["told_apart"] = !row.may_be_best();
    }
    object["methods"].push_back(std::move(method));
  }
  return object;
}

RecordJson planted_object(const PlantedMarks& planted) {
  RecordJson object{
      {"measurable", planted.not_measurable.empty()}, {"pictures", planted.pictures}, {"tried", RecordJson::array()}};
  for (const PlantedMarks::Tried& tried : planted.tried) {
    object["tried"].push_back({{"side", tried.side}, {"accuracy", tried.accuracy}, {"flipped", tried.flipped}});
  }
  if (planted.not_measurable.empty()) {
    object["patches"] = planted.patches;
  } else {
    object["why"] = planted.not_measurable;
  }
  return object;
}

}  // namespace

RecordJson method_test_object(const MethodTest& test) {
  RecordJson object{{"schema", kReportSchema},
                    {"type", "method_test"},
                    {"pictures", test.pictures},
                    {"failed", test.failed},
                    {"confident", test.confident},
                    {"mosaics", test.mosaics},
                    {"interval", "Student's t over pictures, mosaics, or marked pictures"},
                    {"confidence", kConfidence},
                    {"methods", RecordJson::array()},
                    {"measures", RecordJson::array()},
                    {"recommendations", RecordJson::array()}};
  if (!test.not_dropped.empty()) object["single_deletion_missing"] = test.not_dropped;
  if (test.planted) object["planted"] = planted_object(*test.planted);
  for (const TestedMethod& method : test.methods) {
    if (!method.is_control()) object["methods"].push_back({{"method", method.name}, {"variant", method.variant}});
  }
  for (const MeasureInfo& info : measures()) {
    RecordJson measure = measure_object(test, info);
    if (!measure["methods"].empty()) object["measures"].push_back(std::move(measure));
  }
  for (const Recommendation& found : recommendations(test)) {
    object["recommendations"].push_back({{"question", found.question},
                                         {"measure", measures()[static_cast<std::size_t>(found.measure)].key},
                                         {"measured_by", found.measured_by},
                                         {"methods", found.methods},
                                         {"beats_controls", found.beats_controls}});
  }
  return object;
}

}  // namespace fovea
