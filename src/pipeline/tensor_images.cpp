#include "pipeline/tensor_images.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr const char* kExpected = "float32 [3, H, W] or [n, 3, H, W], as normalised for the model";

/// A file that the user named and that cannot be used is a mistake in the call, whatever the reason.
template <typename Step>
auto or_usage_error(Step&& step) {
  try {
    return step();
  } catch (const Error& error) {
    throw Error(ErrorCode::kUsage, error.what(),
                error.hint().empty() ? fmt::format("--tensor takes a .npy of {}", kExpected) : error.hint());
  }
}

void check_shape(const std::vector<std::size_t>& shape, const std::filesystem::path& file) {
  const std::size_t rank = shape.size();
  const auto is_side = [](std::size_t side) {
    return side > 0 && side <= static_cast<std::size_t>(std::numeric_limits<int>::max());
  };
  const bool fits = (rank == 3 || rank == 4) && shape[rank - 3] == 3 && is_side(shape[rank - 2]) &&
                    is_side(shape[rank - 1]) && (rank == 3 || shape[0] > 0);
  if (fits) return;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("{}: shape is ({}), expected (3, H, W) or (n, 3, H, W)", printable(file), fmt::join(shape, ", ")),
      "numpy.save('x.npy', x.numpy()) of the tensor that the reference's own model is fed");
}

}  // namespace

TensorImages::TensorImages(const std::filesystem::path& file)
    : path_(file),
      file_(or_usage_error([&] { return MappedFile(file); })),
      array_(or_usage_error([&] { return view_npy_f32(file_.bytes(), printable(file)); })),
      count_((check_shape(array_.shape, file), array_.shape.size() == 4 ? array_.shape.front() : 1)),
      size_{static_cast<int>(*(array_.shape.end() - 2)), static_cast<int>(array_.shape.back())} {}

std::vector<Input> TensorImages::inputs() const {
  std::vector<Input> inputs;
  inputs.reserve(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    inputs.push_back({.path = fmt::format("{}#{}", path_.native(), i),
                      .name = fmt::format("{}#{}", path_.filename().native(), i),
                      .failure = {},
                      .file = path_.native()});
  }
  return inputs;
}

void TensorImages::read(std::size_t index, std::span<float> chw) const {
  assert(index < count_ && chw.size_bytes() * count_ == array_.values.size());
  std::memcpy(chw.data(), array_.values.data() + index * chw.size_bytes(), chw.size_bytes());
  const auto bad = std::find_if(chw.begin(), chw.end(), [](float value) { return !std::isfinite(value); });
  if (bad == chw.end()) return;
  const auto at = static_cast<std::size_t>(bad - chw.begin());
  const auto width = static_cast<std::size_t>(size_.width);
  const auto height = static_cast<std::size_t>(size_.height);
  throw Error(ErrorCode::kDecode,
              fmt::format("{}#{}: the value at [{}, {}, {}] is {}, expected a finite number", printable(path_), index,
                          at / (width * height), at / width % height, at % width, *bad));
}

Image denormalized(std::span<const float> chw, Size size, const PreprocessRecipe& recipe) {
  const double factor = recipe.normalization == Normalization::kDivide ? 1.0 / 255.0 : recipe.rescale_factor;
  Image image(size);
  const std::size_t area = chw.size() / 3;
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      auto value = static_cast<double>(chw[c * area + i]);
      if (recipe.normalize) value = value * static_cast<double>(recipe.std[c]) + static_cast<double>(recipe.mean[c]);
      image.pixels()[3 * i + c] = static_cast<std::uint8_t>(std::lround(std::clamp(value / factor, 0.0, 255.0)));
    }
  }
  return image;
}

}  // namespace fovea
