// timm's names for plain Vision Transformers (Dosovitskiy et al. 2021, table 1; Touvron et al. 2021, table 1).
#include <fmt/format.h>

#include <array>
#include <string_view>

#include "base/text.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"

namespace fovea {
namespace {

struct Row {
  std::string_view name;
  int image_size;          // px
  std::size_t patch_size;  // px
  std::size_t embed_dim;
  std::size_t depth;
  std::size_t num_heads;
};

constexpr std::array kRows{
    Row{"vit_tiny_patch16_224", 224, 16, 192, 12, 3},    Row{"vit_tiny_patch16_384", 384, 16, 192, 12, 3},
    Row{"vit_small_patch32_224", 224, 32, 384, 12, 6},   Row{"vit_small_patch32_384", 384, 32, 384, 12, 6},
    Row{"vit_small_patch16_224", 224, 16, 384, 12, 6},   Row{"vit_small_patch16_384", 384, 16, 384, 12, 6},
    Row{"vit_small_patch8_224", 224, 8, 384, 12, 6},     Row{"vit_base_patch32_224", 224, 32, 768, 12, 12},
    Row{"vit_base_patch32_384", 384, 32, 768, 12, 12},   Row{"vit_base_patch16_224", 224, 16, 768, 12, 12},
    Row{"vit_base_patch16_384", 384, 16, 768, 12, 12},   Row{"vit_base_patch8_224", 224, 8, 768, 12, 12},
    Row{"vit_large_patch32_224", 224, 32, 1024, 24, 16}, Row{"vit_large_patch32_384", 384, 32, 1024, 24, 16},
    Row{"vit_large_patch16_224", 224, 16, 1024, 24, 16}, Row{"vit_large_patch16_384", 384, 16, 1024, 24, 16},
    Row{"vit_huge_patch14_224", 224, 14, 1280, 32, 16},  Row{"deit_tiny_patch16_224", 224, 16, 192, 12, 3},
    Row{"deit_small_patch16_224", 224, 16, 384, 12, 6},  Row{"deit_base_patch16_224", 224, 16, 768, 12, 12},
    Row{"deit_base_patch16_384", 384, 16, 768, 12, 12},
};

}  // namespace

std::vector<std::string> timm_architecture_names() {
  std::vector<std::string> names;
  names.reserve(kRows.size());
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

Architecture timm_architecture(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    Architecture architecture;
    architecture.name = row.name;
    architecture.image_size = {row.image_size, row.image_size};
    architecture.patch_size = row.patch_size;
    architecture.embed_dim = row.embed_dim;
    architecture.depth = row.depth;
    architecture.num_heads = row.num_heads;
    architecture.mlp_hidden_dim = 4 * row.embed_dim;
    architecture.num_classes = 1000;
    return architecture;
  }
  throw Error(ErrorCode::kUsage, fmt::format("architecture '{}' is unknown", name),
              did_you_mean(name, timm_architecture_names()));
}

}  // namespace fovea
