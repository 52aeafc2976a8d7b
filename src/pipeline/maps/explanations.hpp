// Maps of pictures: a plan and targets in, one forward pass, whatever each method needs on top, heatmaps out.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "fovea/explain.hpp"
#include "fovea/faithfulness.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "pipeline/maps/targets.hpp"

namespace fovea {

struct ExplainedMap {
  const ExplainMethod* method = nullptr;
  std::optional<Target> target;  // none: the same for every class
  Heatmap heatmap;
  std::optional<Faithfulness> faithfulness;
};

/// What hard attention left of an image.
struct LookedAt {
  std::vector<std::size_t> tokens;  // in the first block, then behind each stage
  std::vector<float> kept;          // [T] 1 where a patch went on to the end, 0 where not; averaged over draws
};

struct ExplainedImage {
  ForwardResult result;
  std::vector<ExplainedMap> maps;       // in the order of the methods, and in it of the targets
  std::optional<LookedAt> looked_at;    // with a reduction
  std::optional<float> outlier_tokens;  // with faithfulness: the share of patch tokens that stand out
};

/// The classes of one image that are explained, once its scores are known.
using ChooseTargets = std::function<std::vector<Target>(std::size_t image, const ForwardResult& result)>;

/// The best class of each image.
[[nodiscard]] std::vector<Target> best_class(std::size_t image, const ForwardResult& result);

/// A forward pass of a batch with everything that the plan asks for. What is about classes goes image by image: each is
/// run once, and led back once for each target. Of several draws everything is the mean; targets are chosen by its
/// logits, and what runs the model again, faithfulness too, runs all draws again: the model that is explained and
/// judged is the one whose predictions are reported.
/// @param session  of `model`, for plan.session_batch() images
/// @param patches  [n, T, 3·P·P]
/// @param request  what else is wanted of the forward pass, of several draws the first; whether something is kept for
///                 gradients is the plan's
[[nodiscard]] std::vector<ExplainedImage> explain_images(const VisionTransformer& model, Session& session,
                                                         std::span<const float> patches, const MapPlan& plan,
                                                         const ForwardRequest& request, const ChooseTargets& choose);

/// What the model says of a target in changed images: of several draws, what the mean of their logits says.
/// @param session  of `model`; outlives the function; what it kept for gradients is gone after a call
[[nodiscard]] RunAgain run_again(Session& session, const ModelInfo& model, const MapPlan& plan, const Target& target);

}  // namespace fovea
