#include "image/preprocess.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "fovea/error.hpp"
#include "image/resample.hpp"

namespace fovea {
namespace {

/// The number that was written in the config: 0.3F is not 0.3, and 255 · 0.3 is a tie.
double written(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double number = 0.0;
  std::from_chars(text.data(), end, number);
  return number;
}

/// Python's round(): half to even, the default rounding mode here too.
double round_half_even(double x) {
  return std::nearbyint(x);
}

int checked_side(double side, Size original) {
  if (!(side >= 1.0 && side <= std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::kShape,
                fmt::format("picture is {}x{} px: after resizing one side is {:.0f} px, expected 1 to {}",
                            original.width, original.height, side, std::numeric_limits<int>::max()),
                "the model's recipe cannot take so extreme a shape; crop the picture first");
  }
  return static_cast<int>(side);
}

/// torchvision's Resize(short_side): the other side is truncated.
Size short_side_to(Size from, int side) {
  const std::int64_t longer = static_cast<std::int64_t>(side) * std::max(from.height, from.width);
  const std::int64_t truncated = longer / std::min(from.height, from.width);
  const int other = checked_side(static_cast<double>(truncated), from);
  return from.width <= from.height ? Size{other, side} : Size{side, other};
}

/// timm's ResizeKeepRatio: the whole picture inside `target` (longest 1), or all of `target` covered (longest 0).
Size keep_ratio(Size from, Size target, double longest) {
  const double ratio_h = static_cast<double>(from.height) / target.height;
  const double ratio_w = static_cast<double>(from.width) / target.width;
  const double ratio = std::max(ratio_h, ratio_w) * longest + std::min(ratio_h, ratio_w) * (1.0 - longest);
  return {checked_side(round_half_even(from.height / ratio), from),
          checked_side(round_half_even(from.width / ratio), from)};
}

Size resized_size(Size from, const PreprocessRecipe& recipe) {
  const Size target{checked_side(std::floor(recipe.input_size.height / recipe.crop_pct), from),
                    checked_side(std::floor(recipe.input_size.width / recipe.crop_pct), from)};
  switch (recipe.crop_mode) {
    case CropMode::kSquash: return target;
    case CropMode::kBorder: return keep_ratio(from, target, 1.0);
    case CropMode::kCenter: break;
  }
  return target.height == target.width ? short_side_to(from, target.height) : keep_ratio(from, target, 0.0);
}

/// Where a centred crop starts; negative where it is padded. torchvision pads the smaller half first, and rounds the
/// corner half to even.
int crop_start(int length, int crop) {
  if (crop > length) return -((crop - length) / 2);
  return static_cast<int>(round_half_even((length - crop) / 2.0));
}

std::array<std::uint8_t, 3> padding_of(const PreprocessRecipe& recipe) {
  std::array<std::uint8_t, 3> color{};
  if (recipe.crop_mode != CropMode::kBorder) return color;
  for (std::size_t c = 0; c < 3; ++c) {
    color[c] = static_cast<std::uint8_t>(std::clamp(round_half_even(255.0 * written(recipe.mean[c])), 0.0, 255.0));
  }
  return color;
}

/// `inside` in the middle of a canvas of the padding colour.
Image padded(const Image& inside, Size canvas, int top, int left, std::array<std::uint8_t, 3> color) {
  Image out(canvas);
  for (std::size_t i = 0; i < out.pixels().size(); ++i) out.pixels()[i] = color[i % 3];
  for (int y = 0; y < inside.size().height; ++y) {
    std::memcpy(out.row(top + y) + static_cast<std::size_t>(left) * 3, inside.row(y), inside.row_bytes());
  }
  return out;
}

}  // namespace

Preprocessed preprocess(const Image& image, const PreprocessRecipe& recipe) {
  if (image.empty() || recipe.input_size.height <= 0 || recipe.input_size.width <= 0 || !(recipe.crop_pct > 0.0)) {
    throw Error(ErrorCode::kShape, fmt::format("picture of {}x{} px for an input of {}x{} px at crop_pct {}: expected "
                                               "all of them to be positive",
                                               image.size().width, image.size().height, recipe.input_size.width,
                                               recipe.input_size.height, recipe.crop_pct));
  }
  CropGeometry geometry;
  geometry.original = image.size();
  geometry.resized = resized_size(image.size(), recipe);
  geometry.crop = recipe.input_size;
  geometry.top = crop_start(geometry.resized.height, geometry.crop.height);
  geometry.left = crop_start(geometry.resized.width, geometry.crop.width);

  // What of the crop lies inside the resized picture.
  Region inside{std::max(geometry.top, 0), std::max(geometry.left, 0), {}};
  inside.size = {std::min(geometry.crop.height, geometry.resized.height),
                 std::min(geometry.crop.width, geometry.resized.width)};
  Image pixels = resample(image, geometry.resized, recipe.interpolation, inside);
  if (pixels.size() != geometry.crop) {
    pixels = padded(pixels, geometry.crop, std::max(-geometry.top, 0), std::max(-geometry.left, 0), padding_of(recipe));
  }
  return {std::move(pixels), geometry};
}

}  // namespace fovea
