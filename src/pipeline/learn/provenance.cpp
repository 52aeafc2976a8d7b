#include "pipeline/learn/provenance.hpp"

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "fovea/version.hpp"

namespace fovea {

JsonObject provenance_of(const std::string& backbone, const std::string& backbone_sha256, const LearnReport& report,
                         const LearnOptions& options) {
  const LearnedBackbone& best = report.backbones.front();
  JsonObject json;
  json.add("version", FOVEA_VERSION).add("backbone", backbone).add("backbone_sha256", backbone_sha256);
  json.add("pictures", report.pictures).add("groups", report.groups).add("folds", report.folds);
  json.add("seed", options.seed).add("c", best.c).add("class_weight", options.balanced ? "balanced" : "none");
  json.add("views", report.views).add("measured", report.measured).add("top1", best.top1.value);
  if (!report.texts.empty()) {
    json.add("text_embeddings_sha256", sha256_hex(read_text_file(report.texts))).add("text_weight", report.text_weight);
  }
  if (!report.decisions) return json;
  const DecisionReport& decided = *report.decisions;
  JsonObject decisions;
  decisions.add("sha256", decided.sha256).add("dropped", decided.dropped).add("relabelled", decided.relabelled);
  return json.add("decisions", decisions);
}

}  // namespace fovea
