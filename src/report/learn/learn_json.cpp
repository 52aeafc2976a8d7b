// The report of `learn` for programs.
#include "base/json_text.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {
namespace {

JsonObject backbone_object(const LearnedBackbone& b) {
  JsonObject json;
  json.add("model", b.model).add("features", b.width).add("c", b.c).add("temperature", b.temperature);
  json.add("top1", share_object(b.top1)).add("macro_f1", share_object(b.macro_f1));
  json.add("balanced_accuracy", share_object(b.balanced));
  json.add("log_loss", b.log_loss).add("log_loss_before", b.log_loss_before);
  json.add("ece", b.calibration).add("ece_before", b.calibration_before).add("brier", b.brier);
  return json.add("behind", share_object(b.behind));
}

JsonObject class_object(const MeasuredClass& c) {
  JsonObject json;
  json.add("name", c.name).add("pictures", c.pictures).add("support", c.measured);
  if (c.measured == 0) return json;
  return json.add("precision", c.precision).add("recall", c.recall).add("f1", c.f1);
}

std::string confusion_array(const std::vector<std::vector<std::size_t>>& confusion) {
  std::vector<std::string> rows;
  for (const auto& row : confusion) {
    std::vector<std::string> counts;
    counts.reserve(row.size());
    for (const std::size_t count : row) counts.push_back(std::to_string(count));
    rows.push_back(json_array(counts));
  }
  return json_array(rows);
}

JsonObject unknown_object(const UnknownReport& u) {
  JsonObject json;
  json.add("by", u.by).add("share", u.share).add("rejected", u.rejected);
  if (u.energy_area == 0) return json;
  json.add("caught", u.caught).add("energy_roc_auc", u.energy_area);
  return json.add("distance_roc_auc", u.distance_area).add("neighbours_roc_auc", u.neighbours_area);
}

JsonObject decisions_object(const DecisionReport& d) {
  JsonObject json;
  json.add("file", d.file).add("sha256", d.sha256).add("kept", d.kept).add("dropped", d.dropped);
  return json.add("relabelled", d.relabelled);
}

}  // namespace

std::string learn_json(const LearnReport& r) {
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "learned").add("folder", r.folder).add("output", r.output);
  json.add("pictures", r.pictures).add("failed", r.failures.size()).add("groups", r.groups);
  json.add("near_duplicates", r.near_duplicates).add("measured", r.measured);
  json.add("views", r.views);
  r.validation.empty() ? json.add("folds", r.folds) : json.add("validation", r.validation);
  json.add_raw("backbones", array_of(r.backbones, backbone_object));
  json.add_raw("baselines", array_of(r.baselines, [](const Baseline& b) {
                 JsonObject one;
                 return one.add("name", b.name).add("top1", b.top1).add("ahead", share_object(b.ahead));
               }));
  json.add_raw("classes", array_of(r.classes, class_object));
  json.add_raw("confusion", confusion_array(r.confusion));
  json.add_raw("confused", array_of(r.confused, [&](const ConfusedPair& pair) {
                 JsonObject one;
                 one.add("class", r.classes[pair.truth].name).add("taken_for", r.classes[pair.predicted].name);
                 return one.add_raw("paths", texts_array(pair.paths));
               }));
  json.add_raw("surprising", array_of(r.surprising, [&](const SurprisingPicture& s) {
                 JsonObject one;
                 one.add("path", s.path).add("class", r.classes[s.truth].name).add("probability", s.probability);
                 return one.add("taken_for", r.classes[s.predicted].name);
               }));
  json.add_raw("learning_curve", array_of(r.curve, [](const CurvePoint& p) {
                 JsonObject one;
                 return one.add("share", p.share).add("pictures", p.pictures).add("top1", share_object(p.top1));
               }));
  if (r.unknown) json.add("unknown", unknown_object(*r.unknown));
  if (!r.texts.empty()) json.add("texts", r.texts).add("text_weight", r.text_weight);
  if (r.decisions) json.add("decisions", decisions_object(*r.decisions));
  json.add_raw("remarks", texts_array(r.remarks));
  json.add_raw("failures", records_array(r.failures));
  json.add("embed_seconds", r.embed_seconds).add("learn_seconds", r.learn_seconds);
  return json.lines();
}

}  // namespace fovea
