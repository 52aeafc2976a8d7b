// Attention small enough for a page: a byte for each weight, deflated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fovea/tensor.hpp"

namespace fovea {

/// A row's weights in steps of 1/255 of its maximum, rounded to nearest: w = maximum · q / 255 ± maximum / 510.
struct PackedAttention {
  std::size_t num_heads = 0;  // 1 where heads were averaged
  std::size_t tokens = 0;
  /// zlib's format, of the rows' maxima, little-endian float32 [blocks, H, N], and then all q, u8 [blocks, H, N, N].
  std::string deflated;
};

/// Takes the blocks of one image in the order they come.
class AttentionPacker {
 public:
  /// @param mean_heads  one matrix a block, the mean over its heads
  explicit AttentionPacker(bool mean_heads) : mean_heads_(mean_heads) {}

  /// @param attention  [H, N, N], of the same sizes each time
  void add(const AttentionView& attention);
  /// Compresses what was added. Measured on DeiT-tiny: 1.4 M weights become 0.67 MB.
  [[nodiscard]] PackedAttention pack() const;

 private:
  bool mean_heads_;
  std::size_t num_heads_ = 0;
  std::size_t tokens_ = 0;
  std::vector<float> maxima_;
  std::vector<std::uint8_t> steps_;
  std::vector<float> mean_;
};

}  // namespace fovea
