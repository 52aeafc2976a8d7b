#include "model/family/family.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <utility>

#include "fovea/error.hpp"
#include "model/quantize/quantized_file.hpp"

namespace fovea {
namespace {

void replace_mark(std::string& text, std::string_view mark, std::string_view by) {
  if (const std::size_t at = text.find(mark); at != std::string::npos) text.replace(at, mark.size(), by);
}

std::size_t resolve(Dim dim, const Architecture& a) {
  const PatchGrid grid = a.pos_embed_grid.size() > 0 ? a.pos_embed_grid : a.grid();
  switch (dim) {
    case Dim::kOne: return 1;
    case Dim::kRgb: return 3;
    case Dim::kPatch: return a.patch_size;
    case Dim::kPatchValues: return a.patch_dim();
    case Dim::kRegisters: return a.num_register_tokens;
    case Dim::kPosTokens: return a.pos_embed_prefix + grid.size();
    case Dim::kEmbed: return a.embed_dim;
    case Dim::kTwoEmbed: return 2 * a.embed_dim;
    case Dim::kThreeEmbed: return 3 * a.embed_dim;
    case Dim::kHeads: return a.num_heads;
    case Dim::kHeadDim: return a.head_dim();
    case Dim::kQuarterHeadDim: return a.head_dim() / 4;
    case Dim::kRelativePositions: return (2 * grid.rows - 1) * (2 * grid.cols - 1) + 3;
    case Dim::kFc1Width: return a.fc1_dim();
    case Dim::kMlpHidden: return a.mlp_hidden_dim;
    case Dim::kPoolHidden: return a.pool_hidden_dim;
    case Dim::kPooled: return a.pooled_dim();
    case Dim::kProjectionWidth: return a.projection_dim;
    case Dim::kClasses: return a.num_classes;
  }
  return 0;
}

std::vector<std::size_t> resolve(const std::vector<Dim>& shape, const Architecture& architecture) {
  std::vector<std::size_t> sizes;
  sizes.reserve(shape.size());
  for (const Dim dim : shape) sizes.push_back(resolve(dim, architecture));
  return sizes;
}

/// A scalar may be stored as [] or as [1].
bool same_shape(std::span<const std::size_t> stored, std::span<const std::size_t> expected) {
  if (expected.empty()) return stored.empty() || (stored.size() == 1 && stored[0] == 1);
  return std::equal(stored.begin(), stored.end(), expected.begin(), expected.end());
}

/// Reads sizes from the tensors.
class SizeReader {
 public:
  SizeReader(const Naming& naming, const Checkpoint& checkpoint, std::string_view file)
      : naming_(naming), checkpoint_(checkpoint), file_(file) {}

  /// The size along the axis on which the rule of `role` has `dim`; 0 if the model has no such tensor, or axis.
  [[nodiscard]] std::size_t size(Role role, Dim dim) const {
    const TensorRule* rule = naming_.rule(role, Part::kWeight);
    if (rule == nullptr) return 0;
    const auto axis = std::find(rule->shape.begin(), rule->shape.end(), dim) - rule->shape.begin();
    if (static_cast<std::size_t>(axis) == rule->shape.size()) return 0;
    const std::string name = naming_.tensor_name(*rule);
    const TensorView* tensor = checkpoint_.find(name);
    if (tensor == nullptr) {
      throw Error(
          ErrorCode::kCheckpoint,
          fmt::format("{}: tensor '{}' is missing, expected in a checkpoint of {}", file_, name, naming_.family().name),
          "`fovea inspect -v` lists a checkpoint's tensors");
    }
    if (tensor->shape.size() != rule->shape.size()) {
      throw Error(ErrorCode::kCheckpoint,
                  fmt::format("{}: tensor '{}' is {}, expected {} sizes", file_, name, shape_text(tensor->shape),
                              rule->shape.size()),
                  "the file may hold another kind of model");
    }
    return tensor->shape[static_cast<std::size_t>(axis)];
  }

