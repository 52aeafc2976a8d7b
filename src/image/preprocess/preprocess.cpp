#include "image/preprocess/preprocess.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include "fovea/error.hpp"
#include "image/preprocess/resample.hpp"
#include "image/preprocess/resample_float.hpp"

namespace fovea {
namespace {

/// Python's round(): half to even, which is also the default rounding mode here.
double round_half_even(double x) {
  return std::nearbyint(x);
}

int checked_side(double side, Size original) {
  if (!(side >= 1.0 && side <= std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::kShape,
                fmt::format("picture is {}x{} px: after resizing one side is {:.0f} px, expected 1 to {}",
                            original.width, original.height, side, std::numeric_limits<int>::max()),
                "the model's recipe cannot handle such an extreme shape: crop the picture first");
  }
  return static_cast<int>(side);
}

/// torchvision's Resize(side): the longer side is truncated.
Size shortest_edge_to(Size from, int side) {
  const std::int64_t longer = static_cast<std::int64_t>(side) * std::max(from.height, from.width);
  const std::int64_t truncated = longer / std::min(from.height, from.width);
  const int other = checked_side(static_cast<double>(truncated), from);
  return from.width <= from.height ? Size{other, side} : Size{side, other};
}

/// The same with no side longer than `longest`: transformers' get_size_with_aspect_ratio(), operation by operation.
Size capped(Size from, int side, int longest) {
  const double shorter = std::min(from.height, from.width);
  const double longer = std::max(from.height, from.width);
  double exact = side;
  if (longer / shorter * exact > longest) {
    exact = longest * shorter / longer;
    side = static_cast<int>(round_half_even(exact));
  }
  if (std::min(from.height, from.width) == side) return from;
  const int other = checked_side(std::floor(exact * longer / shorter), from);
  checked_side(side, from);
  return from.width < from.height ? Size{other, side} : Size{side, other};
}

/// timm's ResizeKeepRatio: the whole picture fits into `target` (longest 1), or covers it (longest 0).
Size keep_ratio(Size from, Size target, double longest) {
  const double ratio_h = static_cast<double>(from.height) / target.height;
  const double ratio_w = static_cast<double>(from.width) / target.width;
  const double ratio = std::max(ratio_h, ratio_w) * longest + std::min(ratio_h, ratio_w) * (1.0 - longest);
  return {checked_side(round_half_even(from.height / ratio), from),
          checked_side(round_half_even(from.width / ratio), from)};
}

/// The patches along one side after it is scaled; a part of a patch counts as a whole one.
double scaled_patches(double scale, int side, int patch) {
  return std::max(1.0, std::ceil(side * scale / patch));
}

/// transformers' get_image_size_for_max_num_patches(), operation by operation: the scale is searched by halves.
Size most_patches(Size from, int patch, int most) {
  constexpr double kEps = 1e-5;
  double low = kEps / 10;
  double high = 100.0;
  while (high - low >= kEps) {
    const double scale = (low + high) / 2;
    const double patches = scaled_patches(scale, from.height, patch) * scaled_patches(scale, from.width, patch);
    (patches <= most ? low : high) = scale;
  }
  return {checked_side(patch * scaled_patches(low, from.height, patch), from),
          checked_side(patch * scaled_patches(low, from.width, patch), from)};
}

/// A picture that is fed at its own size consists of whole patches, of not too many.
void check_own_size(Size size, const PreprocessRecipe& recipe) {
  const int patch = recipe.patch_size;
  const bool whole = size.height % patch == 0 && size.width % patch == 0;
  const std::int64_t patches = std::int64_t{size.height / patch} * (size.width / patch);
  if (whole && patches <= recipe.max_patches) return;
  throw Error(ErrorCode::kShape,
              fmt::format("picture is {}x{} px (height x width), expected at most {} whole patches of {} px because "
                          "the recipe does not resize",
                          size.height, size.width, recipe.max_patches, patch),
              "--image-size HxW feeds all pictures at one size");
}

/// Where a centred crop starts; negative if padding comes first.
int crop_start(int length, int crop, const PreprocessRecipe& recipe) {
  const int spare = length - crop;
  if (spare < 0) return recipe.padding_rule == PaddingRule::kSmallerHalfFirst ? -(-spare / 2) : -((-spare + 1) / 2);
  return recipe.crop_rounding == CropRounding::kFloor ? spare / 2 : static_cast<int>(round_half_even(spare / 2.0));
}

/// @param side  -1: the beginning, 0: the recipe's place, 1: the end
int view_start(int length, int crop, int side, const PreprocessRecipe& recipe) {
  if (side == 0 || length <= crop) return crop_start(length, crop, recipe);
  return side < 0 ? 0 : length - crop;
}

/// Swaps left and right.
void mirror(Image& pixels) {
  for (int y = 0; y < pixels.size().height; ++y) {
    std::uint8_t* left = pixels.row(y);
    std::uint8_t* right = left + std::ptrdiff_t{3} * (pixels.size().width - 1);
    for (; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
  }
}
/// The same for [3, height, width].
void mirror(std::vector<float>& planes, int width) {
  for (auto row = planes.begin(); row != planes.end(); row += width) std::reverse(row, row + width);
}

/// Centres `inside` on a canvas of the padding colour.
Image padded(const Image& inside, Size canvas, int top, int left, std::array<std::uint8_t, 3> color) {
  Image out(canvas);
  for (std::size_t i = 0; i < out.pixels().size(); ++i) out.pixels()[i] = color[i % 3];
  for (int y = 0; y < inside.size().height; ++y) {
    std::memcpy(out.row(top + y) + static_cast<std::size_t>(left) * 3, inside.row(y), inside.row_bytes());
  }
  return out;
}

/// The same for [3, height, width], in black, which is the colour that transformers pads with.
std::vector<float> padded(const std::vector<float>& inside, Size size, Size canvas, int top, int left) {
  const auto width = static_cast<std::size_t>(size.width);
  const std::size_t area = static_cast<std::size_t>(canvas.height) * static_cast<std::size_t>(canvas.width);
  std::vector<float> out(3 * area);
  for (std::size_t row = 0; row < inside.size() / width; ++row) {
    const std::size_t color = row / static_cast<std::size_t>(size.height);
    const std::size_t y = row % static_cast<std::size_t>(size.height) + static_cast<std::size_t>(top);
    std::copy_n(
        inside.data() + row * width, width,
        out.data() + color * area + y * static_cast<std::size_t>(canvas.width) + static_cast<std::size_t>(left));
  }
  return out;
}

void check_sides(Size picture, const PreprocessRecipe& recipe) {
  const auto positive = [](Size size) { return size.height > 0 && size.width > 0; };
  const bool resizes = recipe.resize != ResizeRule::kNone;
  if (positive(picture) && positive(recipe.input_size) && (!resizes || positive(recipe.resize_size))) return;
  throw Error(
      ErrorCode::kShape,
      fmt::format("picture is {}x{} px, resized to {}x{} px for an input of {}x{} px (height x width), expected "
                  "only positive sizes",
                  picture.height, picture.width, recipe.resize_size.height, recipe.resize_size.width,
                  recipe.input_size.height, recipe.input_size.width));
}

void check_uncropped(const CropGeometry& geometry, const PreprocessRecipe& recipe) {
  if (recipe.center_crop || geometry.resized == geometry.crop) return;
  throw Error(
      ErrorCode::kShape,
      fmt::format(
          "picture is {}x{} px after resizing, expected {}x{} (height x width) because the recipe does not crop",
          geometry.resized.height, geometry.resized.width, recipe.input_size.height, recipe.input_size.width),
      "use --crop-mode center or --crop-mode squash, which accept pictures of any shape");
}

}  // namespace

Size resized_size(Size picture, const PreprocessRecipe& recipe) {
  check_sides(picture, recipe);
  switch (recipe.resize) {
    case ResizeRule::kNone: break;
    case ResizeRule::kShortestEdge: return shortest_edge_to(picture, recipe.resize_size.height);
    case ResizeRule::kCapped: return capped(picture, recipe.resize_size.height, recipe.longest_edge);
    case ResizeRule::kCover: return keep_ratio(picture, recipe.resize_size, 0.0);
    case ResizeRule::kFit: return keep_ratio(picture, recipe.resize_size, 1.0);
    case ResizeRule::kExact: return recipe.resize_size;
    case ResizeRule::kMostPatches: return most_patches(picture, recipe.patch_size, recipe.max_patches);
  }
  return picture;
}

Size fed_size(Size picture, const PreprocessRecipe& recipe) {
  if (recipe.max_patches == 0) return recipe.input_size;
  const Size size = resized_size(picture, recipe);
  check_own_size(size, recipe);
  return size;
}

Preprocessed preprocess(const Image& image, const PreprocessRecipe& recipe) {
  return preprocess(image, recipe, image.size());
}

Preprocessed preprocess(const Image& image, const PreprocessRecipe& recipe, Size whole, const View& view) {
  CropGeometry geometry;
  geometry.original = whole;
  geometry.resized = resized_size(whole, recipe);
  geometry.crop = fed_size(whole, recipe);
  check_uncropped(geometry, recipe);
  geometry.top = view_start(geometry.resized.height, geometry.crop.height, view.down, recipe);
  geometry.left = view_start(geometry.resized.width, geometry.crop.width, view.right, recipe);

  const Region inside{
      std::max(geometry.top, 0),
      std::max(geometry.left, 0),
      {std::min(geometry.crop.height, geometry.resized.height), std::min(geometry.crop.width, geometry.resized.width)}};
  const bool floats = recipe.resampler == Resampler::kAtenFloat;
  const Resampling how{recipe.interpolation, floats ? Resampler::kAten : recipe.resampler, recipe.pillow_version};
  Image pixels = resample(image, geometry.resized, how, inside);
  std::vector<float> scaled;
  if (floats) {
    scaled = resample_float(image, static_cast<float>(recipe.rescale_factor), geometry.resized, recipe.interpolation,
                            inside);
  }
  if (pixels.size() != geometry.crop) {
    const int top = std::max(-geometry.top, 0);
    const int left = std::max(-geometry.left, 0);
    pixels = padded(pixels, geometry.crop, top, left, recipe.padding);
    if (floats) scaled = padded(scaled, inside.size, geometry.crop, top, left);
  }
  if (view.mirrored) {
    mirror(pixels);
    mirror(scaled, geometry.crop.width);
  }
  return {std::move(pixels), std::move(scaled), geometry};
}

}  // namespace fovea
