// Linear layers on bfloat16 units with float32 sums. Both factors are cut into P parts, and every product of two parts
// that is not beyond the last one's reach is summed: P = 1 is plain bfloat16, 2 (three products) all but float32, 3
// (six) float32 (Henry, Tang, Heinecke 2019, Leveraging the bfloat16 Artificial Intelligence Datatype For
// Higher-Precision Computations, arXiv:1904.06376).
#include <cassert>
#include <cstring>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/precision.hpp"
#include "nn/kernels/bf16_kernels.hpp"
#include "nn/kernels/share.hpp"
#include "nn/linear/bf16_parts.hpp"
#include "nn/linear/onednn.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea::nn {
namespace {

using dnnl::memory;

/// One of the products that are summed into y; the small ones come first, with the last one the layer is complete.
struct Product {
  std::size_t x_part;
  std::size_t weight_part;
  bool first;
  bool last;
};

std::vector<Product> products_of(std::size_t parts) {
  std::vector<Product> products;
  products.reserve(parts * (parts + 1) / 2);
  for (std::size_t sum = parts; sum-- > 0;) {
    for (std::size_t part = 0; part <= sum; ++part) products.push_back({part, sum - part, false, false});
  }
  products.front().first = true;
  products.back().last = true;
  return products;
}

dnnl::matmul::primitive_desc describe(const LinearShape& shape, const Product& product, const memory::desc& weights) {
  dnnl::post_ops post_ops;
  if (!product.first || shape.accumulate) post_ops.append_sum(1.0F);
  dnnl::primitive_attr attr = user_scratchpad();
  attr.set_post_ops(post_ops);
  const memory::desc x({dim(shape.rows), dim(shape.in_features)}, memory::data_type::bf16, memory::format_tag::ab);
  const memory::desc bias = dense({1, dim(shape.out_features)});
  return matmul_desc(x, weights, product.last ? &bias : nullptr, dense({dim(shape.rows), dim(shape.out_features)}),
                     attr);
}

constexpr std::size_t kManyRows = 256;  // of an image, about

/// As in float32, it depends on the machine and on [in, out] only.
memory::desc packed_layout(std::size_t in_features, std::size_t out_features) {
  const memory::desc any({dim(in_features), dim(out_features)}, memory::data_type::bf16, memory::format_tag::any);
  return describe({kManyRows, in_features, out_features}, {0, 0, true, true}, any).weights_desc();
}

struct LinearWeightsBf16 final : LinearWeights {
  /// @param axes  how [in, out] lies in `weight`: ba where its rows are outputs, ab where they are inputs
  LinearWeightsBf16(MatrixView<const float> weight, memory::format_tag axes, std::size_t in, std::size_t out,
                    std::span<const float> bias_values, std::size_t num_parts)
      : bias(dense({1, dim(out)}), cpu_engine()) {
    assert(bias_values.size() == out && weight.values().size() == in * out);
    AlignedBuffer<std::uint16_t> split(num_parts * in * out);
    split_into_bf16(weight.values(), num_parts, split.data(), in * out);
    const memory::desc stored({dim(in), dim(out)}, memory::data_type::bf16, axes);
    parts.reserve(num_parts);
    for (std::size_t part = 0; part < num_parts; ++part) {
      parts.emplace_back(packed_layout(in, out), stored, split.data() + part * in * out);
    }
    std::memcpy(bias.get_data_handle(), bias_values.data(), bias_values.size_bytes());
  }
  [[nodiscard]] Precision precision() const noexcept override { return precision_of_parts(parts.size()); }
  // Read only after this; oneDNN's handles know no const.
  mutable std::vector<PackedMemory> parts;  // [in, out] each
  mutable memory bias;                      // [1, out]
};

class LinearBf16 final : public Linear, Operand {
 public:
  LinearBf16(const LinearShape& shape, std::size_t parts, Workspace& workspace)
      : Linear(shape),
        split_(parts * shape.rows * shape.in_features),
        products_(products_of(parts)),
        y_(unbound(dense({dim(shape.rows), dim(shape.out_features)}))) {
    const memory::desc layout = packed_layout(shape.in_features, shape.out_features);
    matmuls_.reserve(products_.size());
    for (const Product& product : products_) {
      const auto desc = describe(shape, product, layout);
      matmuls_.emplace_back(dnnl::matmul(desc), desc, workspace);
    }
    x_.reserve(parts);
    const memory::desc x({dim(shape.rows), dim(shape.in_features)}, memory::data_type::bf16, memory::format_tag::ab);
    for (std::size_t part = 0; part < parts; ++part) {
      x_.emplace_back(x, cpu_engine(), split_.data() + part * shape.rows * shape.in_features);
    }
  }

  [[nodiscard]] Operand* operand(const LinearWeights& /*weights*/) override { return this; }
  void pack(std::size_t first, [[maybe_unused]] std::size_t count, std::span<const float> rows) override {
    assert(rows.size() == count * shape().in_features && first + count <= shape().rows);
    if (x_.size() == 1) return round_to_bf16(rows, split_.data() + first * shape().in_features);
    split_into_bf16(rows, x_.size(), split_.data() + first * shape().in_features, shape().rows * shape().in_features);
  }
  void multiply(const LinearWeights& weights, [[maybe_unused]] std::span<const float> x, std::span<float> y,
                const RowsDone& done) override {
    assert(x.size() == shape().rows * shape().in_features && y.size() == shape().rows * shape().out_features);
    const auto& own = static_cast<const LinearWeightsBf16&>(weights);
    assert(own.parts.size() == x_.size());
    for (std::size_t i = 0; i < products_.size(); ++i) {
      const Primitive::Argument left{DNNL_ARG_SRC, x_[products_[i].x_part], nullptr};
      const Primitive::Argument right{DNNL_ARG_WEIGHTS, own.parts[products_[i].weight_part], nullptr};
      const Primitive::Argument sum{DNNL_ARG_DST, y_, y.data()};
      if (products_[i].last) {
        matmuls_[i].execute({left, right, {DNNL_ARG_BIAS, own.bias, nullptr}, sum});
      } else {
        matmuls_[i].execute({left, right, sum});
      }
    }
    if (done) share(shape().rows, kFewRows, done);
  }

 private:
  AlignedBuffer<std::uint16_t> split_;  // [parts, rows, in]
  std::vector<Product> products_;
  std::vector<Primitive> matmuls_;  // one for each product
  std::vector<memory> x_;           // [rows, in] for each part
  memory y_;                        // [rows, out]
};

}  // namespace

std::unique_ptr<LinearWeights> pack_linear_bf16(std::size_t parts, MatrixView<const float> weight,
                                                std::span<const float> bias) {
  return translate_errors("packing weights", [&] {
    return std::make_unique<LinearWeightsBf16>(weight, memory::format_tag::ba, weight.cols(), weight.rows(), bias,
                                               parts);
  });
}

std::unique_ptr<LinearWeights> pack_linear_backward_bf16(std::size_t parts, MatrixView<const float> weight) {
  const std::vector<float> no_bias(weight.cols(), 0.0F);
  return translate_errors("packing weights", [&] {
    return std::make_unique<LinearWeightsBf16>(weight, memory::format_tag::ab, weight.rows(), weight.cols(), no_bias,
                                               parts);
  });
}

std::unique_ptr<Linear> make_linear_bf16(std::size_t parts, const LinearShape& shape, Workspace& workspace) {
  return translate_errors("making a linear layer",
                          [&] { return std::make_unique<LinearBf16>(shape, parts, workspace); });
}

}  // namespace fovea::nn
