// A roofline (Williams, Waterman & Patterson 2009): how fast each kind of layer ran beside what the machine allows.
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

/// STREAM triad over arrays of `bytes` together.
struct Bandwidth {
  std::size_t bytes = 0;
  double gb_per_s = 0;
};

struct Roofline {
  std::string title;
  std::vector<RooflinePoint> points;
  double fma_gflop_per_s = 0;     // peak of float32 fused multiply-adds
  double matmul_gflop_per_s = 0;  // of large matrix products in the model's precision
  Bandwidth cache;                // arrays fit the last cache: what a layer before left there
  Bandwidth memory;               // they are far larger
  double forward_ms = 0;          // the forward pass as a whole, in runs between those of the layers one by one

  /// Of arithmetic, whichever is faster: bfloat16 units go beyond the FMA peak.
  [[nodiscard]] double peak_gflop_per_s() const noexcept;
  /// What can be reached at this intensity with all operands in the cache.
  [[nodiscard]] double roof_gflop_per_s(double flop_per_byte) const noexcept;
  [[nodiscard]] double layers_ms() const noexcept;
};

/// A picture by itself, in light or dark as its viewer prefers: both axes logarithmic, roofs as lines, a point for each
/// kind of layer, larger where it takes more of the time.
[[nodiscard]] std::string roofline_svg(const Roofline& roofline);

}  // namespace fovea
