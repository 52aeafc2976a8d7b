// Maps of pictures: a plan and targets in, heatmaps out. One forward pass, and what each method needs besides.
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
  std::optional<Target> target = {};  // none: the same for every class
  Heatmap heatmap;
  std::optional<ScoreSum> sum = {};
  std::optional<Faithfulness> faithfulness = {};
};

/// The patches that token reduction kept of an image.
struct LookedAt {
  std::vector<std::size_t> tokens;  // in the first block, then after each stage
  std::vector<float> kept;          // [T] 1 for a patch that was kept to the end, else 0; mean over draws
};

/// What a target's score is made of.
struct TargetContributions {
  Target target;
  double score = 0;  // the logit of the target, or the difference of two
  std::vector<BlockContributions> blocks;
};

struct ExplainedImage {
  ForwardResult result;
  std::vector<ExplainedMap> maps;                  // in the order of the methods, and in it of the targets
  std::vector<TargetContributions> contributions;  // in the order of the targets
  std::optional<LookedAt> looked_at;               // with a reduction
  std::optional<float> outlier_tokens;             // with faithfulness: the share of patch tokens that stand out
  std::optional<OutlierTokens> outliers;           // with maps of a model without registers: those that stand out far
};

/// The classes of one image that are explained, once its scores are known.
using ChooseTargets = std::function<std::vector<Target>(std::size_t image, const ForwardResult& result)>;

/// The best class of each image.
[[nodiscard]] std::vector<Target> best_class(std::size_t image, const ForwardResult& result);

/// A forward pass of a batch with everything that the plan asks for. Maps of classes are made image by image: one
/// forward pass, and one backward pass for each target. With several draws all results are means over the draws.
/// Targets are chosen by the mean logits, and methods that run the model again run all draws again, as faithfulness
/// does: the model that is explained and judged is the one whose predictions are reported.
/// @param session  of `model`, for plan.session_batch() images
/// @param patches  [n, T, 3·P·P]
/// @param request  what else is wanted of the forward pass (of the first of several draws); the plan decides whether
///                 something is kept for gradients
[[nodiscard]] std::vector<ExplainedImage> explain_images(const VisionTransformer& model, Session& session,
                                                         std::span<const float> patches, const MapPlan& plan,
                                                         const ForwardRequest& request, const ChooseTargets& choose);

}  // namespace fovea
