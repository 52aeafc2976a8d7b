// Pictures, and how a picture becomes the network's input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fovea {

/// In pixels; height first, as in every tensor shape here.
struct Size {
  int height = 0;
  int width = 0;
  friend bool operator==(const Size&, const Size&) = default;
};

/// In patches, not pixels.
struct PatchGrid {
  std::size_t rows = 0;
  std::size_t cols = 0;
  [[nodiscard]] std::size_t size() const noexcept { return rows * cols; }
  friend bool operator==(const PatchGrid&, const PatchGrid&) = default;
};

/// Owns an RGB picture: 8 bit, interleaved [height, width, 3], no row padding.
class Image {
 public:
  Image() = default;
  explicit Image(Size size)
      : size_(size), pixels_(static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width) * 3) {}
  [[nodiscard]] Size size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return pixels_.empty(); }
  [[nodiscard]] std::size_t row_bytes() const noexcept { return static_cast<std::size_t>(size_.width) * 3; }
  [[nodiscard]] std::span<std::uint8_t> pixels() noexcept { return pixels_; }
  [[nodiscard]] std::span<const std::uint8_t> pixels() const noexcept { return pixels_; }
  [[nodiscard]] std::uint8_t* row(int y) noexcept { return pixels_.data() + static_cast<std::size_t>(y) * row_bytes(); }
  [[nodiscard]] const std::uint8_t* row(int y) const noexcept {
    return pixels_.data() + static_cast<std::size_t>(y) * row_bytes();
  }

 private:
  Size size_;
  std::vector<std::uint8_t> pixels_;
};

/// The filters of PIL.Image.Resampling, under timm's names.
enum class Interpolation { kNearest, kBox, kBilinear, kHamming, kBicubic, kLanczos };

/// timm's `crop_mode`.
enum class CropMode { kCenter, kSquash, kBorder };

/// What a checkpoint was trained to be fed: timm's `pretrained_cfg`.
struct PreprocessRecipe {
  Size input_size{224, 224};
  double crop_pct = 0.9;  // input size over the size that is resized to
  Interpolation interpolation = Interpolation::kBicubic;
  CropMode crop_mode = CropMode::kCenter;
  std::array<float, 3> mean{0.5F, 0.5F, 0.5F};
  std::array<float, 3> std{0.5F, 0.5F, 0.5F};
};

/// Where the network's input lies in the picture: resize `original` to `resized`, then cut `crop` out of it
/// with its upper left corner at (`top`, `left`); a negative corner means that the crop is padded there.
struct CropGeometry {
  Size original;
  Size resized;
  Size crop;
  int top = 0;
  int left = 0;
};

enum class ExifMode {
  kApply,   // turn the picture upright
  kIgnore,  // the stored matrix, as timm and torchvision see it
};

enum class Gray16 {
  kClip,   // as Pillow converts 16-bit grey: values above 255 become 255
  kScale,  // the high byte
};

struct DecodeOptions {
  ExifMode exif = ExifMode::kApply;
  Gray16 gray16 = Gray16::kClip;
  std::uint64_t max_pixels = 100'000'000;  // checked against the header, before any pixel is decoded
};

}  // namespace fovea
