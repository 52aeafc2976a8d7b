// The list of families, and which of them a checkpoint is of. A new family is a table in one of the files below (or in
// a new file), and an entry in that file's list. The order within a list matters if one family's names are a subset of
// another's.
#include <algorithm>

#include "model/family/family.hpp"

namespace fovea {

std::span<const Family> families() {
  static const std::vector<Family> kFamilies = [] {
    std::vector<Family> all;
    for (const auto& origin : {original_families, timm_families, torchvision_families, transformers_families,
                               transformers_dinov3_families, transformers_tower_families}) {
      for (Family& family : origin()) all.push_back(std::move(family));
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
