// Attention rollout (Abnar & Zuidema 2020, section 3):
//   R = (0.5 F_{L-1} + 0.5 I) · … · (0.5 F_0 + 0.5 I),   where F_l is the attention of block l with its heads fused,
// and the map is R[read-out, patches]. The options, and other programs' rollouts, vary F, the weight of I, and the
// normalisation of rows.
#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "explain/attention_stream.hpp"
#include "explain/head_fusion.hpp"
#include "explain/registry.hpp"
#include "explain/row_sums.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using RowVector = Eigen::Matrix<float, 1, Eigen::Dynamic>;
using MatrixMap = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

constexpr float kVitExplainDiscard = 0.9F;  // vit_rollout.py's default

float discard_of(const ExplainOptions& options) {
  return options.discard.value_or(options.compat == RolloutCompat::kVitExplain ? kVitExplainDiscard : 0.0F);
}

/// How the mixture of attention and identity is normalised.
enum class DividedBy {
  kNothing,       // rows sum to 1 already (mean over heads)
  kRowSums,       // each row by its own sum
  kColumnsByRow,  // vit-explain: column j by the sum of row j (its issue 16)
};

DividedBy divided_by(const ExplainOptions& options) {
  if (options.compat == RolloutCompat::kVitExplain) return DividedBy::kColumnsByRow;
  const bool rows = options.compat == RolloutCompat::kChefer || options.renormalize || discard_of(options) > 0;
  return rows ? DividedBy::kRowSums : DividedBy::kNothing;
}

/// Sets the `count` smallest values to 0; among equal values the first ones.
void discard_smallest(std::span<float> values, std::size_t count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
    return values[a] != values[b] ? values[a] < values[b] : a < b;
  });
  std::for_each(order.begin(), end, [&](std::size_t at) { values[at] = 0; });
}

// The map needs only one row of R, and a row can be carried from the last block down to the first: r ← r · (0.5 F_l +
// 0.5 I) is O(L·N²), where the product of matrices is O(L·N³). For this, F_l of every block has to be kept; its heads
// are fused at once, so that it takes 1/heads of the attention's memory.
class Rollout final : public Explainer {
 public:
  Rollout(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("rollout", layout),
        options_(options),
        divided_by_(divided_by(options)),
        fused_((layout.num_blocks - options.start_block) * matrix_size()) {
    if (divided_by_ != DividedBy::kNothing) sums_.resize(fused_.size() / tokens());
  }

  void observe(const AttentionView& attention) override {
    stream_.accept_fused(attention);
    if (attention.block < options_.start_block) return;
    const std::span<float> fused = matrix_of(attention.block);
    fuse_heads(attention, options_.head_fusion, 0, fused);
    if (const float discard = discard_of(options_); discard > 0) this->discard(fused, discard);
    if (divided_by_ == DividedBy::kNothing) return;
    const std::span<float> sums = sums_of(attention.block);
    for (std::size_t row = 0; row < tokens(); ++row) {
      const auto begin = fused.begin() + static_cast<std::ptrdiff_t>(row * tokens());
      const float sum = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(tokens()), 0.0F);
      sums[row] = options_.residual + (1 - options_.residual) * sum;
    }
  }

  /// Rows that are not read out have no effect on the map. But a zero row cannot be divided by its sum, and vit-explain
  /// ranks the values of all rows together.
  [[nodiscard]] AttentionDetail attention_detail() const override {
    return {.fused = options_.head_fusion, .unread_rows = divided_by_ != DividedBy::kNothing};
  }

  void observe_pool(MatrixView<const float> weights) override {
    stream_.accept_pool(weights);
    pool_.resize(tokens());
    fuse_pool(weights, options_.head_fusion, pool_);
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    const auto size = static_cast<Eigen::Index>(tokens());
    RowVector row = RowVector::Zero(size);
    for (const ReadOutToken& read : stream_.layout().read_out) row(static_cast<Eigen::Index>(read.token)) = read.weight;
    if (stream_.pooled()) row = Eigen::Map<const RowVector>(pool_.data(), size);  // the last step has no residual
    std::vector<float> parts;
    std::vector<float> mixed;  // [N] row · F
    for (std::size_t block = stream_.layout().num_blocks; block-- > options_.start_block;) {
      if (divided_by_ == DividedBy::kRowSums) row = row.cwiseQuotient(sums_row(block));
      mixed.assign(tokens(), 0.0F);
      const MatrixMap fused(matrix_of(block).data(), size, size);
      sum_rows(tokens(), parts, mixed, [&](std::size_t begin, std::size_t end, std::span<float> part) {
        Eigen::Map<RowVector> sum(part.data(), size);
        for (auto i = static_cast<Eigen::Index>(begin); i < static_cast<Eigen::Index>(end); ++i) {
          if (row(i) != 0) sum += row(i) * fused.row(i);  // after the last block few are
        }
      });
      row = options_.residual * row + (1 - options_.residual) * Eigen::Map<const RowVector>(mixed.data(), size);
      if (divided_by_ == DividedBy::kColumnsByRow) row = row.cwiseQuotient(sums_row(block));
    }
    Heatmap map = stream_.patches_of({row.data(), tokens()});
    if (options_.compat == RolloutCompat::kVitExplain) {
      const float largest = *std::max_element(map.values.begin(), map.values.end());
      for (float& value : map.values) value /= largest;
    }
    return map;
  }

