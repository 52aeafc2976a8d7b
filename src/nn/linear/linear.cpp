// Which file computes which precision.
#include "nn/linear/linear.hpp"

#include <array>
#include <cassert>

#include "nn/kernels/share.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea::nn {
namespace {

/// For models whose layers differ in precision: each kind is compiled when it meets weights of its precision first.
class LinearByWeights final : public Linear {
 public:
  LinearByWeights(const LinearShape& shape, Workspace& workspace) : Linear(shape), workspace_(workspace) {}

  [[nodiscard]] Operand* operand(const LinearWeights& weights) override { return kind(weights).operand(weights); }
  void multiply(const LinearWeights& weights, std::span<const float> x, std::span<float> y,
                const RowsDone& done) override {
    kind(weights).multiply(weights, x, y, done);
  }

 private:
  [[nodiscard]] Linear& kind(const LinearWeights& weights) {
    std::unique_ptr<Linear>& linear = by_precision_.at(static_cast<std::size_t>(weights.precision()));
    if (!linear) linear = make(weights.precision());
    return *linear;
  }
  [[nodiscard]] std::unique_ptr<Linear> make(Precision precision) const {
    return precision == Precision::kInt8 ? make_linear_int8(shape(), workspace_)
                                         : make_linear(precision, shape(), workspace_);
  }

  Workspace& workspace_;
  std::array<std::unique_ptr<Linear>, std::size(kPrecisions)> by_precision_;
};

}  // namespace

RowsDone Linear::packer(const LinearWeights& weights, std::span<const float> x) {
  Operand* const own = operand(weights);
  if (own == nullptr) return {};
  return [own, x, features = shape_.in_features](std::size_t first, std::size_t count) {
    own->pack(first, count, rows_of(x, features, first, count));
  };
}

void Linear::pack(const LinearWeights& weights, std::span<const float> x) {
  assert(x.size() == shape_.rows * shape_.in_features);
  if (const RowsDone pack_rows = packer(weights, x)) share(shape_.rows, kFewRows, pack_rows);
}

std::size_t bf16_parts(Precision precision) noexcept {
  switch (precision) {
    case Precision::kF32:
    case Precision::kInt8: return 0;
    case Precision::kBf16x6: return 3;
    case Precision::kBf16x3: return 2;
    case Precision::kBf16: return 1;
  }
  return 0;
}

Precision precision_of_parts(std::size_t parts) noexcept {
  return parts == 1 ? Precision::kBf16 : parts == 2 ? Precision::kBf16x3 : Precision::kBf16x6;
}

std::unique_ptr<LinearWeights> pack_linear(Precision precision, MatrixView<const float> weight,
                                           std::span<const float> bias) {
  if (precision == Precision::kInt8) return pack_linear_int8(weight, bias);
  const std::size_t parts = bf16_parts(precision);
  if (parts == 0) return pack_linear_f32(weight, bias);
  return has_amx() ? pack_linear_amx(parts, weight, bias) : pack_linear_bf16(parts, weight, bias);
}

std::unique_ptr<LinearWeights> pack_linear_backward(Precision precision, MatrixView<const float> weight,
                                                    std::span<const float> bias) {
  assert(precision != Precision::kInt8 && bias.size() == weight.rows());
  const std::size_t parts = bf16_parts(precision);
  std::unique_ptr<LinearWeights> packed = parts == 0  ? pack_linear_backward_f32(weight)
                                          : has_amx() ? pack_linear_backward_amx(parts, weight)
                                                      : pack_linear_backward_bf16(parts, weight);
  packed->bias_.assign(bias.begin(), bias.end());
  return packed;
}

std::unique_ptr<Linear> make_linear(Precision precision, const LinearShape& shape, Workspace& workspace) {
  if (precision == Precision::kInt8) return std::make_unique<LinearByWeights>(shape, workspace);
  const std::size_t parts = bf16_parts(precision);
  if (parts == 0) return make_linear_f32(shape, workspace);
  return has_amx() ? make_linear_amx(parts, shape) : make_linear_bf16(parts, shape, workspace);
}

}  // namespace fovea::nn
