// Naming schemes: what each tensor of a checkpoint means and how large it must be. One table for each family.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/architecture.hpp"

namespace fovea {

/// What a tensor is for, whatever a family calls it. In the order of the data's way.
enum class Role {
  kIgnored,  // in the file, but not computed with by the family's own code either
  kClassToken,
  kDistToken,
  kRegisterTokens,
  kPosEmbed,
  kPatchEmbed,
  kNormPre,
  kNorm1,
  kQkv,  // the three below in one
  kQuery,
  kKey,
  kValue,
  kQNorm,
  kKNorm,
  kRelativePosition,  // BEiT's table
  kProj,
  kLayerScale1,
  kNorm2,
  kFc1,
  kFc1Gate,  // what goes through silu, where it is not the first half of kFc1
  kMlpNorm,
  kFc2,
  kLayerScale2,
  kNorm,
  kPoolLatent,
  kPoolQuery,
  kPoolKeyValue,
  kPoolQkv,  // the two above in one
  kPoolProj,
  kPoolNorm,
  kPoolFc1,
  kPoolFc2,
  kFcNorm,
  kHead,
  kHeadDist,
  kProjection,
  kLogitScale,
  kLogitBias,
};

enum class Part { kWeight, kBias };

/// A size by its meaning; resolved against an Architecture.
enum class Dim {
  kOne,
  kRgb,
  kPatch,
  kRegisters,
  kPosTokens,  // patches of the grid that the position embedding was learned for, and its prefix tokens
  kEmbed,
  kTwoEmbed,
  kThreeEmbed,
  kHeads,
  kHeadDim,
  kRelativePositions,  // (2 rows - 1)(2 cols - 1) + 3
  kFc1Width,
  kMlpHidden,
  kPoolHidden,
  kPooled,
  kProjectionWidth,
  kClasses,
};

/// What models of one family may or may not have. A tensor belongs to some of these; if the file holds one tensor of an
/// option, it must hold them all, in every block.
enum class Option {
  kClassToken,
  kDistilled,
  kRegisters,
  kPosEmbed,
  kPatchBias,
  kNormPre,
  kNormBias,  // layer norm, not RMSNorm
  kQkvBias,
  kQkNorm,
  kLayerScale,
  kGamma,  // layer scale by its older name
  kMlpNorm,
  kNorm,
  kAttentionPool,
  kFcNorm,
  kHead,
  kProjection,
  kLogitScale,
  kLogitBias,
};

/// How a stored tensor becomes row-major [out, in].
enum class Layout {
  kOutIn,  // it is
  kInOut,  // Flax: the axes before the outputs are the inputs
  kHwio,   // Flax convolution [P, P, 3, D]
};

/// One line of a family's table.
struct TensorRule {
  std::string name;  // "{}" stands for the block's index, "@" for the family's prefix, "*" at the end for anything
  Role role;
  Part part;
  std::vector<Dim> shape;
  std::set<Option> options;
  Layout layout = Layout::kOutIn;
  [[nodiscard]] bool per_block() const { return name.find("{}") != std::string::npos; }
};

/// What the family's own code does unless tensors or a config say otherwise.
struct Conventions {
  float norm_eps = 1e-6F;
  Activation activation = Activation::kGelu;
  PosEmbedResampling pos_embed_resampling = PosEmbedResampling::kTimm;
  std::string_view preprocess = "timm";  // the pipeline where no file says which
  ReadOut read_out = ReadOut::kClassToken;
  ReadOut read_out_with_head = ReadOut::kClassToken;
};

struct Family {
  std::string_view name;
  std::vector<std::string> prefixes;  // what "@" may be, asked in this order
  std::vector<std::string> has;       // recognised by these tensors ...
  std::vector<std::string> has_not;   // ... and by the absence of these
  Conventions conventions;
  std::vector<TensorRule> rules;
  bool only_without_config = false;  // with one, the same names mean another family
};

[[nodiscard]] std::vector<Family> timm_families();
[[nodiscard]] std::vector<Family> original_families();
[[nodiscard]] std::vector<Family> torchvision_families();
[[nodiscard]] std::vector<Family> transformers_families();
/// All of these, asked in this order.
[[nodiscard]] std::span<const Family> families();

/// A family with the prefix that its names have in one checkpoint, and what of its options that checkpoint has.
class Naming {
 public:
  Naming(const Family& family, std::string prefix, const Checkpoint& checkpoint);

  [[nodiscard]] const Family& family() const noexcept { return *family_; }
  [[nodiscard]] bool has(Option option) const { return options_.contains(option); }
  /// The options' tensors are expected from now on.
  void expect(Option option) { options_.insert(option); }
  /// The rule that is in use for a role; nullptr if this model has none.
  [[nodiscard]] const TensorRule* rule(Role role, Part part) const;
  /// The tensor's name in the file.
  [[nodiscard]] std::string tensor_name(const TensorRule& rule, std::size_t block = 0) const;
  /// Whether the tensors of this rule must be there.
  [[nodiscard]] bool in_use(const TensorRule& rule) const;

 private:
  const Family* family_;
  std::string prefix_;
  std::set<Option> options_;
};

/// The family that knows the checkpoint's names.
[[nodiscard]] std::optional<Naming> recognise_family(const Checkpoint& checkpoint, bool has_config);

/// What the tensors themselves tell: sizes, and which parts there are. Heads are 0 where they do not tell them; what
/// they never tell (image size, eps of a config) is left as it is in `known`.
/// @param file     for messages.
/// @throws Error   kCheckpoint if a tensor that tells a size is missing or has another rank.
[[nodiscard]] Architecture infer_architecture(const Naming& naming, const Checkpoint& checkpoint, Architecture known,
                                              std::string_view file);

/// The outputs of a weight of this shape, by the rule's layout. Of Flax's they are those axes, the last ones, that the
/// bias has too; without a bias, the last one.
[[nodiscard]] std::size_t out_features(const Naming& naming, const TensorRule& rule,
                                       std::span<const std::size_t> shape);

/// The number of position embeddings in the file; 0 if it has none.
[[nodiscard]] std::size_t count_pos_embeddings(const Naming& naming, const Checkpoint& checkpoint);

/// Compares every tensor with the table.
/// @throws Error   kCheckpoint, one that lists all that are missing, of another shape, or left over.
void check_tensors(const Naming& naming, const Checkpoint& checkpoint, const Architecture& architecture,
                   std::string_view file);

}  // namespace fovea
