#include "image/preprocess/resample.hpp"

#include <fmt/format.h>

#include <cstring>

#include "fovea/error.hpp"
#include "image/preprocess/resample_kernels.hpp"
#include "image/preprocess/resample_taps.hpp"

namespace fovea {
namespace {

/// A view of the rows [top, bottom) and columns [left, right) of an image.
RowsView view_of(const Image& image, int top, int bottom, int left, int right) {
  return {image.row(top) + static_cast<std::size_t>(left) * 3,
          image.row_bytes(),
          {bottom - top, right - left},
          image.pixels().data() + image.pixels().size()};
}

Image copy_of(const RowsView& view) {
  Image out(view.size);
  for (int y = 0; y < view.size.height; ++y) {
    std::memcpy(out.row(y), view.rows + static_cast<std::size_t>(y) * view.stride, out.row_bytes());
  }
  return out;
}

Image nearest(const Image& image, Size to, Resampler resampler, Region region) {
  const auto sources = [&](int in, int out, int begin, int count) {
    return resampler == Resampler::kPillow ? nearest_sources(in, out, begin, count)
                                           : nearest_exact_sources(in, out, begin, count);
  };
  const std::vector<int> rows = sources(image.size().height, to.height, region.top, region.size.height);
  const std::vector<int> columns = sources(image.size().width, to.width, region.left, region.size.width);
  Image out(region.size);
  for (int y = 0; y < region.size.height; ++y) {
    const int source_row = rows[static_cast<std::size_t>(y)];
    if (source_row < 0) continue;  // stays black, as in Pillow
    std::uint8_t* pixel = out.row(y);
    for (const int column : columns) {
      if (column >= 0) std::memcpy(pixel, image.row(source_row) + static_cast<std::size_t>(column) * 3, 3);
      pixel += 3;
    }
  }
  return out;
}

/// The order of the two passes decides the rounding between them. It is chosen by the sizes of the whole picture:
/// Pillow 13 compares the work that either order saves, Pillow 12 runs the vertical pass first only for very tall
/// pictures, torch never does.
bool vertical_first(Size from, Size to, const Resampling& how) {
  if (how.resampler == Resampler::kAten || to.height >= from.height) return false;
  const auto height = static_cast<std::int64_t>(from.height);
  const auto width = static_cast<std::int64_t>(from.width);
  return how.pillow_version >= 13 ? height - to.height > 2 * (width - to.width) : height > 100 * width;
}

void check_request(const Image& image, Size to, const Resampling& how, Region region) {
  if (image.empty() || region.top < 0 || region.left < 0 || region.size.height <= 0 || region.size.width <= 0 ||
      region.size.height > to.height - region.top || region.size.width > to.width - region.left) {
    throw Error(ErrorCode::kShape,
                fmt::format("resample: region is {}x{} at ({}, {}), expected one inside {}x{} (height x width)",
                            region.size.height, region.size.width, region.top, region.left, to.height, to.width));
  }
  if (!has_filter(how.resampler, how.filter)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("resample: the filter is {}, expected one that torch has", name(how.filter)),
                "--preprocess hf-pil resamples with Pillow, which has all six filters");
  }
}

}  // namespace

bool has_filter(Resampler resampler, Interpolation filter) noexcept {
  using enum Interpolation;
  if (resampler == Resampler::kAtenFloat) return filter == kBilinear || filter == kBicubic;
  return resampler == Resampler::kPillow || (filter != kBox && filter != kHamming);
}

Image resample(const Image& image, Size to, const Resampling& how, Region region) {
  check_request(image, to, how, region);
  const Size from = image.size();
  if (how.filter == Interpolation::kNearest) return nearest(image, to, how.resampler, region);

  const int bottom = region.top + region.size.height;
  const int right = region.left + region.size.width;
  const bool across = to.width != from.width;
  const bool down = to.height != from.height;
  if (!across && !down) return copy_of(view_of(image, region.top, bottom, region.left, right));

  Image out(region.size);
  if (!down) {
    const AxisTaps columns = make_axis_taps(from.width, to.width, region.left, region.size.width, how);
    horizontal_pass(view_of(image, region.top, bottom, columns.source_begin, columns.source_end), columns, out);
    return out;
  }
  const AxisTaps rows = make_axis_taps(from.height, to.height, region.top, region.size.height, how);
  if (!across) {
    vertical_pass(view_of(image, rows.source_begin, rows.source_end, region.left, right), rows, out);
    return out;
  }
  const AxisTaps columns = make_axis_taps(from.width, to.width, region.left, region.size.width, how);
  const RowsView needed = view_of(image, rows.source_begin, rows.source_end, columns.source_begin, columns.source_end);
  if (vertical_first(from, to, how)) {
    Image between({region.size.height, needed.size.width});
    vertical_pass(needed, rows, between);
    horizontal_pass(view_of(between, 0, between.size().height, 0, between.size().width), columns, out);
  } else {
    Image between({needed.size.height, region.size.width});
    horizontal_pass(needed, columns, between);
    vertical_pass(view_of(between, 0, between.size().height, 0, between.size().width), rows, out);
  }
  return out;
}

Image resample(const Image& image, Size to, const Resampling& how) {
  return resample(image, to, how, Region{0, 0, to});
}

}  // namespace fovea
