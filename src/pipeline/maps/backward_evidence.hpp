// What methods see of a backward pass.
#pragma once

#include "fovea/session.hpp"
#include "pipeline/maps/explainers.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "pipeline/maps/targets.hpp"

namespace fovea {

/// One backward pass of each kind for all methods that need one.
/// @param session  after a forward pass that was kept for gradients
void run_backward(Session& session, const MapPlan& plan, const Target& target, const Explainers& explainers);

}  // namespace fovea
