#include "pipeline/maps/captions.hpp"

#include <limits>
#include <optional>
#include <string>

#include "report/record.hpp"

namespace fovea {
namespace {

constexpr double kNoProbability = std::numeric_limits<double>::quiet_NaN();  // nothing is drawn

void name_best(std::span<const Prediction> predictions, bool unknown, OverlayCaption& caption) {
  if (unknown) caption.label = "unknown";
  if (predictions.empty()) return;
  const Prediction& best = predictions.front();
  const std::string name = class_name(best.label, best.class_index);
  caption.label = unknown ? "unknown (nearest: " + name + ")" : name;
  caption.probability = best.value ? kNoProbability : static_cast<double>(best.probability);
}

}  // namespace

OverlayCaption map_caption(const ExplainMethod& method, const MapRecord& map, std::span<const Prediction> predictions,
                           std::span<const float> probabilities, bool unknown) {
  OverlayCaption caption;
  caption.method = method.title;
  caption.variant = map.constant ? "constant: it says nothing" : map.variant;
  if (map.sum) caption.variant += "; " + sum_text(*map.sum);
  if (!map.target) {
    caption.variant += "; the same for every class";
    name_best(predictions, unknown, caption);
    return caption;
  }
  if (unknown) caption.variant += "; the picture is of none of the classes";
  caption.label = class_name(map.target->label, map.target->class_index);
  caption.probability =
      probabilities.empty() ? kNoProbability : static_cast<double>(probabilities[map.target->class_index]);
  if (const auto& against = map.target->against) {
    caption.label += " rather than " + class_name(against->label, against->class_index);
  }
  return caption;
}

OverlayCaption picture_caption(std::span<const Prediction> predictions, bool unknown) {
  OverlayCaption caption;
  caption.method = "the picture";
  name_best(predictions, unknown, caption);
  return caption;
}

}  // namespace fovea
