#include "image/preprocess/patches.hpp"

#include <fmt/format.h>

#include <array>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

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

/// cv::Mat has no pointers to const, though these are only read.
cv::Mat plane(float* values, int rows, int cols) {
  return cv::Mat(rows, cols, CV_32FC1, values);
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

void extract_patches(const Image& image, const PreprocessRecipe& recipe, std::size_t patch_size,
                     std::span<float> patches) {
  const auto height = static_cast<std::size_t>(image.size().height);
  const auto width = static_cast<std::size_t>(image.size().width);
  if (image.empty() || patch_size == 0 || height < patch_size || width < patch_size) {
    throw Error(ErrorCode::kShape, fmt::format("picture is {}x{} px, expected at least one patch of {}x{} px", width,
                                               height, patch_size, patch_size));
  }
  const std::size_t rows = height / patch_size;
  const std::size_t cols = width / patch_size;
  const std::size_t patch_values = 3 * patch_size * patch_size;
  if (patches.size() != rows * cols * patch_values) {
    throw Error(ErrorCode::kShape,
                fmt::format("patches: output has {} values, expected {} ({} patches of 3 x {} x {})", patches.size(),
                            rows * cols * patch_values, rows * cols, patch_size, patch_size));
  }
  const std::array<ChannelTable, 3> tables = tables_of(recipe);
  const auto side = static_cast<int>(patch_size);
  // Processes one row of patches at a time, so that the strip stays in the cache.
  const std::size_t plane_size = patch_size * width;
  AlignedBuffer<float> strip(3 * plane_size);
  float* to = patches.data();
  for (std::size_t row = 0; row < rows; ++row) {
    float* const planes = strip.data();
    normalize_pixels(image.row(static_cast<int>(row) * side), plane_size, tables, planes, planes + plane_size,
                     planes + 2 * plane_size);
    for (std::size_t col = 0; col < cols; ++col) {
      const int left = static_cast<int>(col) * side;
      for (std::size_t c = 0; c < 3; ++c, to += patch_size * patch_size) {
        const cv::Mat patch = plane(planes + c * plane_size, side, image.size().width)(cv::Rect(left, 0, side, side));
        patch.copyTo(plane(to, side, side));
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
