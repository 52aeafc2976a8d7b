// Every tensor of a checkpoint against its family's table.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "fovea/error.hpp"
#include "model/family/family.hpp"
#include "model/learned/learned_file.hpp"
#include "model/quantize/quantized_file.hpp"

namespace fovea {
namespace {

std::vector<std::size_t> resolve(const std::vector<Dim>& shape, const Architecture& architecture, std::size_t block) {
  std::vector<std::size_t> sizes;
  sizes.reserve(shape.size());
  for (const Dim dim : shape) sizes.push_back(resolve(dim, architecture, block));
  return sizes;
}

/// A scalar may be stored as [] or as [1].
bool same_shape(std::span<const std::size_t> stored, std::span<const std::size_t> expected) {
  if (expected.empty()) return stored.empty() || (stored.size() == 1 && stored[0] == 1);
  return std::equal(stored.begin(), stored.end(), expected.begin(), expected.end());
}

/// Whether the tensor holds the scales of an integer weight.
bool is_scale(const TensorView& tensor, const Checkpoint& checkpoint) {
  if (!tensor.name.ends_with(kScaleSuffix)) return false;
  const TensorView* of =
      checkpoint.find(std::string_view(tensor.name).substr(0, tensor.name.size() - kScaleSuffix.size()));
  return of != nullptr && of->dtype == DType::kI8;
}

/// The weight of a block's linear layer may be integers with a scale for each output.
void check_scale(const Naming& naming, const Checkpoint& checkpoint, const TensorRule& rule, const TensorView& tensor,
                 std::vector<std::string>& faults) {
  using enum Role;
  constexpr std::array kLayers{kQkv, kQuery, kKey, kValue, kProj, kFc1, kFc1Gate, kFc2};
  if (tensor.dtype != DType::kI8) return;
  if (rule.part != Part::kWeight || std::find(kLayers.begin(), kLayers.end(), rule.role) == kLayers.end()) {
    faults.push_back(fmt::format("tensor '{}' is I8, expected floating point (F64 F32 F16 BF16)", tensor.name));
    return;
  }
  const std::vector<std::size_t> expected{out_features(naming, rule, tensor.shape)};
  const std::string name = tensor.name + std::string(kScaleSuffix);
  const TensorView* scale = checkpoint.find(name);
  if (scale == nullptr) {
    faults.push_back(fmt::format("tensor '{}' is I8 and its scales, '{}', are missing, expected F32 {}", tensor.name,
                                 name, shape_text(expected)));
  } else if (scale->dtype != DType::kF32 || scale->shape != expected) {
    faults.push_back(fmt::format("tensor '{}' is {} {}, expected F32 {}", name, fovea::name(scale->dtype),
                                 shape_text(scale->shape), shape_text(expected)));
  }
}

/// Finds tensors that no rule matches. A rule that ends in "*" matches all names that begin like it.
void find_left_over(const Naming& naming, const Checkpoint& checkpoint, std::size_t depth,
                    std::vector<std::string>& faults) {
  std::set<std::string, std::less<>> taken;
  std::vector<std::string> beginnings;
  for (const TensorRule& rule : naming.family().rules) {
    if (!naming.in_use(rule)) continue;
    for (std::size_t block = 0; block < (rule.per_block() ? depth : 1); ++block) {
      std::string name = naming.tensor_name(rule, block);
      if (name.back() == '*') {
        name.pop_back();
        beginnings.push_back(std::move(name));
      } else {
        taken.insert(std::move(name));
      }
    }
  }
  for (const TensorView& tensor : checkpoint.tensors()) {
    if (is_scale(tensor, checkpoint) || tensor.name.starts_with(kUnknownTensors)) continue;
    const bool begins = std::any_of(beginnings.begin(), beginnings.end(),
                                    [&](const std::string& beginning) { return tensor.name.starts_with(beginning); });
    if (begins || taken.contains(tensor.name)) continue;
    faults.push_back(fmt::format("tensor '{}' {} is unexpected: {} does not use it", tensor.name,
                                 shape_text(tensor.shape), naming.family().name));
  }
}

}  // namespace

std::size_t resolve(Dim dim, const Architecture& a, std::size_t block) {
  const PatchGrid grid = a.trained_grid();
  switch (dim) {
    case Dim::kOne: return 1;
    case Dim::kTwo: return 2;
    case Dim::kRgb: return 3;
    case Dim::kPatch: return a.patch_size;
    case Dim::kPatchValues: return a.patch_dim();
    case Dim::kRegisters: return a.num_register_tokens;
    case Dim::kPosTokens: return a.pos_embed_prefix + grid.size();
    case Dim::kEmbed: return a.embed_dim;
    case Dim::kTwoEmbed: return 2 * a.embed_dim;
    case Dim::kThreeEmbed: return 3 * a.embed_dim;
    case Dim::kKeyValue: return a.kv_dim(block);
    case Dim::kHeads: return a.num_heads;
    case Dim::kHeadDim: return a.head_dim();
    case Dim::kHalfHeadDim: return a.head_dim() / 2;
    case Dim::kQuarterHeadDim: return a.head_dim() / 4;
    case Dim::kDepth: return a.depth;
    case Dim::kRelativePositions: return (2 * grid.rows - 1) * (2 * grid.cols - 1) + 3;
    case Dim::kRelPosHidden: return a.rel_pos_hidden_dim;
    case Dim::kFc1Width: return a.fc1_dim();
    case Dim::kMlpHidden: return a.mlp_hidden_dim;
    case Dim::kMlpAndThreeEmbed: return a.mlp_hidden_dim + 3 * a.embed_dim;
    case Dim::kEmbedAndMlp: return a.embed_dim + a.mlp_hidden_dim;
    case Dim::kPoolHidden: return a.pool_hidden_dim;
    case Dim::kPooled: return a.pooled_dim();
    case Dim::kProjectionWidth: return a.projection_dim;
    case Dim::kClasses: return a.num_classes;
  }
  return 0;
}

void check_tensors(const Naming& naming, const Checkpoint& checkpoint, const Architecture& architecture,
                   std::string_view file) {
  std::vector<std::string> faults;
  for (const TensorRule& rule : naming.family().rules) {
    if (rule.role == Role::kIgnored || !naming.in_use(rule)) continue;
    if (rule.slice && rule.slice->after) continue;  // the part before it speaks for the tensor
    for (std::size_t block = 0; block < (rule.per_block() ? architecture.depth : 1); ++block) {
      const std::vector<std::size_t> expected = resolve(rule.shape, architecture, block);
      const std::string name = naming.tensor_name(rule, block);
      const TensorView* tensor = checkpoint.find(name);
      if (tensor == nullptr) {
        faults.push_back(fmt::format("tensor '{}' is missing, expected {}", name, shape_text(expected)));
      } else if (!same_shape(tensor->shape, expected)) {
        faults.push_back(
            fmt::format("tensor '{}' is {}, expected {}", name, shape_text(tensor->shape), shape_text(expected)));
      } else {
        check_scale(naming, checkpoint, rule, *tensor, faults);
      }
    }
  }
  find_left_over(naming, checkpoint, architecture.depth, faults);
  if (faults.empty()) return;
  constexpr std::size_t kMostShown = 40;
  const std::size_t more = faults.size() > kMostShown ? faults.size() - kMostShown : 0;
  faults.resize(faults.size() - more);
  throw Error(
      ErrorCode::kCheckpoint,
      fmt::format("{}: {}{}", file, fmt::join(faults, "\n  "), more > 0 ? fmt::format("\n  and {} more", more) : ""),
      "the config.json may belong to another model, or the family is not supported; "
      "`fovea inspect -v` lists a checkpoint's tensors");
}

}  // namespace fovea
