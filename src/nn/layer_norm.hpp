// Layer normalisation over the features of each row (Ba et al. 2016).
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "nn/workspace.hpp"

namespace fovea::nn {

class LayerNorm {
 public:
  /// @param eps  added to the variance
  LayerNorm(std::size_t rows, std::size_t features, float eps, Workspace& workspace);
  ~LayerNorm();
  LayerNorm(LayerNorm&&) noexcept;
  LayerNorm& operator=(LayerNorm&&) noexcept;

  /// @param weight, bias  [features]
  /// @param x, y          [rows, features]; may be the same memory
  void operator()(std::span<const float> weight, std::span<const float> bias, std::span<const float> x,
                  std::span<float> y);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fovea::nn
