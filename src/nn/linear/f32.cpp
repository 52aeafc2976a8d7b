// Linear layers in float32, by oneDNN's matmul with weights in the layout that it asks for.
#include <cassert>
#include <cstring>
#include <vector>

#include "nn/kernels/share.hpp"
#include "nn/linear/onednn.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea::nn {
namespace {

using dnnl::memory;

dnnl::matmul::primitive_desc describe(const LinearShape& shape, const memory::desc& weights) {
  dnnl::post_ops post_ops;
  if (shape.accumulate) post_ops.append_sum(1.0F);
  dnnl::primitive_attr attr = user_scratchpad();
  attr.set_post_ops(post_ops);
  const memory::desc bias = dense({1, dim(shape.out_features)});
  return matmul_desc(dense({dim(shape.rows), dim(shape.in_features)}), weights, &bias,
                     dense({dim(shape.rows), dim(shape.out_features)}), attr);
}

/// The layout depends on the machine and on [in, out] only, not on the number of rows: all sessions share one copy.
memory::desc packed_layout(std::size_t in_features, std::size_t out_features) {
  constexpr std::size_t kTypicalRows = 256;
  const memory::desc any({dim(in_features), dim(out_features)}, memory::data_type::f32, memory::format_tag::any);
  return describe({kTypicalRows, in_features, out_features}, any).weights_desc();
}

struct LinearWeightsF32 final : LinearWeights {
  /// @param axes  how [in, out] lies in `weight`: ba where its rows are outputs, ab where they are inputs
  LinearWeightsF32(MatrixView<const float> weight, memory::format_tag axes, std::size_t in, std::size_t out,
                   std::span<const float> bias_values)
      : packed(packed_layout(in, out), {{dim(in), dim(out)}, memory::data_type::f32, axes}, weight.values().data()),
        bias(dense({1, dim(out)}), cpu_engine()) {
    assert(bias_values.size() == out && weight.values().size() == in * out);
    std::memcpy(bias.get_data_handle(), bias_values.data(), bias_values.size_bytes());
  }
  // Read only after this; oneDNN's handles know no const.
  mutable PackedMemory packed;  // [in, out]
  mutable memory bias;          // [1, out]
};

class LinearF32 final : public Linear {
 public:
  LinearF32(const LinearShape& shape, Workspace& workspace)
      : LinearF32(shape, describe(shape, packed_layout(shape.in_features, shape.out_features)), workspace) {}

  [[nodiscard]] Operand* operand(const LinearWeights& /*weights*/) override { return nullptr; }
  void multiply(const LinearWeights& weights, std::span<const float> x, std::span<float> y,
                const RowsDone& done) override {
    assert(x.size() == shape().rows * shape().in_features && y.size() == shape().rows * shape().out_features);
    const auto& own = static_cast<const LinearWeightsF32&>(weights);
    matmul_.execute({{DNNL_ARG_SRC, x_, x.data()},
                     {DNNL_ARG_WEIGHTS, own.packed, nullptr},
                     {DNNL_ARG_BIAS, own.bias, nullptr},
                     {DNNL_ARG_DST, y_, y.data()}});
    if (done) share(shape().rows, kFewRows, done);
  }

 private:
  LinearF32(const LinearShape& shape, const dnnl::matmul::primitive_desc& desc, Workspace& workspace)
      : Linear(shape),
        matmul_(dnnl::matmul(desc), desc, workspace),
        x_(unbound(desc.src_desc())),
        y_(unbound(desc.dst_desc())) {}

  Primitive matmul_;
  memory x_;  // [rows, in]
  memory y_;  // [rows, out]
};

}  // namespace

std::unique_ptr<LinearWeights> pack_linear_f32(MatrixView<const float> weight, std::span<const float> bias) {
  // [out, in] row-major is [in, out] with its axes swapped: no transpose, only a view.
  return translate_errors("packing weights", [&] {
    return std::make_unique<LinearWeightsF32>(weight, memory::format_tag::ba, weight.cols(), weight.rows(), bias);
  });
}

std::unique_ptr<LinearWeights> pack_linear_backward_f32(MatrixView<const float> weight) {
  const std::vector<float> no_bias(weight.cols(), 0.0F);
  return translate_errors("packing weights", [&] {
    return std::make_unique<LinearWeightsF32>(weight, memory::format_tag::ab, weight.rows(), weight.cols(), no_bias);
  });
}

std::unique_ptr<Linear> make_linear_f32(const LinearShape& shape, Workspace& workspace) {
  return translate_errors("making a linear layer", [&] { return std::make_unique<LinearF32>(shape, workspace); });
}

}  // namespace fovea::nn
