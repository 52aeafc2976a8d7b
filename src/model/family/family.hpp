// Naming schemes: the meaning and the size of each tensor in a checkpoint. One table for each family.
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

/// The purpose of a tensor, independent of its name in a family. Listed in the order in which the data meets them.
enum class Role {
  kIgnored,  // in the file, but unused by the family's own code too
  kClassToken,
  kDistToken,
  kRegisterTokens,
  kPosEmbed,
  kPatchEmbed,
  kEmbedNorm,
  kNormPre,
  kNorm1,
  kQkv,  // the three below in one
  kQuery,
  kKey,
  kValue,
  kQNorm,
  kKNorm,
  kRopeFrequencies,   // learned, of all blocks
  kRelativePosition,  // BEiT's table
  kRelPosFc1,         // of the MLP that computes relative positions
  kRelPosFc2,
  kLambdaQ1,  // of differential attention
  kLambdaK1,
  kLambdaQ2,
  kLambdaK2,
  kSubNorm,        // of each head's output
  kAttentionNorm,  // of all heads' outputs
  kProj,
  kLayerScale1,
  kNorm2,
  kFc1,
  kFc1Gate,  // the input of silu, if it is not the first half of kFc1
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
  kTwo,
  kRgb,
  kPatch,
  kRegisters,
  kPosTokens,  // patches of the position embedding's grid, and its prefix tokens
  kEmbed,
  kTwoEmbed,
  kThreeEmbed,
  kKeyValue,  // keys, or values, that heads may share; a block's own
  kHeads,
  kHeadDim,
  kHalfHeadDim,
  kDepth,
  kRelPosHidden,
  kRelativePositions,  // (2 rows - 1)(2 cols - 1) + 3
  kFc1Width,
  kMlpHidden,
  kMlpAndThreeEmbed,  // fc1, then qkv
  kEmbedAndMlp,       // what proj reads, then what fc2 reads
  kPoolHidden,
  kPooled,
  kProjectionWidth,
  kClasses,
};

/// What models of a family may or may not have. A tensor can belong to several options. If a file holds one tensor of
/// an option, it must hold them all, in every block.
enum class Option {
  kClassToken,
  kDistilled,
  kRegisters,
  kPosEmbed,
  kPatchBias,
  kEmbedNorm,
  kNormPre,
  kNormBias,  // layer norm, not RMSNorm
  kQkvBias,
  kProjBias,  // of proj, fc1 and fc2
  kFc1Bias,
  kQkNorm,
  kRopeFrequencies,
  kDifferential,
  kAttentionNorm,
  kLayerScale,
  kGamma,     // layer scale by its older name
  kMlpGamma,  // that of the MLP where only the attention may have one
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
  kOutIn,  // stored so already
  kInOut,  // Flax: the axes before the outputs are the inputs
  kHwio,   // Flax convolution [P, P, 3, D]
};

/// Neighbouring rows (axis 0) or columns (1) of a tensor.
struct Slice {
  std::size_t axis;
  std::optional<Dim> after;  // what lies before them; none: they are the first
  Dim size;
};

/// One line of a family's table.
struct TensorRule {
  std::string name;  // "{}" stands for the block's index, "@" for the family's prefix, "*" at the end for anything
  Role role;
  Part part;
  std::vector<Dim> shape;  // of the whole tensor
  std::set<Option> options;
  Layout layout = Layout::kOutIn;
  std::optional<Slice> slice = std::nullopt;  // the role is only this part of the tensor
  [[nodiscard]] bool per_block() const { return name.find("{}") != std::string::npos; }
};

/// The defaults of the family's own code, which tensors or a config may override.
struct Conventions {
  float norm_eps = 1e-6F;
  Activation activation = Activation::kGelu;
  PosEmbedResampling pos_embed_resampling = PosEmbedResampling::kTimm;
  std::string_view preprocess = "timm";  // the pipeline if no file names one
  ReadOut read_out = ReadOut::kClassToken;
  ReadOut read_out_with_head = ReadOut::kClassToken;
  std::optional<Size> evaluation_size = std::nullopt;  // px, where that is not what it was trained with
};

struct Family {
  std::string_view name;
  std::vector<std::string> prefixes;  // possible values of "@", tried in this order
  std::vector<std::string> has;       // recognised by these tensors ...
  std::vector<std::string> has_not;   // ... and by the absence of these
  Conventions conventions;
  std::vector<TensorRule> rules;
  bool only_without_config = false;  // with a config, the same names mean another family
  bool only_with_config = false;     // the tensors leave open what is computed
};

[[nodiscard]] std::vector<Family> timm_families();
[[nodiscard]] std::vector<Family> original_families();
[[nodiscard]] std::vector<Family> torchvision_families();
[[nodiscard]] std::vector<Family> transformers_families();
/// All of these, tried in this order.
[[nodiscard]] std::span<const Family> families();

/// A family, with the prefix of its names and the options in one checkpoint.
class Naming {
 public:
  Naming(const Family& family, std::string prefix, const Checkpoint& checkpoint);

  [[nodiscard]] const Family& family() const noexcept { return *family_; }
  [[nodiscard]] bool has(Option option) const { return options_.contains(option); }
  /// From now on, the tensors of this option are expected.
  void expect(Option option) { options_.insert(option); }
  /// The rule in use for a role; nullptr if this model has none.
  [[nodiscard]] const TensorRule* rule(Role role, Part part) const;
  /// The tensor's name in the file.
  [[nodiscard]] std::string tensor_name(const TensorRule& rule, std::size_t block = 0) const;
  /// Whether the tensors of this rule must exist.
  [[nodiscard]] bool in_use(const TensorRule& rule) const;

 private:
  const Family* family_;
  std::string prefix_;
  std::set<Option> options_;
};

/// The family that the checkpoint's tensor names match.
[[nodiscard]] std::optional<Naming> recognise_family(const Checkpoint& checkpoint, bool has_config);

/// Infers from the tensors which parts there are and their sizes. Heads are 0 if the tensors do not reveal them. Facts
/// that tensors never reveal (image size, a config's eps) stay as they are in `known`.
/// @param file     for messages.
/// @throws Error   kCheckpoint if a tensor that determines a size is missing or has the wrong rank.
[[nodiscard]] Architecture infer_architecture(const Naming& naming, const Checkpoint& checkpoint, Architecture known,
                                              std::string_view file);

/// @param block  matters for kKeyValue alone
[[nodiscard]] std::size_t resolve(Dim dim, const Architecture& architecture, std::size_t block = 0);

/// The number of outputs of a weight of this shape, by the rule's layout. In Flax's layout the outputs are the last
/// axes, as many as the bias has; without a bias, the last one.
[[nodiscard]] std::size_t out_features(const Naming& naming, const TensorRule& rule,
                                       std::span<const std::size_t> shape);

/// The number of position embeddings in the file; 0 if it has none.
[[nodiscard]] std::size_t count_pos_embeddings(const Naming& naming, const Checkpoint& checkpoint);

/// Compares every tensor with the table.
/// @throws Error   kCheckpoint, listing all tensors that are missing, of the wrong shape, or unexpected.
void check_tensors(const Naming& naming, const Checkpoint& checkpoint, const Architecture& architecture,
                   std::string_view file);

}  // namespace fovea
