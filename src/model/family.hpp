// Naming schemes: what each tensor of a checkpoint means and how large it must be. One table for each family.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/model.hpp"

namespace fovea {

/// What a tensor is for, whatever a family calls it.
enum class Role {
  kClassToken,
  kPosEmbed,
  kPatchWeight,
  kPatchBias,
  kNorm1Weight,
  kNorm1Bias,
  kQkvWeight,
  kQkvBias,
  kProjWeight,
  kProjBias,
  kNorm2Weight,
  kNorm2Bias,
  kFc1Weight,
  kFc1Bias,
  kFc2Weight,
  kFc2Bias,
  kNormWeight,
  kNormBias,
  kHeadWeight,
  kHeadBias,
};

/// A size by its meaning; resolved against an Architecture.
enum class Dim { kOne, kRgb, kPatch, kTokens, kEmbed, kThreeEmbed, kMlpHidden, kClasses };

/// One line of a family's table. "{}" in the name stands for the block's index.
struct TensorRule {
  std::string_view name;
  Role role;
  std::vector<Dim> shape;
  [[nodiscard]] bool per_block() const { return name.find("{}") != std::string_view::npos; }
};

struct Family {
  std::string_view name;
  std::vector<TensorRule> rules;
};

/// All families, asked in this order.
[[nodiscard]] std::span<const Family> families();

/// The family whose tensor of role kPatchWeight the checkpoint has; nullptr if there is none.
[[nodiscard]] const Family* recognise_family(const Checkpoint& checkpoint);

/// The table's name of `role`, in block `block` where it has one.
[[nodiscard]] std::string tensor_name(const Family& family, Role role, std::size_t block = 0);

/// Sizes as the tensors tell them: width, depth, patch size, MLP width, classes and tokens. What tensors cannot tell
/// (heads, image size, eps) is left as it is in `known`.
/// @param file     for messages.
/// @throws Error   kCheckpoint if a tensor that tells a size is missing or has another rank.
[[nodiscard]] Architecture infer_architecture(const Family& family, const Checkpoint& checkpoint, Architecture known,
                                              std::string_view file);

/// Compares every tensor with the table.
/// @throws Error   kCheckpoint, one that lists all that are missing, of another shape, or left over.
void check_tensors(const Family& family, const Checkpoint& checkpoint, const Architecture& architecture,
                   std::string_view file);

}  // namespace fovea
