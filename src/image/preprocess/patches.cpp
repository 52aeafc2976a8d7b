#include "image/preprocess/patches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

/// The 256 values that a channel can take, computed as the recipe's library does. The order of the operations and their
/// precision decide the last bit.
using ChannelTable = std::array<float, 256>;

float normalized(float x, float mean, float std, const PreprocessRecipe& recipe) {
  const double factor = recipe.rescale_factor;
  const bool fused = recipe.normalization == Normalization::kFused;
  if (!recipe.normalize)
    return fused ? x * static_cast<float>(factor) : static_cast<float>(static_cast<double>(x) * factor);
  switch (recipe.normalization) {
    case Normalization::kDivide: break;
    case Normalization::kScaled: return (x * static_cast<float>(factor) - mean) / std;
    case Normalization::kRescale: return (static_cast<float>(static_cast<double>(x) * factor) - mean) / std;
    case Normalization::kFused: {
      const auto scale = static_cast<float>(1.0 / factor);
      return (x - mean * scale) / (std * scale);
    }
  }
  return (x / 255.0F - mean) / std;
}

std::array<ChannelTable, 3> tables_of(const PreprocessRecipe& recipe) {
  std::array<ChannelTable, 3> tables{};
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      tables[c][value] = normalized(static_cast<float>(value), recipe.mean[c], recipe.std[c], recipe);
    }
  }
  return tables;
}

/// Writes `count` pixels to three planes.
void normalize_pixels(const std::uint8_t* rgb, std::size_t count, const std::array<ChannelTable, 3>& tables, float* red,
                      float* green, float* blue) {
  for (std::size_t i = 0; i < count; ++i) {
    red[i] = tables[0][rgb[3 * i]];
    green[i] = tables[1][rgb[3 * i + 1]];
    blue[i] = tables[2][rgb[3 * i + 2]];
  }
}

/// Patches of a picture: rows and columns of them, whole ones only.
/// @throws Error  kShape if there is none, or `values` has no room for exactly these.
PatchGrid grid_of(Size size, std::size_t patch_size, std::size_t values) {
  const auto height = static_cast<std::size_t>(size.height);
  const auto width = static_cast<std::size_t>(size.width);
  if (patch_size == 0 || height < patch_size || width < patch_size) {
    throw Error(ErrorCode::kShape, fmt::format("picture is {}x{} px, expected at least one patch of {}x{} px", width,
                                               height, patch_size, patch_size));
  }
  const PatchGrid grid{height / patch_size, width / patch_size};
  const std::size_t expected = grid.size() * 3 * patch_size * patch_size;
  if (values != expected) {
    throw Error(ErrorCode::kShape, fmt::format("patches: output has {} values, expected {} ({} patches of 3 x {} x {})",
                                               values, expected, grid.size(), patch_size, patch_size));
  }
  return grid;
}

/// cv::Mat has no pointer to const; the patches are only read through this one.
cv::Mat plane_of(const float* values, int rows, int cols, std::size_t stride) {
  return cv::Mat(rows, cols, CV_32FC1, const_cast<float*>(values), stride * sizeof(float));
}

/// Cuts one row of patches.
/// @param planes  the row's first pixel in the first channel; channels are `plane`, pixel rows `width` values apart
/// @param to      [cols, 3, P, P]
void cut_row(const float* planes, std::size_t plane, std::size_t width, std::size_t cols, std::size_t patch_size,
             float* to) {
  const auto side = static_cast<int>(patch_size);
  for (std::size_t col = 0; col < cols; ++col) {
    for (std::size_t c = 0; c < 3; ++c, to += patch_size * patch_size) {
      cv::Mat patch(side, side, CV_32FC1, to);
      plane_of(planes + c * plane + col * patch_size, side, side, width).copyTo(patch);
    }
  }
}

}  // namespace

void normalize(const Image& image, const PreprocessRecipe& recipe, std::span<float> chw) {
  const std::size_t area = image.pixels().size() / 3;
  if (chw.size() != area * 3) {
    throw Error(ErrorCode::kShape, fmt::format("normalised picture: output has {} values, expected {} (3 x {} x {})",
                                               chw.size(), area * 3, image.size().height, image.size().width));
  }
  normalize_pixels(image.pixels().data(), area, tables_of(recipe), chw.data(), chw.data() + area,
                   chw.data() + 2 * area);
}

void normalize(const Preprocessed& ready, const PreprocessRecipe& recipe, std::span<float> chw) {
  if (ready.scaled.empty()) return normalize(ready.pixels, recipe, chw);
  const std::size_t area = chw.size() / 3;
  for (std::size_t i = 0; i < chw.size(); ++i) {
    const float x = ready.scaled[i];
    chw[i] = recipe.normalize ? (x - recipe.mean.at(i / area)) / recipe.std.at(i / area) : x;
  }
}

