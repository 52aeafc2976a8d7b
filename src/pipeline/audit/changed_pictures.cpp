#include "pipeline/audit/changed_pictures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "image/preprocess/resample.hpp"

namespace fovea {
namespace {

/// A box in pixels, at least one.
struct PixelBox {
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;
};

PixelBox pixels_of(const learn::RelativeBox& box, Size size) {
  const auto at = [](double share, int pixels) {
    return std::clamp(static_cast<int>(std::lround(share * pixels)), 0, pixels);
  };
  PixelBox inside{at(box.top, size.height), at(box.left, size.width), at(box.bottom, size.height),
                  at(box.right, size.width)};
  if (inside.bottom <= inside.top) inside.bottom = std::min(inside.top + 1, size.height);
  if (inside.right <= inside.left) inside.right = std::min(inside.left + 1, size.width);
  return inside;
}

/// Takes the region's pixels over from a picture of the same size.
void take_over(Image& picture, const Image& from, std::span<const learn::RelativeBox> region) {
  for (const learn::RelativeBox& box : region) {
    const PixelBox inside = pixels_of(box, picture.size());
    const std::ptrdiff_t left = std::ptrdiff_t{3} * inside.left;
    const std::ptrdiff_t right = std::ptrdiff_t{3} * inside.right;
    for (int y = inside.top; y < inside.bottom; ++y) {
      std::copy(from.row(y) + left, from.row(y) + right, picture.row(y) + left);
    }
  }
}

/// The whole picture in its mean colour.
Image mean_of(const Image& picture) {
  std::array<double, 3> sums{};
  const auto pixels = picture.pixels();
  for (std::size_t i = 0; i < pixels.size(); ++i) sums[i % 3] += pixels[i];
  Image flat(picture.size());
  const double count = std::max(static_cast<double>(pixels.size()) / 3, 1.0);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    flat.pixels()[i] = static_cast<std::uint8_t>(std::lround(sums[i % 3] / count));
  }
  return flat;
}

/// The picture as eight cells along its longer side are: nothing smaller than an eighth is left.
Image blurred(const Image& picture) {
  constexpr int kCells = 8;
  const Size size = picture.size();
  const int longest = std::max(size.height, size.width);
  const auto cells = [&](int side) { return std::max(1, (side * kCells + longest / 2) / longest); };
  const Image small = resample(picture, {cells(size.height), cells(size.width)}, {.filter = Interpolation::kBox});
  return resample(small, size, {.filter = Interpolation::kBicubic});
}

}  // namespace

Image hidden(const Image& picture, std::span<const learn::RelativeBox> region, Hiding hiding) {
  Image changed = picture;
  take_over(changed, hiding == Hiding::kMean ? mean_of(picture) : blurred(picture), region);
  return changed;
}

Image alone(const Image& picture, std::span<const learn::RelativeBox> region) {
  Image changed = mean_of(picture);
  take_over(changed, picture, region);
  return changed;
}

Image pasted(const Image& picture, const Image& other, std::span<const learn::RelativeBox> region) {
  Image changed = picture;
  const bool same = other.size() == picture.size();
  take_over(changed, same ? other : resample(other, picture.size(), {.filter = Interpolation::kBilinear}), region);
  return changed;
}

Image tinted(const Image& picture, const std::array<double, 3>& levels) {
  Image changed = picture;
  const auto pixels = changed.pixels();
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(std::clamp(std::lround(pixels[i] + levels[i % 3]), 0L, 255L));
  }
  return changed;
}

double area_of(std::span<const learn::RelativeBox> region) {
  double area = 0;
  for (const learn::RelativeBox& box : region) area += (box.bottom - box.top) * (box.right - box.left);
  return area;
}

learn::RelativeBox inside(const learn::RelativeBox& outer, const learn::RelativeBox& box) {
  const double height = outer.bottom - outer.top;
  const double width = outer.right - outer.left;
  return {outer.top + box.top * height, outer.left + box.left * width, outer.top + box.bottom * height,
          outer.left + box.right * width};
}

learn::RelativeBox relative_to(const learn::RelativeBox& outer, const learn::RelativeBox& box) {
  const double height = std::max(outer.bottom - outer.top, 1e-9);
  const double width = std::max(outer.right - outer.left, 1e-9);
  return {(box.top - outer.top) / height, (box.left - outer.left) / width, (box.bottom - outer.top) / height,
          (box.right - outer.left) / width};
}

learn::RelativeBox box_of_area(double area, const learn::RelativeBox& like, double down, double right) {
  double height = like.bottom - like.top;
  double width = like.right - like.left;
  const double grow = std::sqrt(area / std::max(height * width, 1e-9));
  height *= grow;
  width *= grow;
  if (height > 1 || width > 1) height = width = std::min(std::sqrt(area), 1.0);
  const double top = down * (1 - height);
  const double left = right * (1 - width);
  return {top, left, top + height, left + width};
}

double overlap_of(const learn::RelativeBox& a, const learn::RelativeBox& b) {
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double area = (a.bottom - a.top) * (a.right - a.left);
  return height <= 0 || width <= 0 || area <= 0 ? 0 : height * width / area;
}

}  // namespace fovea
