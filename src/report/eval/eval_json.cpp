// The report of `eval` for programs.
#include "report/eval/eval_report.hpp"

namespace fovea {
namespace {

JsonObject class_of(const EvaluatedClass& c) {
  JsonObject json;
  json.add("name", c.name).add("class_index", c.class_index).add("support", c.support).add("predicted", c.predicted);
  json.add("precision", c.precision);
  json.add("recall", share_object(c.recall));
  json.add("f1", c.f1);
  if (c.average_precision) json.add("average_precision", *c.average_precision);
  return json;
}

JsonObject bin_of(const ReliabilityBin& bin) {
  JsonObject json;
  json.add("low", bin.low).add("high", bin.high).add("pictures", bin.pictures);
  if (bin.pictures == 0) return json;
  return json.add("confidence", bin.confidence).add("accuracy", bin.accuracy);
}

JsonObject step_of(const CoverageStep& step) {
  JsonObject json;
  return json.add("coverage", step.coverage).add("threshold", step.threshold).add("accuracy", step.accuracy);
}

JsonObject right_above_of(const RightAbove& above) {
  JsonObject json;
  json.add("wanted", above.wanted).add("threshold", above.threshold).add("coverage", above.coverage);
  return json.add("pictures", above.pictures).add("accuracy", share_object(above.accuracy));
}

JsonObject missing_of(const MissingFigure& missing) {
  JsonObject json;
  return json.add("figure", missing.figure).add("why", missing.why);
}

JsonObject top1_of(const EvaluatedModel& m) {
  JsonObject json = share_object(m.top1);
  return json.add("wilson_low", m.top1_wilson.low).add("wilson_high", m.top1_wilson.high);
}

void add_probabilities(const EvaluatedModel& m, JsonObject& json) {
  if (m.log_loss) json.add("log_loss", share_object(*m.log_loss));
  if (m.brier) json.add("brier", *m.brier);
  json.add("ece", m.ece).add("largest_gap", m.largest_gap);
  if (m.temperature) {
    JsonObject fitted;
    fitted.add("value", m.temperature->value).add("log_loss", m.temperature->log_loss);
    json.add("temperature", fitted.add("ece", m.temperature->ece));
  }
  json.add_raw("reliability", array_of(m.reliability, bin_of));
  json.add_raw("right_above", array_of(m.right_above, right_above_of));
  json.add_raw("coverage", array_of(m.coverage, step_of));
}

JsonObject model_of(const EvaluatedModel& m) {
  JsonObject json;
  json.add("model", m.model);
  if (!m.precision.empty()) json.add("precision", m.precision);
  if (m.classes > 0) json.add("num_classes", m.classes);
  json.add("pictures", m.pictures).add("right", m.right).add("top1", top1_of(m));
  if (m.top5) json.add("top5", share_object(*m.top5));
  json.add("macro_f1", share_object(m.macro_f1)).add("weighted_f1", share_object(m.weighted_f1));
  json.add("balanced_accuracy", share_object(m.balanced));
  if (m.mean_ap) json.add("mean_average_precision", *m.mean_ap);
  add_probabilities(m, json);
  json.add_raw("classes", array_of(m.known, class_of));
  json.add_raw("confusion", array_of(m.confusion, [&](const ConfusedPair& cell) {
                 JsonObject one;
                 one.add("class", m.known[cell.truth].name).add("taken_for", m.known[cell.predicted].name);
                 return one.add("pictures", cell.paths.size()).add_raw("paths", texts_array(cell.paths));
               }));
  json.add_raw("surprising", array_of(m.surprising, [&](const SurprisingPicture& s) {
                 JsonObject one;
                 one.add("path", s.path).add("class", m.known[s.truth].name).add("probability", s.probability);
                 return one.add("taken_for", m.known[s.predicted].name);
               }));
  if (!m.decided_by.empty()) {
    JsonObject decided;
    for (const auto& [precision, count] : m.decided_by) decided.add(name(precision), count);
    json.add("decided_by", decided);
  }
  if (m.unknown) {
    JsonObject unknown;
    json.add("unknown", unknown.add("pictures", m.unknown->pictures).add("wrong", m.unknown->wrong));
  }
  return json.add_raw("missing", array_of(m.missing, missing_of));
}

JsonObject drift_of(const MapDrift& drift) {
  JsonObject json;
  json.add("method", drift.method).add("pictures", drift.pictures).add("other_class", drift.other_class);
  if (drift.pictures == 0) return json;
  json.add("correlation", share_object(drift.correlation)).add("lowest_correlation", drift.lowest_correlation);
  return json.add("lowest_path", drift.lowest_path).add("best_tenth_shared", share_object(drift.shared));
}

}  // namespace

JsonObject compared_object(const ComparedModels& c) {
  JsonObject json;
  json.add("pictures", c.pictures);
  if (c.labelled) {
    json.add("both_right", c.both_right).add("only_first_right", c.only_first);
    json.add("only_second_right", c.only_second).add("both_wrong", c.both_wrong);
    json.add("difference", share_object(c.difference)).add("mcnemar_p", c.mcnemar);
  }
  json.add("different_answers", c.flips.size());
  if (c.largest_change) {
    JsonObject change;
    change.add("path", c.largest_change->path).add("class", c.largest_change->of);
    json.add("largest_change", change.add("first", c.largest_change->first).add("second", c.largest_change->second));
  }
  json.add_raw("flips", array_of(c.flips, [&](const FlippedPicture& flip) {
                 JsonObject one;
                 one.add("path", flip.path).add("first", flip.first).add("second", flip.second);
                 if (!c.labelled) return one;
                 one.add("class", flip.truth).add("first_right", flip.first_right);
                 return one.add("second_right", flip.second_right);
               }));
  if (c.maps) json.add("maps", drift_of(*c.maps));
  return json.add_raw("missing", array_of(c.missing, missing_of));
}

std::string eval_json(const EvalReport& r) {
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "evaluated").add("folder", r.folder).add("labels", r.labels);
  json.add("failed", r.failures.size());
  if (r.groups > 0) json.add("groups", r.groups);
  json.add_raw("models", array_of(r.models, model_of));
  if (r.comparison) json.add("comparison", compared_object(*r.comparison));
  json.add_raw("remarks", texts_array(r.remarks)).add_raw("failures", records_array(r.failures));
  return json.lines();
}

}  // namespace fovea
