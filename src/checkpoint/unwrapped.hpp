// Names of tensors without what wrappers have put into them: torch.compile, data parallelism, a training module around
// the model, open_clip around a model of timm's, a container around the head.
#pragma once

#include <memory>
#include <string>
#include <vector>

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

/// The image tower of open_clip's that timm builds: what lies under "visual.trunk.", with its projection, "head.proj.",
/// logit_scale and logit_bias. Without such a tower the checkpoint as it is.
[[nodiscard]] std::unique_ptr<Checkpoint> image_tower(std::unique_ptr<Checkpoint> checkpoint);

/// The linear layers of a classification head that stand in a container, or in its place: "head.1", "heads",
/// "classifier.1", "fc.0.2".
[[nodiscard]] std::vector<std::string> contained_heads(const Checkpoint& checkpoint);
/// The same checkpoint with the only one of these under the name that its library gives it.
[[nodiscard]] std::unique_ptr<Checkpoint> with_plain_head(std::unique_ptr<Checkpoint> checkpoint);

}  // namespace fovea
