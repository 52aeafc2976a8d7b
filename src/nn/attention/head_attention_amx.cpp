// Attention of one head in the tiles of AMX.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/aligned_buffer.hpp"
#include "nn/attention/head_attention.hpp"
#include "nn/kernels/amx_product.hpp"
#include "nn/kernels/bf16_kernels.hpp"
#include "nn/kernels/row_pieces.hpp"

namespace fovea::nn {
namespace {

std::shared_ptr<std::byte> zeros(std::size_t bytes) {
  auto buffer = std::make_shared<AlignedBuffer<std::byte>>(bytes);
  std::ranges::fill(buffer->span(), std::byte{0});
  return {buffer, buffer->data()};
}

class HeadAttentionAmx final : public HeadAttention {
 public:
  HeadAttentionAmx(std::size_t tokens, std::size_t head_dim)
      : tokens_(tokens),
        head_dim_(head_dim),
        stride_(aligned_stride(tokens)),
        queries_(RowPieces::kMostRows, head_dim, 1),
        keys_(head_dim, tokens, 1, zeros(AmxRight::bytes_for(head_dim, tokens, 1))),
        weights_(RowPieces::kMostRows, tokens, 1),
        values_(tokens, head_dim, 1, zeros(AmxRight::bytes_for(tokens, head_dim, 1))),
        rounded_(tokens * row_stride()),
        exponentials_(RowPieces::kMostRows * stride_) {
    query_scales_.fill(1.0F / std::sqrt(static_cast<float>(head_dim)));
  }

  void pack(Strided<const float> k, Strided<const float> v) override {
    pack_rounded(k, {1, row_stride(), 0}, keys_);    // [d, N]
    pack_rounded(v, {row_stride(), 1, 0}, values_);  // [N, d]
  }

  void attend(std::size_t rows, Strided<const float> q, Strided<const float> bias, bool shown, Strided<float> weights,
              Strided<float> out) override {
    const AmxTiles tiles;
    for (std::size_t row = 0; row < rows; ++row) queries_.pack(row, {from_row(q, row).values, head_dim_});
    multiply(queries_, keys_, rows, query_scales_, weights);
    if (bias.values != nullptr) add_bias(rows, tokens_, bias, weights);
    // The product, not the weights, is divided by the weights' sum: the product has fewer columns.
    softmax_rows_bf16(rows, tokens_, shown, weights, {exponentials_.data(), stride_}, scales_.data());
    for (std::size_t row = 0; row < rows; ++row) weights_.place(row, {exponentials_.data() + row * stride_, tokens_});
    multiply(weights_, values_, rows, scales_, out);
  }

 private:
  using Scales = std::array<float, RowPieces::kMostRows>;

  [[nodiscard]] std::size_t row_stride() const noexcept { return 2 * pairs_of(head_dim_); }

  /// @param layout  of `rounded_`
  void pack_rounded(Strided<const float> from, const AmxRight::Layout& layout, AmxRight& to) {
    round_rows(tokens_, head_dim_, from, {rounded_.data(), row_stride()});
    for (std::size_t block = 0; block < to.column_blocks(); ++block) to.pack(block, rounded_.data(), layout);
  }

  /// y = scales ⊙ (left · right), a scale for each row; while this thread has AmxTiles.
  static void multiply(const AmxLeft& left, const AmxRight& right, std::size_t rows, const Scales& scales,
                       Strided<float> y) {
    // Written before it is read. NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    alignas(kCacheLine) std::array<float, kAmxBlock * kAmxBlock> sums;
    for (std::size_t column = 0; column < right.columns(); column += kAmxBlock) {
      for (std::size_t row = 0; row < rows; row += kAmxBlock) {
        multiply_block(left, right, row / kAmxBlock, column / kAmxBlock, {}, sums.data());
        scale_block(sums.data(), std::min(kAmxBlock, rows - row), std::min(kAmxBlock, right.columns() - column),
                    scales.data() + row, {from_row(y, row).values + column, y.stride});
      }
    }
  }

  std::size_t tokens_;    // N
  std::size_t head_dim_;  // d
  std::size_t stride_;
  AmxLeft queries_;                            // [kMostRows, d]
  AmxRight keys_;                              // [d, N]
  AmxLeft weights_;                            // [kMostRows, N]
  AmxRight values_;                            // [N, d]
  AlignedBuffer<std::uint16_t> rounded_;       // [N, row_stride], keys or values
  AlignedBuffer<std::uint16_t> exponentials_;  // [kMostRows, stride]
  Scales query_scales_{};
  Scales scales_{};
};

}  // namespace

std::unique_ptr<HeadAttention> make_head_attention_amx(std::size_t tokens, std::size_t head_dim) {
  return std::make_unique<HeadAttentionAmx>(tokens, head_dim);
}

}  // namespace fovea::nn
