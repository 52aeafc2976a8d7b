// Linear layers of bfloat16 parts on AMX. bf16.cpp says which products are summed; here all of them meet in the same
// tiles, where oneDNN 2.6 passes the sums of each product through memory: of 192 features a sum has six steps.
#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/page_arena.hpp"
#include "nn/kernels/amx_product.hpp"
#include "nn/kernels/share.hpp"
#include "nn/linear/bf16_parts.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea::nn {
namespace {

struct LinearWeightsAmx final : LinearWeights {
  /// @param weight  [in, out], or [out, in] where it lies by outputs
  LinearWeightsAmx(std::span<const float> weight, bool by_outputs, std::size_t in, std::size_t out,
                   std::span<const float> bias_values, std::size_t parts)
      : packed(in, out, parts, take_pages(AmxRight::bytes_for(in, out, parts))),
        bias_of_outputs(bias_values.begin(), bias_values.end()) {
    assert(bias_values.size() == out && weight.size() == in * out);
    AlignedBuffer<std::uint16_t> split(parts * in * out);
    split_into_bf16(weight, parts, split.data(), in * out);
    const AmxRight::Layout layout{by_outputs ? 1 : out, by_outputs ? in : 1, in * out};
    for (std::size_t block = 0; block < packed.column_blocks(); ++block) packed.pack(block, split.data(), layout);
  }
  [[nodiscard]] Precision precision() const noexcept override { return precision_of_parts(packed.parts()); }

  AmxRight packed;                     // [in, out]
  std::vector<float> bias_of_outputs;  // [out]
};

class LinearAmx final : public Linear, Operand {
 public:
  LinearAmx(const LinearShape& shape, std::size_t parts) : Linear(shape), x_(shape.rows, shape.in_features, parts) {}

  [[nodiscard]] Operand* operand(const LinearWeights& /*weights*/) override { return this; }

  void pack(std::size_t first, std::size_t count, std::span<const float> rows) override {
    const std::size_t in = shape().in_features;
    assert(rows.size() == count * in && first + count <= shape().rows);
    for (std::size_t i = 0; i < count; ++i) x_.pack(first + i, rows.subspan(i * in, in));
  }

  void multiply(const LinearWeights& weights, [[maybe_unused]] std::span<const float> x, std::span<float> y,
                const RowsDone& done) override {
    const auto& own = static_cast<const LinearWeightsAmx&>(weights);
    assert(x.size() == shape().rows * shape().in_features && y.size() == shape().rows * shape().out_features);
    const std::size_t row_blocks = pieces_of(shape().rows, kAmxBlock);
    const std::size_t column_blocks = own.packed.column_blocks();
    share_evenly(row_blocks * column_blocks, [&](std::size_t first, std::size_t count) {
      const AmxTiles tiles;
      for (std::size_t task = first; task < first + count; ++task) {
        // A chunk of rows meets all weights before the next rows do: it stays in the core's own cache meanwhile.
        const std::size_t chunk = task / (kChunk * column_blocks) * kChunk;
        const std::size_t rows = std::min(kChunk, row_blocks - chunk);
        const std::size_t in_chunk = task - chunk * column_blocks;
        multiply_block(own, chunk + in_chunk % rows, in_chunk / rows,
                       turn(own.packed.block(in_chunk / rows + 1), in_chunk % rows, rows), y);
      }
    });
    if (done) share(shape().rows, kFewRows, done);
  }

 private:
  static constexpr std::size_t kChunk = 8;  // blocks of rows

  /// Each of the row blocks that meet the same weights fetches its part of the next ones.
  static std::span<const std::uint16_t> turn(std::span<const std::uint16_t> block, std::size_t index,
                                             std::size_t count) {
    const std::size_t begin = block.size() * index / count;
    return block.subspan(begin, block.size() * (index + 1) / count - begin);
  }

  void multiply_block(const LinearWeightsAmx& weights, std::size_t row_block, std::size_t column_block,
                      std::span<const std::uint16_t> ahead, std::span<float> y) const {
    const std::size_t out = shape().out_features;
    const std::size_t first_row = row_block * kAmxBlock;
    const std::size_t first_column = column_block * kAmxBlock;
    const std::size_t rows = std::min(kAmxBlock, shape().rows - first_row);
    const std::size_t columns = std::min(kAmxBlock, out - first_column);
    const Strided<float> to{y.data() + first_row * out + first_column, out};
    fetch_block(rows, columns, to);
    // Written before it is read. NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    alignas(kCacheLine) std::array<float, kAmxBlock * kAmxBlock> sums;
    nn::multiply_block(x_, weights.packed, row_block, column_block, ahead, sums.data());
    add_block(sums.data(), rows, std::span(weights.bias_of_outputs).subspan(first_column, columns), shape().accumulate,
              to);
  }

  AmxLeft x_;
};

}  // namespace

std::unique_ptr<LinearWeights> pack_linear_amx(std::size_t parts, MatrixView<const float> weight,
                                               std::span<const float> bias) {
  return std::make_unique<LinearWeightsAmx>(weight.values(), true, weight.cols(), weight.rows(), bias, parts);
}

std::unique_ptr<LinearWeights> pack_linear_backward_amx(std::size_t parts, MatrixView<const float> weight) {
  const std::vector<float> no_bias(weight.cols(), 0.0F);
  return std::make_unique<LinearWeightsAmx>(weight.values(), false, weight.rows(), weight.cols(), no_bias, parts);
}

std::unique_ptr<Linear> make_linear_amx(std::size_t parts, const LinearShape& shape) {
  return std::make_unique<LinearAmx>(shape, parts);
}

}  // namespace fovea::nn
