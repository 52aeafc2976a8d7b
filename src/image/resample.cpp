#include "image/resample.hpp"

#include <fmt/format.h>

#include <cstring>

#include "fovea/error.hpp"
#include "image/resample_kernels.hpp"
#include "image/resample_taps.hpp"

namespace fovea {
namespace {

/// The rows [top, bottom) and columns [left, right) of an image, in place.
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

Image nearest(const Image& image, Size to, Region region) {
  const std::vector<int> rows = nearest_sources(image.size().height, to.height, region.top, region.size.height);
  const std::vector<int> columns = nearest_sources(image.size().width, to.width, region.left, region.size.width);
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

/// Pillow 13's choice, made from the sizes of the whole picture.
bool vertical_first(Size from, Size to) {
  return to.height<from.height&& static_cast<std::int64_t>(from.height) - to.height> 2 *
         (static_cast<std::int64_t>(from.width) - to.width);
}

}  // namespace

Image resample(const Image& image, Size to, Interpolation filter, Region region) {
  const Size from = image.size();
  if (image.empty() || region.top < 0 || region.left < 0 || region.size.height <= 0 || region.size.width <= 0 ||
      region.size.height > to.height - region.top || region.size.width > to.width - region.left) {
    throw Error(ErrorCode::kShape,
                fmt::format("resample: region is {}x{} at ({}, {}), expected one inside {}x{} (height x width)",
                            region.size.height, region.size.width, region.top, region.left, to.height, to.width));
  }
  if (filter == Interpolation::kNearest) return nearest(image, to, region);

  const int bottom = region.top + region.size.height;
  const int right = region.left + region.size.width;
  const bool across = to.width != from.width;
  const bool down = to.height != from.height;
  if (!across && !down) return copy_of(view_of(image, region.top, bottom, region.left, right));

  Image out(region.size);
  if (!down) {
    const AxisTaps columns = make_axis_taps(from.width, to.width, region.left, region.size.width, filter);
    horizontal_pass(view_of(image, region.top, bottom, columns.source_begin, columns.source_end), columns, out);
    return out;
  }
  const AxisTaps rows = make_axis_taps(from.height, to.height, region.top, region.size.height, filter);
  if (!across) {
    vertical_pass(view_of(image, rows.source_begin, rows.source_end, region.left, right), rows, out);
    return out;
  }
  const AxisTaps columns = make_axis_taps(from.width, to.width, region.left, region.size.width, filter);
  const RowsView needed = view_of(image, rows.source_begin, rows.source_end, columns.source_begin, columns.source_end);
  if (vertical_first(from, to)) {
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

Image resample(const Image& image, Size to, Interpolation filter) {
  return resample(image, to, filter, Region{0, 0, to});
}

}  // namespace fovea
