// Linear layers on units for 8-bit integers. Weights have a scale for each output. Activations are unsigned, as the
// units want one factor, with a scale and a zero for each row, found while they are packed. Sums are 32-bit integers,
// exact in any order. Everything after the sums is float32.
#include <cassert>
#include <numeric>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/precision.hpp"
#include "nn/kernels/int8_kernels.hpp"
#include "nn/kernels/share.hpp"
#include "nn/linear/onednn.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea::nn {
namespace {

using dnnl::memory;

memory::desc integers(std::size_t rows, std::size_t cols, memory::data_type type) {
  return {{dim(rows), dim(cols)}, type, memory::format_tag::ab};
}

dnnl::matmul::primitive_desc describe(std::size_t rows, std::size_t in_features, std::size_t out_features,
                                      const memory::desc& weights) {
  return matmul_desc(integers(rows, in_features, memory::data_type::u8), weights, nullptr,
                     integers(rows, out_features, memory::data_type::s32), user_scratchpad());
}

/// As in float32, it depends on the machine and on [in, out] only.
memory::desc packed_layout(std::size_t in_features, std::size_t out_features) {
  constexpr std::size_t kTypicalRows = 256;
  const memory::desc any({dim(in_features), dim(out_features)}, memory::data_type::s8, memory::format_tag::any);
  return describe(kTypicalRows, in_features, out_features, any).weights_desc();
}

/// [out, in] row-major is [in, out] with its axes swapped: no transpose, only a view.
memory::desc stored_as(const MatrixView<const std::int8_t>& weight) {
  return {{dim(weight.cols()), dim(weight.rows())}, memory::data_type::s8, memory::format_tag::ba};
}

struct LinearWeightsInt8 final : LinearWeights {
  /// @param weight  [out, in]
  LinearWeightsInt8(MatrixView<const std::int8_t> weight, std::span<const float> out_scales,
                    std::span<const float> bias_values)
      : packed(packed_layout(weight.cols(), weight.rows()), stored_as(weight), weight.values().data()),
        scales(out_scales.begin(), out_scales.end()),
        bias(bias_values.begin(), bias_values.end()) {
    sums.reserve(weight.rows());
    for (std::size_t o = 0; o < weight.rows(); ++o) {
      const std::span<const std::int8_t> row = weight.row(o);
      sums.push_back(std::accumulate(row.begin(), row.end(), std::int32_t{0}));
    }
    assert(scales.size() == weight.rows() && bias.size() == weight.rows());
  }
  [[nodiscard]] Precision precision() const noexcept override { return Precision::kInt8; }

  mutable PackedMemory packed;     // [in, out]; read only after this; oneDNN's handles know no const
  std::vector<std::int32_t> sums;  // over the inputs of each output
  std::vector<float> scales;
  std::vector<float> bias;
};

class LinearInt8 final : public Linear, Operand {
 public:
  LinearInt8(const LinearShape& shape, Workspace& workspace)
      : LinearInt8(shape,
                   describe(shape.rows, shape.in_features, shape.out_features,
                            packed_layout(shape.in_features, shape.out_features)),
                   workspace) {}

  [[nodiscard]] Operand* operand(const LinearWeights& /*weights*/) override { return this; }
  void pack(std::size_t first, std::size_t count, std::span<const float> rows) override {
    quantize_rows(shape().in_features, rows, rows_of(rounded_.span(), shape().in_features, first, count),
                  steps_.span().subspan(first, count));
  }
  void multiply(const LinearWeights& weights, [[maybe_unused]] std::span<const float> x, std::span<float> y,
                const RowsDone& done) override {
    assert(x.size() == shape().rows * shape().in_features && y.size() == shape().rows * shape().out_features);
    assert(weights.precision() == Precision::kInt8);
    const auto& own = static_cast<const LinearWeightsInt8&>(weights);
    matmul_.execute(
        {{DNNL_ARG_SRC, x_, nullptr}, {DNNL_ARG_WEIGHTS, own.packed, nullptr}, {DNNL_ARG_DST, y_, nullptr}});
    share(shape().rows, kFewRows, [&](std::size_t first, std::size_t count) {
      const std::size_t features = shape().out_features;
      scale_sums(rows_of(sums_.span(), features, first, count), steps_.span().subspan(first, count),
                 {own.sums, own.scales, own.bias}, shape().accumulate, rows_of(y, features, first, count));
      if (done) done(first, count);
    });
  }

 private:
  LinearInt8(const LinearShape& shape, const dnnl::matmul::primitive_desc& desc, Workspace& workspace)
      : Linear(shape),
        rounded_(shape.rows * shape.in_features),
        steps_(shape.rows),
        sums_(shape.rows * shape.out_features),
        matmul_(dnnl::matmul(desc), desc, workspace),
        x_(desc.src_desc(), cpu_engine(), rounded_.data()),
        y_(desc.dst_desc(), cpu_engine(), sums_.data()) {}

  AlignedBuffer<std::uint8_t> rounded_;  // [rows, in]
  AlignedBuffer<RowStep> steps_;         // [rows]
  AlignedBuffer<std::int32_t> sums_;     // [rows, out]
  Primitive matmul_;
  memory x_;  // rounded_
  memory y_;  // sums_
};

}  // namespace

std::unique_ptr<LinearWeights> pack_linear_int8(MatrixView<const std::int8_t> weight, std::span<const float> scales,
                                                std::span<const float> bias) {
  return translate_errors("packing weights", [&] { return std::make_unique<LinearWeightsInt8>(weight, scales, bias); });
}

std::unique_ptr<LinearWeights> pack_linear_int8(MatrixView<const float> weight, std::span<const float> bias) {
  std::vector<std::int8_t> rounded(weight.values().size());
  std::vector<float> scales(weight.rows());
  quantize_rows(weight.cols(), weight.values(), rounded, scales);
  return pack_linear_int8({rounded, weight.rows(), weight.cols()}, scales, bias);
}

std::unique_ptr<Linear> make_linear_int8(const LinearShape& shape, Workspace& workspace) {
  return translate_errors("making a linear layer", [&] { return std::make_unique<LinearInt8>(shape, workspace); });
}

}  // namespace fovea::nn
