// Where the pixels of an image lie in its patches.
#pragma once

#include <cstddef>

#include "fovea/image.hpp"

namespace fovea {

class PatchPixels {
 public:
  PatchPixels(PatchGrid grid, std::size_t patch_size) : grid_(grid), side_(patch_size) {}

  [[nodiscard]] std::size_t height() const { return grid_.rows * side_; }
  [[nodiscard]] std::size_t width() const { return grid_.cols * side_; }
  [[nodiscard]] std::size_t patch_at(std::size_t y, std::size_t x) const { return y / side_ * grid_.cols + x / side_; }
  /// The index into [T, 3·P·P].
  [[nodiscard]] std::size_t at(std::size_t channel, std::size_t y, std::size_t x) const {
    return ((patch_at(y, x) * 3 + channel) * side_ + y % side_) * side_ + x % side_;
  }

 private:
  PatchGrid grid_;
  std::size_t side_;  // px
};

}  // namespace fovea
