// The nonlinearity of an MLP by itself, with its derivative: for the way back, which needs what entered it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "fovea/model.hpp"
#include "nn/workspace.hpp"

namespace fovea::nn {

class ActivationLayer {
 public:
  /// @param activation  not kNone
  /// @param size        values at a time
  ActivationLayer(Activation activation, std::size_t size, Workspace& workspace);

  /// y = act(x), bit for bit what a linear layer with this activation gives.
  void operator()(std::span<const float> x, std::span<float> y);
  /// dx = dy ⊙ act'(x); dx may be dy.
  void backward(std::span<const float> x, std::span<const float> dy, std::span<float> dx);

 private:
  Activation kind_;
};

}  // namespace fovea::nn
