// Linear layers y = act(x Wᵀ + b), whatever the precision they are computed in.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "fovea/model.hpp"
#include "fovea/tensor.hpp"
#include "nn/workspace.hpp"

namespace fovea::nn {

struct LinearShape {
  std::size_t rows = 0;
  std::size_t in_features = 0;
  std::size_t out_features = 0;
  Activation activation = Activation::kNone;
  bool accumulate = false;  // y += instead of y =; not together with an activation
};

/// W and b, packed once for this machine; immutable, shared by all sessions.
class LinearWeights {
 public:
  virtual ~LinearWeights() = default;
};

/// The operation for one shape, compiled once and run with any weights of that shape.
class Linear {
 public:
  virtual ~Linear() = default;
  /// @param x  [rows, in_features]
  /// @param y  [rows, out_features]
  virtual void operator()(const LinearWeights& weights, std::span<const float> x, std::span<float> y) = 0;
};

/// @param weight   [out_features, in_features]
/// @param bias     [out_features]
/// @throws Error   kBackend if this machine cannot compute in this precision.
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear(Precision precision, MatrixView<const float> weight,
                                                         std::span<const float> bias);
/// The same weight for the way back: y = x W, a linear layer of shape {rows, out_features, in_features}, no bias.
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_backward(Precision precision, MatrixView<const float> weight);
[[nodiscard]] std::unique_ptr<Linear> make_linear(Precision precision, const LinearShape& shape, Workspace& workspace);

}  // namespace fovea::nn
