// The list of families, and which of them a checkpoint is of. A new family is a table in one of the files below (or in
// a new file), and an entry in that file's list. The order within a list matters if one family's names are a subset of
// another's.
#include <algorithm>
#include <utility>

#include "model/family/family.hpp"
#include "model/family/rules.hpp"

namespace fovea {
namespace {

/// `fovea learn` gives a head to models whose own code has none, such as the towers of CLIP.
void allow_learned_head(Family& family) {
  using namespace family_rules;  // NOLINT(google-build-using-namespace): the words that tables are written in
  const auto is_head = [](const TensorRule& rule) { return rule.role == kHead; };
  if (std::any_of(family.rules.begin(), family.rules.end(), is_head)) return;
  family.rules = join({family.rules, linear("fovea.head", kHead, kClasses, kPooled, {Option::kHead})});
}

}  // namespace

std::span<const Family> families() {
  static const std::vector<Family> kFamilies = [] {
    std::vector<Family> all;
    for (const auto& origin : {original_families, timm_families, torchvision_families, transformers_families,
                               transformers_dinov3_families, transformers_tower_families}) {
      for (Family& family : origin()) {
        allow_learned_head(family);
        all.push_back(std::move(family));
      }
    }
    return all;
  }();
  return kFamilies;
}

std::optional<Naming> recognise_family(const Checkpoint& checkpoint, bool has_config) {
  for (const Family& family : families()) {
    if (has_config ? family.only_without_config : family.only_with_config) continue;
    for (const std::string& prefix : family.prefixes) {
      const auto present = [&](const std::string& name) {
        return checkpoint.find(spelled_out(name, prefix, 0)) != nullptr;
      };
      const auto is_matrix = [&](const std::string& name) {
        const TensorView* tensor = checkpoint.find(spelled_out(name, prefix, 0));
        return tensor != nullptr && tensor->shape.size() == 2;
      };
      if (std::all_of(family.has.begin(), family.has.end(), present) &&
          std::none_of(family.has_not.begin(), family.has_not.end(), present) &&
          (family.matrix.empty() || is_matrix(family.matrix))) {
        return Naming(family, prefix, checkpoint);
      }
    }
  }
  return std::nullopt;
}

}  // namespace fovea
