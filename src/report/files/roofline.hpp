// A roofline (Williams, Waterman & Patterson 2009): the speed of each kind of layer and the machine's limits.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fovea {

/// All layers of one kind in the forward pass of one image.
struct RooflinePoint {
  std::string name;
  std::size_t layers = 0;
  double gflop = 0;      // 1e9 operations
  double gigabytes = 0;  // compulsory traffic, 1e9 bytes
  double ms = 0;
  [[nodiscard]] double gflop_per_s() const noexcept { return gflop / ms * 1e3; }
  [[nodiscard]] double gb_per_s() const noexcept { return gigabytes / ms * 1e3; }
  [[nodiscard]] double flop_per_byte() const noexcept { return gflop / gigabytes; }
};

/// The rate of the STREAM triad over arrays of `bytes` in total.
struct Bandwidth {
  std::size_t bytes = 0;
  double gb_per_s = 0;
};

struct Roofline {
  std::string title;
  std::vector<RooflinePoint> points;
  double fma_gflop_per_s = 0;     // peak of float32 fused multiply-adds
  double matmul_gflop_per_s = 0;  // peak of large matrix products in the model's precision
  Bandwidth cache;                // for arrays that fit the last cache, where the layer before leaves its output
  Bandwidth memory;               // for arrays that are far larger
  double forward_ms = 0;          // the whole forward pass, timed in runs between those of the single layers

  /// The peak of arithmetic: the faster of the two, since bfloat16 units can exceed the FMA peak.
  [[nodiscard]] double peak_gflop_per_s() const noexcept;
  /// The rate that can be reached at this intensity with all operands in the cache.
  [[nodiscard]] double roof_gflop_per_s(double flop_per_byte) const noexcept;
  [[nodiscard]] double layers_ms() const noexcept;
};

/// A self-contained picture in light or dark, as its viewer prefers. Both axes are logarithmic and roofs are lines.
/// Each kind of layer is a point, larger the more time it takes.
[[nodiscard]] std::string roofline_svg(const Roofline& roofline);

}  // namespace fovea
