// Pictures, and how a picture becomes the network's input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// In pixels. Height comes first, as in every tensor shape here.
struct Size {
  int height = 0;
  int width = 0;
  friend bool operator==(const Size&, const Size&) = default;
};

/// Counted in patches, not pixels.
struct PatchGrid {
  std::size_t rows = 0;
  std::size_t cols = 0;
  [[nodiscard]] std::size_t size() const noexcept { return rows * cols; }
  friend bool operator==(const PatchGrid&, const PatchGrid&) = default;
};

/// The whole patches in an image of this size; `patch_size` in pixels.
[[nodiscard]] constexpr PatchGrid patch_grid(Size size, std::size_t patch_size) noexcept {
  return {static_cast<std::size_t>(size.height) / patch_size, static_cast<std::size_t>(size.width) / patch_size};
}

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
[[nodiscard]] std::string_view name(Interpolation interpolation) noexcept;  // "bicubic"

/// timm's `crop_mode`: cut out the middle, squash to the input size, or show the whole picture within a border.
enum class CropMode { kCenter, kSquash, kBorder };
[[nodiscard]] std::string_view name(CropMode mode) noexcept;  // "center"

/// Which library's resampling: the first two differ by a level or two in a few values per thousand.
enum class Resampler {
  kPillow,     // PIL.Image.resize: 22-bit weights
  kAten,       // torch's antialiased interpolate() for uint8: 16-bit weights; no box, no hamming
  kAtenFloat,  // the same for float32, after the pixels are multiplied by rescale_factor: bilinear and bicubic only
};

[[nodiscard]] bool has_filter(Resampler resampler, Interpolation filter) noexcept;

/// How the size that a picture is resized to is chosen.
enum class ResizeRule {
  kNone,          // keep the picture's own size
  kShortestEdge,  // the shorter side becomes resize_size.height; the longer keeps the ratio, truncated (torchvision
                  // Resize)
  kCapped,        // as kShortestEdge, but smaller where the longer side would exceed longest_edge (transformers)
  kCover,         // the smallest that covers resize_size, rounded half to even (timm ResizeKeepRatio, longest 0)
  kFit,           // the largest that fits into resize_size, rounded half to even (timm ResizeKeepRatio, longest 1)
  kExact,         // resize_size; the aspect ratio is ignored
  kMostPatches,   // the picture's own shape in whole patches, as large as max_patches allows (SigLIP 2's NaFlex)
};

/// Where a centred crop begins when the spare rows (or columns) are odd in number.
enum class CropRounding {
  kHalfEven,  // Python's round() (timm, torchvision)
  kFloor,     // transformers
};

/// Which side gets the odd row when a picture is smaller than its crop.
enum class PaddingRule {
  kSmallerHalfFirst,  // torchvision, and transformers on top of it
  kLargerHalfFirst,   // transformers' numpy
};

/// How a pixel x becomes a float32; `factor` is the recipe's rescale_factor.
enum class Normalization {
  kDivide,   // (x / 255 - mean) / std, all in float32 (timm, torchvision)
  kRescale,  // (float32(x · factor) - mean) / std, with the product in float64 (transformers, backend pil)
  kFused,    // (x - mean · (1 / factor)) / (std · (1 / factor)) in float32 (transformers, backend torchvision)
  kScaled,   // (x · factor - mean) / std, all in float32; the product comes before resizing (kAtenFloat)
};

enum class ExifMode {
  kApply,   // turn the picture upright
  kIgnore,  // keep the stored orientation, as timm and torchvision do
};

/// The preprocessing a checkpoint was trained with, step by step: resize, crop or pad, normalise. Every value is the
/// reference library's, so that the result equals the library's to the bit.
struct PreprocessRecipe {
  std::string name = "timm";  // whose pipeline: timm hf-pil hf-torchvision torchvision dinov2 dinov3-sat clip siglip

  ResizeRule resize = ResizeRule::kShortestEdge;
  Size resize_size{248, 248};  // px
  int longest_edge = 0;        // px; for kCapped
  Interpolation interpolation = Interpolation::kBicubic;
  Resampler resampler = Resampler::kPillow;
  int pillow_version = 13;  // 13 or 12: the version decides when the vertical pass comes first

  Size input_size{224, 224};  // px; what the network is fed; with max_patches, of a square picture
  int max_patches = 0;        // each picture is fed at a size of its own, of at most so many patches; 0: at input_size
  int patch_size = 0;         // px; with max_patches
  bool center_crop = true;    // cut and pad to input_size; if false, the resized picture must already have that size
  CropRounding crop_rounding = CropRounding::kHalfEven;
  PaddingRule padding_rule = PaddingRule::kSmallerHalfFirst;
  std::array<std::uint8_t, 3> padding{};  // RGB
  double crop_pct = 0.9;                  // input size / resize size where the recipe is given so (timm); else 0

  Normalization normalization = Normalization::kDivide;
  double rescale_factor = 1.0 / 255.0;  // 1: none; not for kDivide
  bool normalize = true;                // subtract mean and divide by std; if false, only rescale
  std::array<float, 3> mean{0.5F, 0.5F, 0.5F};
  std::array<float, 3> std{0.5F, 0.5F, 0.5F};

  ExifMode exif = ExifMode::kIgnore;  // what the library itself does with the camera's orientation
};

/// What the network is fed of a picture of this size, in pixels: input_size, or a size of the picture's own.
/// @throws Error  kShape where the recipe cannot handle a picture of this size.
[[nodiscard]] Size fed_size(Size picture, const PreprocessRecipe& recipe);

/// A recipe in a few lines for people: "resize  shortest edge to 248 px, bicubic, Pillow 13".
[[nodiscard]] std::vector<std::string> describe(const PreprocessRecipe& recipe);

/// Settings that override the model's files; absent ones stay as the files have them.
struct RecipeOptions {
  std::string preprocess = "auto";  // or a pipeline's name, see PreprocessRecipe::name
  bool test_size = false;           // timm's test_input_size and test_crop_pct, where its config has them
  std::optional<double> crop_pct;
  std::optional<Size> resize_size;  // px; on the command line one number means a square
  std::optional<Size> crop_size;    // px; what the network is fed
  std::optional<CropMode> crop_mode;
  std::optional<Interpolation> interpolation;
  std::optional<std::array<float, 3>> mean;
  std::optional<std::array<float, 3>> std;
  std::optional<int> pillow_version;  // 13 or 12
};

/// Where the network's input lies in the picture: resize `original` to `resized`, then cut `crop` out of it with its
/// upper left corner at (`top`, `left`). A negative corner means padding on that side.
struct CropGeometry {
  Size original;
  Size resized;
  Size crop;
  int top = 0;
  int left = 0;
};

enum class Gray16 {
  kClip,   // as Pillow converts 16-bit grey: values above 255 become 255
  kScale,  // keep the high byte
};

/// How many of a JPEG's pixels are decoded when the recipe shrinks the picture.
enum class DecodeMode {
  kExact,  // all of them, as the libraries do that models are trained with
  kFast,   // 1/8, 2/8 or 4/8 of each side, if that is still at least twice the recipe's resize size
};

struct DecodeOptions {
  DecodeMode mode = DecodeMode::kExact;
  ExifMode exif = ExifMode::kApply;
  Gray16 gray16 = Gray16::kClip;
  std::uint64_t max_pixels = 100'000'000;  // checked against the header before any pixel is decoded
};

}  // namespace fovea