  [[nodiscard]] std::size_t blocks() const {
    const TensorRule* rule = naming_.rule(Role::kNorm1, Part::kWeight);
    assert(rule != nullptr);
    std::size_t count = 0;
    while (checkpoint_.find(naming_.tensor_name(*rule, count)) != nullptr) ++count;
    return count;
  }

 private:
  const Naming& naming_;
  const Checkpoint& checkpoint_;
  std::string_view file_;
};

/// A side of a patch, from a convolution or from a linear layer over a patch's values.
std::size_t infer_patch_size(const SizeReader& reader) {
  const double area = static_cast<double>(reader.size(Role::kPatchEmbed, Dim::kPatchValues)) / 3.0;
  return area > 0 ? static_cast<std::size_t>(std::lround(std::sqrt(area)))
                  : reader.size(Role::kPatchEmbed, Dim::kPatch);
}

/// The number of heads, if a tensor has an axis for them (Google, BEiT), or is as wide as one of them or as a part of
/// one; else 0.
std::size_t infer_heads(const SizeReader& reader, std::size_t embed_dim) {
  for (const Role role : {Role::kQuery, Role::kRelativePosition}) {
    if (const std::size_t heads = reader.size(role, Dim::kHeads)) return heads;
  }
  const std::size_t head_dim =
      std::max(reader.size(Role::kQNorm, Dim::kHeadDim), 4 * reader.size(Role::kRopePeriods, Dim::kQuarterHeadDim));
  return head_dim > 0 ? embed_dim / head_dim : 0;
}

/// The read-out, as far as the tensors reveal it.
ReadOut infer_read_out(const Naming& naming, const Architecture& a) {
  if (naming.rule(Role::kHeadDist, Part::kWeight) != nullptr) return ReadOut::kClassAndDistToken;
  if (naming.rule(Role::kPoolLatent, Part::kWeight) != nullptr) return ReadOut::kAttentionPool;
  const Conventions& conventions = naming.family().conventions;
  const ReadOut usual = a.num_classes > 0 ? conventions.read_out_with_head : conventions.read_out;
  const bool needs_class_token = usual != ReadOut::kPatchMean;
  const bool has_class_token = naming.rule(Role::kClassToken, Part::kWeight) != nullptr;
  return a.fc_norm || (needs_class_token && !has_class_token) ? ReadOut::kPatchMean : usual;
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
    if (is_scale(tensor, checkpoint)) continue;
    const bool begins = std::any_of(beginnings.begin(), beginnings.end(),
                                    [&](const std::string& beginning) { return tensor.name.starts_with(beginning); });
    if (begins || taken.contains(tensor.name)) continue;
    faults.push_back(fmt::format("tensor '{}' {} is unexpected: {} does not use it", tensor.name,
                                 shape_text(tensor.shape), naming.family().name));
  }
}

}  // namespace

std::string spelled_out(std::string name, std::string_view prefix, std::size_t block) {
  replace_mark(name, "@", prefix);
  replace_mark(name, "{}", std::to_string(block));
  return name;
}

Naming::Naming(const Family& family, std::string prefix, const Checkpoint& checkpoint)
    : family_(&family), prefix_(std::move(prefix)) {
  for (const TensorRule& rule : family_->rules) {
    // The first block decides for all. If an option's tensors are in one block only, the error names the others.
    if (rule.options.empty() || checkpoint.find(tensor_name(rule)) == nullptr) continue;
    options_.insert(rule.options.begin(), rule.options.end());
  }
}

const TensorRule* Naming::rule(Role role, Part part) const {
  const auto& rules = family_->rules;
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const TensorRule& rule) {
    return rule.role == role && rule.part == part && in_use(rule);
  });
  return found == rules.end() ? nullptr : &*found;
}

std::string Naming::tensor_name(const TensorRule& rule, std::size_t block) const {
  return spelled_out(rule.name, prefix_, block);
}

bool Naming::in_use(const TensorRule& rule) const {
  return std::includes(options_.begin(), options_.end(), rule.options.begin(), rule.options.end());
}

