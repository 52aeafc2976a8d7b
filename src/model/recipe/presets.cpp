// The evaluation transforms that libraries define in code only.
#include <algorithm>
#include <array>

#include "model/recipe/recipe.hpp"
#include "model/recipe/sources.hpp"

namespace fovea {
namespace {

/// torchvision.transforms on a PIL image: Resize(shortest edge), CenterCrop, ToTensor, Normalize.
PreprocessRecipe torchvision_transform(int resize, int crop, Interpolation interpolation) {
  PreprocessRecipe recipe;
  recipe.crop_pct = 0.0;
  recipe.resize_size = {resize, resize};
  recipe.input_size = {crop, crop};
  recipe.interpolation = interpolation;
  recipe.mean = kImagenetMean;
  recipe.std = kImagenetStd;
  return recipe;
}

/// torchvision/models/vision_transformer.py: 256 and 224 bilinear; the end-to-end SWAG weights have larger inputs,
/// bicubic without a margin.
PreprocessRecipe torchvision_preset(Size input_size) {
  const bool swag = input_size == Size{384, 384} || input_size == Size{512, 512} || input_size == Size{518, 518};
  if (swag) return torchvision_transform(input_size.height, input_size.height, Interpolation::kBicubic);
  return torchvision_transform(256, 224, Interpolation::kBilinear);
}

/// dinov2/data/transforms.py, make_classification_eval_transform; DINO v1 and DINOv3 have the same.
PreprocessRecipe dinov2_preset() {
  return torchvision_transform(256, 224, Interpolation::kBicubic);
}

/// The same for the weights that were trained on satellite pictures (facebookresearch/dinov3, README.md).
PreprocessRecipe dinov3_sat_preset() {
  PreprocessRecipe recipe = dinov2_preset();
  recipe.mean = {0.430F, 0.411F, 0.296F};
  recipe.std = {0.213F, 0.156F, 0.143F};
  return recipe;
}

/// deit/datasets.py, build_transform: the crop is 0.875 of the picture, as in mae/util/datasets.py up to 224 px; larger
/// inputs of MAE are not cropped, nor are those of DeiT III (README_revenge.md, --eval-crop-ratio 1.0).
PreprocessRecipe deit_preset(Size input_size, double crop_pct) {
  PreprocessRecipe recipe = timm_recipe(input_size, crop_pct);
  recipe.mean = kImagenetMean;
  recipe.std = kImagenetStd;
  return recipe;
}
constexpr double kDeitCrop = 0.875;

/// clip/clip.py, _transform; open_clip has the same.
PreprocessRecipe clip_preset() {
  PreprocessRecipe recipe = torchvision_transform(224, 224, Interpolation::kBicubic);
  recipe.mean = kClipMean;
  recipe.std = kClipStd;
  return recipe;
}

/// open_clip's SigLIP configurations: resize_mode "squash", mean and std 0.5.
PreprocessRecipe siglip_preset() {
  PreprocessRecipe recipe = torchvision_transform(224, 224, Interpolation::kBicubic);
  recipe.resize = ResizeRule::kExact;
  recipe.mean = kInceptionMean;
  recipe.std = kInceptionMean;
  return recipe;
}

struct Preset {
  std::string_view name;
  std::string_view about;
  PreprocessRecipe (*make)(Size input_size);
};
constexpr std::array kPresets{
    Preset{"timm", "timm's values for ViT (augreg): crop_pct 0.9, bicubic, mean and std 0.5",
           [](Size input_size) { return timm_recipe(input_size, 0.9); }},
    Preset{"hf-pil", "the defaults of transformers' ViTImageProcessor",
           [](Size input_size) {
             return transformers_recipe("ViTImageProcessor", TransformersBackend::kPil, input_size);
           }},
    Preset{"hf-torchvision", "the defaults of transformers' ViTImageProcessor",
           [](Size input_size) {
             return transformers_recipe("ViTImageProcessor", TransformersBackend::kTorchvision, input_size);
           }},
    Preset{"torchvision",
           "torchvision's ViT presets: 256 to 224 px bilinear, SWAG at 384, 512 and 518 px bicubic; vit_l_16's first "
           "weights need --resize-size 242",
           torchvision_preset},
    Preset{"dinov2", "DINOv2's evaluation transform: 256 to 224 px bicubic", [](Size) { return dinov2_preset(); }},
    Preset{"dinov3-sat", "DINOv3's evaluation transform for its satellite weights: 256 to 224 px bicubic",
           [](Size) { return dinov3_sat_preset(); }},
    Preset{"deit", "DeiT's evaluation transform: 256 to 224 px bicubic, as 438 to 384",
           [](Size input_size) { return deit_preset(input_size, kDeitCrop); }},
    Preset{"deit3", "DeiT III's evaluation transform: bicubic without a margin",
           [](Size input_size) { return deit_preset(input_size, 1.0); }},
    Preset{"mae", "MAE's evaluation transform: 256 to 224 px bicubic, larger ones without a margin",
           [](Size input_size) { return deit_preset(input_size, input_size.height <= 224 ? kDeitCrop : 1.0); }},
    Preset{"clip", "OpenAI CLIP's transform", [](Size) { return clip_preset(); }},
    Preset{"siglip", "open_clip's transform for SigLIP", [](Size) { return siglip_preset(); }},
};

const Preset& preset_named(std::string_view name) noexcept {
  const auto* const found =
      std::find_if(kPresets.begin(), kPresets.end(), [&](const Preset& preset) { return preset.name == name; });
  return found == kPresets.end() ? kPresets.front() : *found;
}

}  // namespace

std::span<const std::string_view> preprocess_names() noexcept {
  static constexpr auto kNames = [] {
    std::array<std::string_view, kPresets.size() + 1> names{"auto"};
    for (std::size_t i = 0; i < kPresets.size(); ++i) names[i + 1] = kPresets[i].name;
    return names;
  }();
  return kNames;
}

PreprocessRecipe preset_recipe(std::string_view name, Size input_size) {
  PreprocessRecipe recipe = with_input_size(preset_named(name).make(input_size), input_size);
  recipe.name = name;
  return recipe;
}

std::string_view preset_about(std::string_view name) noexcept {
  return preset_named(name).about;
}

}  // namespace fovea
