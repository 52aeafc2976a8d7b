// What another precision of a model costs, on pictures with or without labels.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "fovea/model.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/folder/scheduler.hpp"
#include "report/eval/eval_report.hpp"

namespace fovea {

/// Runs both models over the pictures. Where the folders below `folder` are classes of the model, the comparison says
/// which answers are right; else it says which are the same, and why there are no labels.
/// @param folder   that the inputs were found in
/// @param give_up  as Engine::run()
/// @throws Error   kDecode where no picture can be read.
[[nodiscard]] EvalReport price_of(const std::shared_ptr<const VisionTransformer>& exact,
                                  const std::shared_ptr<const VisionTransformer>& rounded, const std::string& folder,
                                  std::span<const Input> inputs, const Schedule& schedule, const GiveUp& give_up);

}  // namespace fovea
