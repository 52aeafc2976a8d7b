// Names of tensors without what wrappers have put into them: torch.compile, data parallelism, a training module around
// the model.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace fovea {

/// The next thing to take off: a mark that a wrapper leaves within names ("_orig_mod.", wherever it stands), or a
/// prefix that all names share ("model."). Empty if there is none.
[[nodiscard]] std::string wrapper_in_names(const Checkpoint& checkpoint);

/// The same checkpoint without it; origin() tells of it.
/// @throws Error  kCheckpoint if two tensors then have one name.
[[nodiscard]] std::unique_ptr<Checkpoint> without_wrapper(std::unique_ptr<Checkpoint> checkpoint,
                                                          const std::string& wrapper);

}  // namespace fovea
