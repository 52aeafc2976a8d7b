// Linear layers y = x Wᵀ + b, whatever the precision they are computed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fovea/precision.hpp"
#include "fovea/tensor.hpp"
#include "nn/kernels/rows.hpp"
#include "nn/linear/workspace.hpp"

namespace fovea::nn {

struct LinearShape {
  std::size_t rows = 0;
  std::size_t in_features = 0;
  std::size_t out_features = 0;
  bool accumulate = false;  // y += instead of y =
};

/// W and b, packed once for this machine; immutable, shared by all sessions.
class LinearWeights {
 public:
  virtual ~LinearWeights() = default;
  /// The precision of the operation that these weights are for.
  [[nodiscard]] virtual Precision precision() const noexcept { return Precision::kF32; }
  /// The layer's bias, [out_features], beside weights for the backward pass, which do not add it; else empty.
  [[nodiscard]] std::span<const float> bias() const noexcept { return bias_; }

 private:
  friend std::unique_ptr<LinearWeights> pack_linear_backward(Precision precision, MatrixView<const float> weight,
                                                             std::span<const float> bias);
  std::vector<float> bias_;
};

/// x of a linear layer in the form in which it is multiplied. The layer that computes x packs a few rows at a time,
/// while the rows are in the core's own cache.
class Operand {
 public:
  virtual ~Operand() = default;
  /// Any rows on any thread; all of them once for each product.
  /// @param rows  [count, in_features], from row `first` on
  virtual void pack(std::size_t first, std::size_t count, std::span<const float> rows) = 0;
};

/// The operation for one shape, compiled once and run with any weights of that shape.
class Linear {
 public:
  explicit Linear(const LinearShape& shape) : shape_(shape) {}
  virtual ~Linear() = default;
  [[nodiscard]] const LinearShape& shape() const noexcept { return shape_; }

  /// Where x is packed for these weights; nullptr: x is multiplied without packing.
  [[nodiscard]] virtual Operand* operand(const LinearWeights& weights) = 0;
  /// @param x     [rows, in_features], packed before where there is an operand()
  /// @param y     [rows, out_features]
  /// @param done  told about all rows of y; may be empty
  virtual void multiply(const LinearWeights& weights, std::span<const float> x, std::span<float> y,
                        const RowsDone& done) = 0;

  /// Packs rows of x as soon as they are done; empty: x is multiplied without packing.
  [[nodiscard]] RowsDone packer(const LinearWeights& weights, std::span<const float> x);
  /// Packs all rows of x, on all threads.
  void pack(const LinearWeights& weights, std::span<const float> x);
  /// pack(), then multiply().
  void operator()(const LinearWeights& weights, std::span<const float> x, std::span<float> y) {
    pack(weights, x);
    multiply(weights, x, y, {});
  }

 private:
  LinearShape shape_;
};

/// @param weight   [out_features, in_features]; for int8 each row is rounded with a scale of its own
/// @param bias     [out_features]
/// @throws Error   kBackend if this machine cannot compute in this precision.
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear(Precision precision, MatrixView<const float> weight,
                                                         std::span<const float> bias);
/// Weights that are integers already, W = scales ⊙ weight.
/// @param weight   [out_features, in_features]
/// @param scales   [out_features]
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_int8(MatrixView<const std::int8_t> weight,
                                                              std::span<const float> scales,
                                                              std::span<const float> bias);
/// The same weight for the backward pass: y = x W, a linear layer of shape {rows, out_features, in_features}. The bias
/// is kept beside it and not added. Not in int8: gradients want more digits.
[[nodiscard]] std::unique_ptr<LinearWeights> pack_linear_backward(Precision precision, MatrixView<const float> weight,
                                                                  std::span<const float> bias);
/// An operation for kInt8 accepts weights of any precision: a model in int8 has layers in others, too.
[[nodiscard]] std::unique_ptr<Linear> make_linear(Precision precision, const LinearShape& shape, Workspace& workspace);

}  // namespace fovea::nn
