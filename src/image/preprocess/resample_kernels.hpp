// The resampler's two passes as vector code, chosen at run time for the machine's instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fovea/image.hpp"
#include "image/preprocess/resample_taps.hpp"

namespace fovea {

/// A view of rows of RGB pixels inside a larger buffer.
struct RowsView {
  const std::uint8_t* rows = nullptr;  // the first row's first pixel
  std::size_t stride = 0;              // bytes from row to row
  Size size;                           // px
  const std::uint8_t* end = nullptr;   // end of the buffer; reading up to it is allowed
};

/// Computes each output row from one source row: out is [source.size.height, taps.count].
void horizontal_pass(const RowsView& source, const AxisTaps& taps, Image& out);
/// Computes each output row from several source rows: out is [taps.count, source.size.width].
void vertical_pass(const RowsView& source, const AxisTaps& taps, Image& out);

/// The instruction sets that the passes are compiled for, by Highway's numbers.
[[nodiscard]] std::vector<std::int64_t> resample_targets();

}  // namespace fovea
