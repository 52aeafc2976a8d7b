// Names of tensors without what wrappers have put into them: torch.compile, data parallelism, a training module around
// the model.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace fovea {

/// A mark that a wrapper leaves within names, wherever it stands ("_orig_mod."): no model calls anything so. Empty if
/// there is none.
[[nodiscard]] std::string wrapper_mark(const Checkpoint& checkpoint);
/// A prefix of a wrapper that all names share ("model."); empty if there is none.
[[nodiscard]] std::string wrapper_prefix(const Checkpoint& checkpoint);

/// The same checkpoint without it; origin() tells of it.
/// @throws Error  kCheckpoint if two tensors then have one name.
[[nodiscard]] std::unique_ptr<Checkpoint> without_wrapper(std::unique_ptr<Checkpoint> checkpoint,
                                                          const std::string& wrapper);

}  // namespace fovea
