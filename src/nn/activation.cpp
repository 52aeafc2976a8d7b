#include "nn/activation.hpp"

#include "nn/activation_kernels.hpp"

namespace fovea::nn {

ActivationLayer::ActivationLayer(Activation activation, std::size_t, Workspace&) : kind_(activation) {}

void ActivationLayer::operator()(std::span<const float> x, std::span<float> y) {
  activate(kind_, x, y);
}

void ActivationLayer::backward(std::span<const float> x, std::span<const float> dy, std::span<float> dx) {
  activate_backward(kind_, x, dy, dx);
}

}  // namespace fovea::nn
