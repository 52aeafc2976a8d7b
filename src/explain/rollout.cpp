// Attention rollout (Abnar & Zuidema 2020, section 3):
//   R = (0.5 F_{L-1} + 0.5 I) · … · (0.5 F_0 + 0.5 I),   F_l = attention of block l, its heads fused,
// and the map is R[query_row, patches].
#include <Eigen/Core>
#include <algorithm>
#include <memory>
#include <span>
#include <string>

#include "base/aligned_buffer.hpp"
#include "explain/attention_stream.hpp"
#include "explain/head_fusion.hpp"
#include "explain/registry.hpp"

namespace fovea {
namespace {

using RowVector = Eigen::Matrix<float, 1, Eigen::Dynamic>;
using MatrixMap = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

// One row of R is all that is asked for, and a row can be carried from the last block down to the first:
// r ← r · (0.5 F_l + 0.5 I) is O(L·N²) where the product of matrices is O(L·N³). The price is to keep F_l of every
// block but the last, of which only the read-out row is ever used. Fused at once, that is 1/heads of the attention.
class Rollout final : public Explainer {
 public:
  Rollout(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("rollout", layout),
        head_fusion_(options.head_fusion),
        fused_(stream_.last_block() * matrix_size()),
        read_out_(static_cast<Eigen::Index>(stream_.tokens())) {}

  void observe(const AttentionView& attention) override {
    stream_.accept(attention);
    if (attention.block == stream_.last_block()) {
      fuse_heads(attention, head_fusion_, stream_.layout().query_row * stream_.tokens(),
                 std::span(read_out_.data(), stream_.tokens()));
    } else {
      fuse_heads(attention, head_fusion_, 0, fused_.span().subspan(attention.block * matrix_size(), matrix_size()));
    }
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    const auto tokens = static_cast<Eigen::Index>(stream_.tokens());
    RowVector row = read_out_;
    row(static_cast<Eigen::Index>(stream_.layout().query_row)) += 1.0F;
    row *= 0.5F;
    RowVector mixed(tokens);
    for (std::size_t block = stream_.last_block(); block-- > 0;) {
      const MatrixMap fused(fused_.data() + block * matrix_size(), tokens, tokens);
      mixed.noalias() = row * fused;
      row = 0.5F * (row + mixed);
    }
    const auto num_prefix = static_cast<std::ptrdiff_t>(stream_.layout().num_prefix);
    return {stream_.layout().grid, {row.begin() + num_prefix, row.end()}};
  }

 private:
  [[nodiscard]] std::size_t matrix_size() const noexcept { return stream_.tokens() * stream_.tokens(); }

  AttentionStream stream_;
  HeadFusion head_fusion_;
  AlignedBuffer<float> fused_;  // [blocks - 1, tokens, tokens]
  RowVector read_out_;          // [tokens], of the last block
};

std::string variant(const ExplainOptions& options) {
  return std::string(fused_heads_text(options.head_fusion)) + ", residual 0.5";
}

std::unique_ptr<Explainer> make(const ExplainOptions& options, const TokenLayout& layout) {
  return std::make_unique<Rollout>(options, layout);
}

}  // namespace

ExplainMethod rollout_method() {
  return {.name = "rollout",
          .title = "attention rollout",
          .shows =
              "How much of each patch the attention of all blocks can have carried to the read-out token; it is "
              "the same for every class and does not say which way a patch moved a score.",
          .reference = "Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers, arXiv:2005.00928",
          .variant = variant,
          .make = make};
}

}  // namespace fovea