void cut_patches(std::span<const float> chw, Size size, std::size_t patch_size, std::span<float> patches) {
  const PatchGrid grid = grid_of(size, patch_size, patches.size());
  const auto width = static_cast<std::size_t>(size.width);
  const std::size_t row_values = grid.cols * 3 * patch_size * patch_size;
  for (std::size_t row = 0; row < grid.rows; ++row) {
    cut_row(chw.data() + row * patch_size * width, chw.size() / 3, width, grid.cols, patch_size,
            patches.data() + row * row_values);
  }
}

void extract_patches(const Image& image, const PreprocessRecipe& recipe, std::size_t patch_size,
                     std::span<float> patches) {
  const PatchGrid grid = grid_of(image.size(), patch_size, patches.size());
  const std::array<ChannelTable, 3> tables = tables_of(recipe);
  const auto width = static_cast<std::size_t>(image.size().width);
  const std::size_t row_values = grid.cols * 3 * patch_size * patch_size;
  // One row of patches at a time, so that the strip stays in the cache.
  const std::size_t plane = patch_size * width;
  AlignedBuffer<float> strip(3 * plane);
  for (std::size_t row = 0; row < grid.rows; ++row) {
    normalize_pixels(image.row(static_cast<int>(row * patch_size)), plane, tables, strip.data(), strip.data() + plane,
                     strip.data() + 2 * plane);
    cut_row(strip.data(), plane, width, grid.cols, patch_size, patches.data() + row * row_values);
  }
}

void extract_patches(const Preprocessed& ready, const PreprocessRecipe& recipe, std::size_t patch_size,
                     std::span<float> patches) {
  if (ready.scaled.empty()) return extract_patches(ready.pixels, recipe, patch_size, patches);
  std::vector<float> chw(ready.scaled.size());
  normalize(ready, recipe, chw);
  cut_patches(chw, ready.pixels.size(), patch_size, patches);
}

void shift_patches(std::span<const float> patches, PatchGrid grid, std::size_t patch_size, int down, int right,
                   std::span<float> shifted) {
  const auto side = static_cast<int>(patch_size);
  const int height = static_cast<int>(grid.rows) * side;
  const int width = static_cast<int>(grid.cols) * side;
  /// Where a pixel of the first channel lies.
  const auto place = [&](int y, int x) {
    const auto patch = static_cast<std::size_t>(y / side) * grid.cols + static_cast<std::size_t>(x / side);
    return patch * 3 * patch_size * patch_size + static_cast<std::size_t>(y % side * side + x % side);
  };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::size_t to = place(y, x);
      const std::size_t from = place(std::clamp(y + down, 0, height - 1), std::clamp(x + right, 0, width - 1));
      for (std::size_t plane = 0; plane < 3 * patch_size * patch_size; plane += patch_size * patch_size) {
        shifted[to + plane] = patches[from + plane];
      }
    }
  }
}

void blur_patches(std::span<const float> patches, PatchGrid grid, std::size_t patch_size, std::span<float> blurred) {
  constexpr int kWindow = 11;   // px
  constexpr double kSigma = 5;  // px
  const std::size_t area = patch_size * patch_size;
  const auto side = static_cast<int>(patch_size);
  try {
    cv::Mat plane(static_cast<int>(grid.rows) * side, static_cast<int>(grid.cols) * side, CV_32F);
    cv::Mat smooth;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const auto each_patch = [&](const auto& visit) {
        for (std::size_t patch = 0; patch < grid.size(); ++patch) {
          visit(cv::Rect(static_cast<int>(patch % grid.cols) * side, static_cast<int>(patch / grid.cols) * side, side,
                         side),
                (patch * 3 + channel) * area);
        }
      };
      each_patch([&](const cv::Rect& place, std::size_t at) {
        // cv::Mat has no view of constant values; this one is only read.
        cv::Mat(side, side, CV_32F, const_cast<float*>(patches.data() + at)).copyTo(plane(place));
      });
      cv::GaussianBlur(plane, smooth, {kWindow, kWindow}, kSigma, kSigma, cv::BORDER_CONSTANT);
      each_patch([&](const cv::Rect& place, std::size_t at) {
        cv::Mat out(side, side, CV_32F, blurred.data() + at);
        smooth(place).copyTo(out);
      });
    }
  } catch (const cv::Exception& error) {
    throw Error(ErrorCode::kBackend, std::string("blur: ") + error.what());
  }
}

}  // namespace fovea
