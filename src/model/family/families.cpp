// The list of families. A new family is a table in one of the files below (or in a new file), and an entry in that
// file's list. The order within a list matters if one family's names are a subset of another's.
#include "model/family/family.hpp"

namespace fovea {

std::span<const Family> families() {
  static const std::vector<Family> kFamilies = [] {
    std::vector<Family> all;
    for (const auto& origin : {original_families, timm_families, torchvision_families, transformers_families}) {
      for (Family& family : origin()) all.push_back(std::move(family));
    }
    return all;
  }();
  return kFamilies;
}

}  // namespace fovea
