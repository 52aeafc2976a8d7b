// The report of `audit` for programs.
#include "base/json_text.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {
namespace {

JsonObject trial_object(const AuditTrial& t) {
  JsonObject json;
  json.add("what", t.what).add("control", t.control).add("pictures", t.pictures);
  json.add("change", share_object(t.change)).add("not_called", t.kind == AuditTrialKind::kHidden);
  json.add("flips", t.flips);
  json.add("control_flips", t.control_flips).add("changed_probability", t.example.changed_probability);
  return json.add("control_probability", t.example.control_probability);
}

std::string map_array(const std::vector<float>& map) {
  std::vector<std::string> cells;
  cells.reserve(map.size());
  for (const float cell : map) cells.push_back(json_number(cell));
  return json_array(cells);
}

JsonObject finding_object(const AuditReport& r, const AuditFinding& f) {
  JsonObject json;
  json.add("kind", f.kind).add("id", f.id).add("class", r.learned.classes[f.of_class].name).add("what", f.what);
  json.add("measure", f.measure).add("own", f.own).add("others", f.others);
  json.add("effect", share_object(f.effect)).add("p", f.p).add("adjusted_p", f.adjusted);
  json.add("pictures", f.pictures).add_raw("paths", texts_array(f.paths));
  if (f.box) {
    JsonObject box;
    box.add("top", (*f.box)[0]).add("left", (*f.box)[1]).add("bottom", (*f.box)[2]).add("right", (*f.box)[3]);
    json.add("box", box);
  }
  json.add_raw("trials", array_of(f.trials, trial_object)).add("verdict", f.verdict);
  return json.add("command", f.command);
}

void add_data(const AuditReport& r, JsonObject& json) {
  const auto name_of = [&](std::size_t c) { return r.learned.classes[c].name; };
  json.add_raw("label_issues", array_of(r.label_issues, [&](const AuditLabelIssue& i) {
                 JsonObject one;
                 one.add("path", i.path).add("file_name", i.name).add("class", name_of(i.given));
                 one.add("likely", name_of(i.likely)).add("probability", i.probability);
                 return one.add("likely_probability", i.likely_probability);
               }));
  json.add_raw("duplicates", array_of(r.duplicates, [&](const AuditDuplicate& d) {
                 JsonObject one;
                 one.add("path", d.path).add("other", d.other).add("file_name", d.name);
                 one.add("other_file_name", d.other_name).add("class", name_of(d.of_class));
                 one.add("other_class", name_of(d.other_class));
                 return one.add("across_splits", d.across_splits);
               }));
  json.add_raw("outliers", array_of(r.outliers, [&](const AuditOutlier& o) {
                 JsonObject one;
                 one.add("path", o.path).add("file_name", o.name).add("class", name_of(o.of_class));
                 return one.add("distance", o.distance);
               }));
}

void add_maps(const AuditReport& r, JsonObject& json) {
  const auto name_of = [&](std::size_t c) { return r.learned.classes[c].name; };
  json.add("map_rows", r.rows).add("map_cols", r.cols).add_raw("overall_map", map_array(r.overall));
  json.add("unseen", r.unseen).add("on_outlier_tokens", r.on_outliers);
  json.add_raw("atlas", array_of(r.atlas, [&](const AuditAtlas& a) {
                 JsonObject one;
                 one.add("class", name_of(a.of_class)).add("pictures", a.maps);
                 return one.add_raw("map", map_array(a.map));
               }));
  json.add_raw("strategies", array_of(r.strategies, [&](const AuditStrategy& s) {
                 JsonObject one;
                 one.add("class", name_of(s.of_class)).add("by", s.by).add("pictures", s.pictures).add("right", s.right);
                 return one.add_raw("map", map_array(s.map)).add_raw("paths", texts_array(s.paths));
               }));
}

void add_directions(const AuditReport& r, JsonObject& json) {
  json.add_raw("directions", array_of(r.directions, [&](const AuditDirection& d) {
                 JsonObject one;
                 one.add("class", r.learned.classes[d.of_class].name).add("direction", d.direction);
                 return one.add("share", d.share).add_raw("paths", texts_array(d.paths));
               }));
  if (!r.dropped) return;
  const AuditDropped& d = *r.dropped;
  JsonObject dropped;
  dropped.add("class", r.learned.classes[d.of_class].name).add("direction", d.direction).add("output", d.output);
  dropped.add("pictures", d.pictures).add("right_before", d.right_before).add("right_after", d.right_after);
  dropped.add("recall_before", d.recall_before).add("recall_after", d.recall_after);
  json.add("dropped", dropped);
}

std::string confusion_cells(const LearnReport& learned) {
  std::vector<std::string> cells;
  for (std::size_t truth = 0; truth < learned.confusion.size(); ++truth) {
    for (std::size_t predicted = 0; predicted < learned.confusion[truth].size(); ++predicted) {
      const std::size_t pictures = learned.confusion[truth][predicted];
      if (pictures == 0) continue;
      JsonObject cell;
      cell.add("class", learned.classes[truth].name).add("taken_for", learned.classes[predicted].name);
      cell.add("pictures", pictures);
      for (const ConfusedPair& pair : learned.confused) {
        if (pair.truth == truth && pair.predicted == predicted) cell.add_raw("paths", texts_array(pair.paths));
      }
      cells.push_back(cell.line());
    }
  }
  return json_array(cells);
}

JsonObject figures_object(const LearnedBackbone& b) {
  JsonObject json;
  json.add("top1", share_object(b.top1)).add("macro_f1", share_object(b.macro_f1)).add("log_loss", b.log_loss);
  return json.add("ece", b.calibration);
}

}  // namespace

std::string audit_json(const AuditReport& r) {
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "audited").add("folder", r.folder).add("output", r.output);
  json.add("model", r.model).add("audited", r.audited).add("own_head", r.own_head).add("command", r.command);
  json.add("pictures", r.learned.measured).add("failed", r.failures.size()).add("tried", r.tried);
  json.add("passes", r.passes).add("budget", r.budget);
  json.add("figures", figures_object(r.learned.backbones.front()));
  json.add_raw("findings", array_of(r.findings, [&](const AuditFinding& f) { return finding_object(r, f); }));
  json.add_raw("untried", array_of(r.untried, [](const AuditUntried& u) {
                 JsonObject one;
                 return one.add("what", u.what).add("why", u.why);
               }));
  json.add_raw("classes", array_of(r.learned.classes, [](const MeasuredClass& c) {
                 JsonObject one;
                 one.add("name", c.name).add("pictures", c.pictures).add("support", c.measured);
                 return one.add("precision", c.precision).add("recall", c.recall);
               }));
  json.add_raw("confusion", confusion_cells(r.learned));
  json.add_raw("reliability", array_of(r.reliability, [](const AuditBin& b) {
                 JsonObject one;
                 return one.add("pictures", b.pictures).add("confidence", b.confidence).add("right", b.right);
               }));
  add_data(r, json);
  add_maps(r, json);
  add_directions(r, json);
  json.add_raw("remarks", texts_array(r.learned.remarks)).add_raw("failures", records_array(r.failures));
  JsonObject seconds;
  for (const auto& [stage, value] : r.seconds) seconds.add(stage, value);
  return json.add("seconds", seconds).lines();
}

}  // namespace fovea
