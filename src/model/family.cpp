#include "model/family.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <set>

#include "fovea/error.hpp"

namespace fovea {
namespace {

std::string in_block(std::string_view name, std::size_t block) {
  std::string result(name);
  if (const std::size_t at = result.find("{}"); at != std::string::npos) result.replace(at, 2, std::to_string(block));
  return result;
}

const TensorRule& rule_of(const Family& family, Role role) {
  const auto found =
      std::find_if(family.rules.begin(), family.rules.end(), [&](const TensorRule& rule) { return rule.role == role; });
  assert(found != family.rules.end());
  return *found;
}

std::size_t resolve(Dim dim, const Architecture& architecture) {
  switch (dim) {
    case Dim::kOne: return 1;
    case Dim::kRgb: return 3;
    case Dim::kPatch: return architecture.patch_size;
    case Dim::kTokens: return architecture.tokens();
    case Dim::kEmbed: return architecture.embed_dim;
    case Dim::kThreeEmbed: return 3 * architecture.embed_dim;
    case Dim::kMlpHidden: return architecture.mlp_hidden_dim;
    case Dim::kClasses: return architecture.num_classes;
  }
  return 0;
}

std::vector<std::size_t> resolve(const std::vector<Dim>& shape, const Architecture& architecture) {
  std::vector<std::size_t> sizes;
  sizes.reserve(shape.size());
  for (const Dim dim : shape) sizes.push_back(resolve(dim, architecture));
  return sizes;
}

/// The number of blocks: one more than the highest index under the per-block names' common prefix.
std::size_t count_blocks(const Family& family, const Checkpoint& checkpoint) {
  const TensorRule& rule = rule_of(family, Role::kQkvWeight);
  std::size_t count = 0;
  while (checkpoint.find(in_block(rule.name, count)) != nullptr) ++count;
  return count;
}

/// The size along the axis on which the rule of `role` has `dim`.
std::size_t size_of(const Family& family, const Checkpoint& checkpoint, Role role, Dim dim, std::string_view file) {
  const TensorRule& rule = rule_of(family, role);
  const std::string name = in_block(rule.name, 0);
  const TensorView* tensor = checkpoint.find(name);
  if (tensor == nullptr) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: tensor '{}' is missing, expected in a checkpoint of {}", file, name, family.name),
                "`fovea inspect -v` lists a checkpoint's tensors");
  }
  if (tensor->shape.size() != rule.shape.size()) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: tensor '{}' is {}, expected {} sizes", file, name, shape_text(tensor->shape),
                            rule.shape.size()),
                "the file may hold another kind of model");
  }
  const auto axis = std::find(rule.shape.begin(), rule.shape.end(), dim) - rule.shape.begin();
  return tensor->shape[static_cast<std::size_t>(axis)];
}

}  // namespace

const Family* recognise_family(const Checkpoint& checkpoint) {
  for (const Family& family : families()) {
    if (checkpoint.find(tensor_name(family, Role::kPatchWeight)) != nullptr) return &family;
  }
  return nullptr;
}

std::string tensor_name(const Family& family, Role role, std::size_t block) {
  return in_block(rule_of(family, role).name, block);
}

Architecture infer_architecture(const Family& family, const Checkpoint& checkpoint, Architecture known,
                                std::string_view file) {
  const auto size = [&](Role role, Dim dim) { return size_of(family, checkpoint, role, dim, file); };
  known.family = family.name;
  known.embed_dim = size(Role::kPatchWeight, Dim::kEmbed);
  known.patch_size = size(Role::kPatchWeight, Dim::kPatch);
  known.mlp_hidden_dim = size(Role::kFc1Weight, Dim::kMlpHidden);
  known.num_classes = size(Role::kHeadWeight, Dim::kClasses);
  known.depth = count_blocks(family, checkpoint);
  known.num_prefix_tokens = 1;
  return known;
}

void check_tensors(const Family& family, const Checkpoint& checkpoint, const Architecture& architecture,
                   std::string_view file) {
  std::vector<std::string> faults;
  std::set<std::string, std::less<>> consumed;
  for (const TensorRule& rule : family.rules) {
    const std::vector<std::size_t> expected = resolve(rule.shape, architecture);
    for (std::size_t block = 0; block < (rule.per_block() ? architecture.depth : 1); ++block) {
      const std::string name = in_block(rule.name, block);
      const TensorView* tensor = checkpoint.find(name);
      if (tensor == nullptr) {
        faults.push_back(fmt::format("tensor '{}' is missing, expected {}", name, shape_text(expected)));
      } else if (tensor->shape != expected) {
        faults.push_back(
            fmt::format("tensor '{}' is {}, expected {}", name, shape_text(tensor->shape), shape_text(expected)));
      }
      consumed.insert(name);
    }
  }
  for (const TensorView& tensor : checkpoint.tensors()) {
    if (!consumed.contains(tensor.name)) {
      faults.push_back(fmt::format("tensor '{}' {} is left over: {} has no use for it", tensor.name,
                                   shape_text(tensor.shape), family.name));
    }
  }
  if (faults.empty()) return;
  constexpr std::size_t kMostShown = 40;
  const std::size_t more = faults.size() > kMostShown ? faults.size() - kMostShown : 0;
  faults.resize(faults.size() - more);
  throw Error(
      ErrorCode::kCheckpoint,
      fmt::format("{}: {}{}", file, fmt::join(faults, "\n  "), more > 0 ? fmt::format("\n  and {} more", more) : ""),
      "the file may hold another model than its config.json says, or a family that is not supported; "
      "`fovea inspect -v` lists a checkpoint's tensors");
}

}  // namespace fovea
