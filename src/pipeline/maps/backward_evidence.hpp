// What methods see of a backward pass.
#pragma once

#include <span>
#include <vector>

#include "explain/contributions.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/explainers.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "pipeline/maps/targets.hpp"

namespace fovea {

/// One backward pass of each kind for all methods that need one.
/// @param session        after a forward pass that was kept for gradients
/// @param contributions  of this target; null: nobody asks for them
void run_backward(Session& session, const MapPlan& plan, const Target& target, const Explainers& explainers,
                  Contributions* contributions);

/// Where plan.reads_pixels(): one forward pass of each moved image, and one backward pass of it for each target.
/// @param session    what it kept for gradients is replaced
/// @param patches    [T, 3·P·P]
/// @param by_target  as `targets`
void run_moved_images(const VisionTransformer& model, Session& session, std::span<const float> patches,
                      const MapPlan& plan, const std::vector<Target>& targets,
                      const std::vector<Explainers>& by_target);

}  // namespace fovea