 private:
  [[nodiscard]] std::size_t tokens() const noexcept { return stream_.tokens(); }
  [[nodiscard]] std::size_t matrix_size() const noexcept { return tokens() * tokens(); }
  [[nodiscard]] std::span<float> matrix_of(std::size_t block) noexcept {
    return fused_.span().subspan((block - options_.start_block) * matrix_size(), matrix_size());
  }
  [[nodiscard]] std::span<float> sums_of(std::size_t block) noexcept {
    return std::span(sums_).subspan((block - options_.start_block) * tokens(), tokens());
  }
  [[nodiscard]] Eigen::Map<const RowVector> sums_row(std::size_t block) noexcept {
    return {sums_of(block).data(), static_cast<Eigen::Index>(tokens())};
  }

  /// vit-explain ranks the values of the whole matrix and spares only its first entry. Otherwise each row is ranked by
  /// itself, and class token and registers are never discarded.
  void discard(std::span<float> fused, float share) const {
    if (options_.compat == RolloutCompat::kVitExplain) {
      const float first = fused[0];
      discard_smallest(fused, static_cast<std::size_t>(static_cast<double>(fused.size()) * double{share}));
      fused[0] = first;
      return;
    }
    const std::size_t patches = stream_.layout().grid.size();
    const auto count = static_cast<std::size_t>(static_cast<double>(patches) * double{share});
    for (std::size_t row = 0; row < tokens(); ++row) {
      discard_smallest(fused.subspan(row * tokens() + stream_.layout().num_prefix, patches), count);
    }
  }

  AttentionStream stream_;
  ExplainOptions options_;
  DividedBy divided_by_;
  AlignedBuffer<float> fused_;  // [L - start, N, N]
  std::vector<float> sums_;     // [L - start, N] row sums of the mixture; empty if nothing is divided
  std::vector<float> pool_;     // [N]
};

/// @throws Error  kUsage for an option that the reproduced program does not have.
void check_compat(const ExplainOptions& options) {
  if (options.compat == RolloutCompat::kPaper) return;
  const bool chefer = options.compat == RolloutCompat::kChefer;
  const char* const program = chefer ? "chefer" : "vit-explain";
  const auto refuse = [&](std::string_view option) {
    throw Error(ErrorCode::kUsage, fmt::format("rollout: --compat {} has no {}", program, option),
                "leave out --compat to combine all options");
  };
  if (options.residual != 0.5F) refuse("--residual");
  if (options.renormalize) refuse("--renormalize");
  if (chefer && options.discard) refuse("--discard");
  if (chefer && options.head_fusion != HeadFusion::kMean) refuse("--head-fusion");
  if (!chefer && options.start_block > 0) refuse("--start-block");
}

std::string rollout_variant(const ExplainOptions& options) {
  std::string text(fused_heads_text(options.head_fusion));
  if (options.compat == RolloutCompat::kChefer) return text + ", as chefer" + start_block_text(options);
  const float discard = discard_of(options);
  if (options.compat == RolloutCompat::kVitExplain) return fmt::format("{}, as vit-explain, discard {}", text, discard);
  text += fmt::format(", residual {}", options.residual);
  if (discard > 0) text += fmt::format(", discard {} of a row", discard);
  if (discard == 0 && options.renormalize) text += ", rows renormalised";
  return text + start_block_text(options);
}

std::unique_ptr<Explainer> make_rollout(const ExplainOptions& options, const TokenLayout& layout) {
  check_compat(options);
  require_block("rollout", "start block", options.start_block, layout);
  return std::make_unique<Rollout>(options, layout);
}

}  // namespace

ExplainMethod rollout_method() {
  return {.name = "rollout",
          .title = "attention rollout",
          .question = Question::kWhere,
          .shows =
              "How much of each patch the attention of all blocks can have carried to the read-out token. The map is "
              "the same for every class and does not say which way a patch moved a score.",
          .costs = "a few percent of a forward pass",
          .reference = "Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers, arXiv:2005.00928",
          .needs = {.attention = true},
          .variant = rollout_variant,
          .make = make_rollout,
          .reads = {"head-fusion", "renormalize", "discard", "residual", "compat", "start-block"}};
}

}  // namespace fovea