Architecture infer_architecture(const Naming& naming, const Checkpoint& checkpoint, Architecture known,
                                std::string_view file) {
  const SizeReader reader(naming, checkpoint, file);
  const Family& family = naming.family();
  Architecture& a = known;
  a.family = family.name;
  a.norm_eps = family.conventions.norm_eps;
  a.activation = family.conventions.activation;
  a.embed_dim = reader.size(Role::kPatchEmbed, Dim::kEmbed);
  a.patch_size = infer_patch_size(reader);
  a.depth = reader.blocks();
  a.num_heads = infer_heads(reader, a.embed_dim);
  a.mlp_hidden_dim = reader.size(Role::kFc2, Dim::kMlpHidden);
  a.num_classes = reader.size(Role::kHead, Dim::kClasses);
  a.num_register_tokens = reader.size(Role::kRegisterTokens, Dim::kRegisters);
  const auto has = [&](Role role) { return naming.rule(role, Part::kWeight) != nullptr; };
  a.num_prefix_tokens = (has(Role::kClassToken) ? 1U : 0U) + (has(Role::kDistToken) ? 1U : 0U) + a.num_register_tokens;

  a.rms_norm = !naming.has(Option::kNormBias);
  a.norm_pre = has(Role::kNormPre);
  a.qk_norm = has(Role::kQNorm);
  a.mlp_norm = has(Role::kMlpNorm);
  a.relative_position_bias = has(Role::kRelativePosition);
  a.final_norm = has(Role::kNorm);
  a.fc_norm = has(Role::kFcNorm);
  a.pos_embed = has(Role::kPosEmbed);
  // The gate is a tensor of its own, or the first layer is twice as wide as the second layer's input.
  const std::size_t fc1 = reader.size(Role::kFc1, has(Role::kFc1Gate) ? Dim::kMlpHidden : Dim::kFc1Width);
  a.gated_mlp = has(Role::kFc1Gate) || (a.mlp_hidden_dim > 0 && fc1 == 2 * a.mlp_hidden_dim);
  a.pool_hidden_dim = reader.size(Role::kPoolFc1, Dim::kPoolHidden);
  a.projection_dim = reader.size(Role::kProjection, Dim::kProjectionWidth);
  a.read_out = infer_read_out(naming, a);
  if (a.read_out == ReadOut::kClassAndPatchMean && a.embed_dim > 0) {
    // DINOv2's heads read the class tokens of the last one or four blocks.
    const std::size_t widths = reader.size(Role::kHead, Dim::kPooled) / a.embed_dim;
    a.read_out_blocks = std::max<std::size_t>(widths, 2) - 1;
  }
  a.pos_embed_resampling = family.conventions.pos_embed_resampling;
  const bool dinov2 = a.family.find("DINOv2") != std::string::npos;
  if (dinov2 && a.num_register_tokens > 0) a.pos_embed_resampling = PosEmbedResampling::kAntialiased;
  return known;
}

std::size_t out_features(const Naming& naming, const TensorRule& rule, std::span<const std::size_t> shape) {
  if (rule.layout == Layout::kOutIn) return shape.front();
  const TensorRule* bias = naming.rule(rule.role, Part::kBias);
  const std::size_t out_axes = bias == nullptr ? 1 : bias->shape.size();
  std::size_t out = 1;
  for (const std::size_t size : shape.last(out_axes)) out *= size;
  return out;
}

std::size_t count_positions(const Naming& naming, const Checkpoint& checkpoint, Role role) {
  const TensorRule* rule = naming.rule(role, Part::kWeight);
  const TensorView* tensor = rule == nullptr ? nullptr : checkpoint.find(naming.tensor_name(*rule));
  return tensor == nullptr || tensor->shape.size() != rule->shape.size() ? 0 : tensor->shape[tensor->shape.size() - 2];
}

void check_tensors(const Naming& naming, const Checkpoint& checkpoint, const Architecture& architecture,
                   std::string_view file) {
  std::vector<std::string> faults;
  for (const TensorRule& rule : naming.family().rules) {
    if (rule.role == Role::kIgnored || !naming.in_use(rule)) continue;
    const std::vector<std::size_t> expected = resolve(rule.shape, architecture);
    for (std::size_t block = 0; block < (rule.per_block() ? architecture.depth : 1); ++block) {
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
