// What the strip below an overlay says.
#pragma once

#include <span>

#include "fovea/explain.hpp"
#include "fovea/prediction.hpp"
#include "image/overlay/overlay.hpp"
#include "report/record.hpp"

namespace fovea {

/// The class that the map is about, or the model's best.
/// @param probabilities  [C]; empty where the outputs are values
/// @param unknown        the picture is of none of the classes, by the model's own rule
[[nodiscard]] OverlayCaption map_caption(const ExplainMethod& method, const MapRecord& map,
                                         std::span<const Prediction> predictions, std::span<const float> probabilities,
                                         bool unknown = false);
/// The caption of the picture itself, beside its maps.
[[nodiscard]] OverlayCaption picture_caption(std::span<const Prediction> predictions, bool unknown = false);

}  // namespace fovea
