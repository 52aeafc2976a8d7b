// Attention rollout (Abnar & Zuidema 2020, section 3):
//   R = (0.5 F_{L-1} + 0.5 I) · … · (0.5 F_0 + 0.5 I),   F_l = attention of block l, its heads fused,
// and the map is R[read-out, patches].
#include <Eigen/Core>
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

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
// block but the last, of which only the rows that are read out are ever used. Fused at once, that is 1/heads of the
// attention. An attention pool comes after the last block, which is then kept like the others.
class Rollout final : public Explainer {
 public:
  Rollout(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("rollout", layout),
        head_fusion_(options.head_fusion),
        num_kept_(stream_.last_block() + (stream_.pooled() ? 1 : 0)),
        fused_(num_kept_ * matrix_size()),
        row_(RowVector::Zero(static_cast<Eigen::Index>(stream_.tokens()))) {}

  void observe(const AttentionView& attention) override {
    stream_.accept(attention);
    if (attention.block < num_kept_) {
      fuse_heads(attention, head_fusion_, 0, fused_.span().subspan(attention.block * matrix_size(), matrix_size()));
      return;
    }
    const std::vector<ReadOutToken>& read_out = stream_.layout().read_out;
    fuse_read_out(attention, head_fusion_, read_out, std::span(row_.data(), stream_.tokens()));
    for (const ReadOutToken& read : read_out) row_(static_cast<Eigen::Index>(read.token)) += read.weight;
    row_ *= 0.5F;
  }

  void observe_pool(MatrixView<const float> weights) override {
    stream_.accept_pool(weights);
    fuse_pool(weights, head_fusion_, std::span(row_.data(), stream_.tokens()));  // the last step has no residual
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    const auto tokens = static_cast<Eigen::Index>(stream_.tokens());
    RowVector row = row_;
    RowVector mixed(tokens);
    for (std::size_t block = num_kept_; block-- > 0;) {
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
  std::size_t num_kept_;
  AlignedBuffer<float> fused_;  // [num_kept_, tokens, tokens]
  RowVector row_;               // [tokens], how much each token is read, behind the blocks that are kept
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
          .costs = "nothing beside the forward pass",
          .reference = "Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers, arXiv:2005.00928",
          .needs = {.attention = true},
          .variant = variant,
          .make = make};
}

}  // namespace fovea
