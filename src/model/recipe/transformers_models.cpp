// Which image processor transformers pairs with a kind of model.
#include <algorithm>
#include <array>

#include "model/recipe/sources.hpp"

namespace fovea {
namespace {

struct ModelProcessor {
  std::string_view model_type;
  std::string_view processor;
};
// IMAGE_PROCESSOR_MAPPING_NAMES of transformers, for the kinds of model that fovea reads.
constexpr std::array kModels{
    ModelProcessor{"vit", "ViTImageProcessor"},
    ModelProcessor{"vit_mae", "ViTImageProcessor"},
    ModelProcessor{"vit_msn", "ViTImageProcessor"},
    ModelProcessor{"ijepa", "ViTImageProcessor"},
    ModelProcessor{"deit", "DeiTImageProcessor"},
    ModelProcessor{"dinov2", "BitImageProcessor"},
    ModelProcessor{"dinov2_with_registers", "BitImageProcessor"},
    ModelProcessor{"dinov3_vit", "DINOv3ViTImageProcessor"},
    ModelProcessor{"beit", "BeitImageProcessor"},
    ModelProcessor{"data2vec-vision", "BeitImageProcessor"},
    ModelProcessor{"clip", "CLIPImageProcessor"},
    ModelProcessor{"clip_vision_model", "CLIPImageProcessor"},
    ModelProcessor{"metaclip_2", "CLIPImageProcessor"},
    ModelProcessor{"metaclip_2_vision_model", "CLIPImageProcessor"},
    ModelProcessor{"siglip", "SiglipImageProcessor"},
    ModelProcessor{"siglip_vision_model", "SiglipImageProcessor"},
    ModelProcessor{"siglip2", "Siglip2ImageProcessor"},
    ModelProcessor{"siglip2_vision_model", "Siglip2ImageProcessor"},
};

// The kinds among these for which transformers has no class of its own, so that it raises if the file names none.
constexpr std::array<std::string_view, 5> kUnpaired{"dinov2_with_registers", "clip_vision_model", "siglip_vision_model",
                                                    "siglip2_vision_model", "metaclip_2_vision_model"};

}  // namespace

std::string_view processor_of_model(std::string_view model_type) noexcept {
  for (const ModelProcessor& known : kModels) {
    if (known.model_type == model_type) return known.processor;
  }
  return {};
}

bool has_paired_processor(std::string_view model_type) noexcept {
  return std::find(kUnpaired.begin(), kUnpaired.end(), model_type) == kUnpaired.end();
}

}  // namespace fovea
