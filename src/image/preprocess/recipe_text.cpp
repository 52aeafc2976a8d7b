// A recipe in words.
#include <fmt/format.h>

#include <array>

#include "fovea/image.hpp"

namespace fovea {
namespace {

std::string size_text(Size size) {
  return fmt::format("{}x{} px", size.height, size.width);
}

std::string resize_text(const PreprocessRecipe& recipe) {
  switch (recipe.resize) {
    case ResizeRule::kNone: return "none";
    case ResizeRule::kShortestEdge: return fmt::format("shortest edge to {} px", recipe.resize_size.height);
    case ResizeRule::kCapped:
      return fmt::format("shortest edge to {} px, the longest at most {} px", recipe.resize_size.height,
                         recipe.longest_edge);
    case ResizeRule::kCover: return fmt::format("to the smallest size that covers {}", size_text(recipe.resize_size));
    case ResizeRule::kFit: return fmt::format("to the largest size within {}", size_text(recipe.resize_size));
    case ResizeRule::kExact: return fmt::format("to {}, ignoring the ratio", size_text(recipe.resize_size));
    case ResizeRule::kMostPatches:
      return fmt::format("to the picture's own shape in at most {} whole patches of {} px", recipe.max_patches,
                         recipe.patch_size);
  }
  return {};
}

std::string normalization_text(const PreprocessRecipe& recipe) {
  const std::string mean_and_std =
      fmt::format("mean {}, std {}", fmt::join(recipe.mean, " "), fmt::join(recipe.std, " "));
  if (!recipe.normalize) return fmt::format("x * {}", recipe.rescale_factor);
  switch (recipe.normalization) {
    case Normalization::kDivide: return "(x / 255 - mean) / std; " + mean_and_std;
    case Normalization::kScaled:
    case Normalization::kRescale: return fmt::format("(x * {} - mean) / std; {}", recipe.rescale_factor, mean_and_std);
    case Normalization::kFused:
      return fmt::format("(x - mean * {0}) / (std * {0}); {1}", 1.0 / recipe.rescale_factor, mean_and_std);
  }
  return {};
}

std::string crop_text(const PreprocessRecipe& recipe) {
  if (recipe.max_patches > 0 && recipe.resize == ResizeRule::kMostPatches) return "none";
  if (recipe.max_patches > 0) {
    return fmt::format("none: the picture must be at most {} whole patches of {} px", recipe.max_patches,
                       recipe.patch_size);
  }
  if (!recipe.center_crop) return fmt::format("none: the resized picture must be {}", size_text(recipe.input_size));
  std::string text =
      fmt::format("{} from the middle, an odd row {}", size_text(recipe.input_size),
                  recipe.crop_rounding == CropRounding::kFloor ? "rounded down" : "rounded half to even");
  if (recipe.padding != std::array<std::uint8_t, 3>{}) {
    text += fmt::format(", padded with RGB {}", fmt::join(recipe.padding, " "));
  }
  return text;
}

}  // namespace

std::string_view name(Interpolation interpolation) noexcept {
  constexpr std::array<std::string_view, 6> kNames{"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"};
  return kNames[static_cast<std::size_t>(interpolation)];
}

std::string_view name(CropMode mode) noexcept {
  constexpr std::array<std::string_view, 3> kNames{"center", "squash", "border"};
  return kNames[static_cast<std::size_t>(mode)];
}

std::vector<std::string> describe(const PreprocessRecipe& recipe) {
  const std::string resampler = recipe.resampler == Resampler::kAten ? "torch's uint8 antialiasing"
                                : recipe.resampler == Resampler::kAtenFloat
                                    ? "torch's float32 antialiasing"
                                    : fmt::format("Pillow {}", recipe.pillow_version);
  return {
      recipe.resize == ResizeRule::kNone
          ? "resize     none"
          : fmt::format("resize     {}; {}, {}", resize_text(recipe), name(recipe.interpolation), resampler),
      "crop       " + crop_text(recipe),
      "normalise  " + normalization_text(recipe),
      fmt::format("exif       {} by {} itself", recipe.exif == ExifMode::kApply ? "applied" : "ignored", recipe.name),
  };
}

}  // namespace fovea
