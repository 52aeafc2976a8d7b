#include "explain/gradient_row.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <utility>

#include "explain/row_sums.hpp"

namespace fovea {
namespace {

using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

}  // namespace

GradientRow::GradientRow(std::string_view method, RowStep step, const ExplainOptions& options,
                         const TokenLayout& layout)
    : stream_(method, layout, BlockOrder::kLastToFirst, options.start_block), step_(step), row_(layout.tokens()) {
  for (const ReadOutToken& read : layout.read_out) row_[read.token] = read.weight;
}

/// The attention pool is the last step and has no residual connection: r = E_h[(G ⊙ A)+].
void GradientRow::observe_pool_gradient(MatrixView<const float> weights, MatrixView<const float> gradient) {
  stream_.accept_pool(weights);
  const std::size_t unseen = row_.size() - weights.cols();
  const auto heads = static_cast<float>(weights.rows());
  for (std::size_t h = 0; h < weights.rows(); ++h) {
    for (std::size_t i = 0; i < weights.cols(); ++i) {
      row_[unseen + i] += std::max(weights.row(h)[i] * gradient.row(h)[i], 0.0F) / heads;
    }
  }
}

/// Adds r_i · step(Ā_i) for rows i of Ā in [begin, end).
/// @param next  [N], added to
void GradientRow::add_rows(const AttentionView& attention, std::span<const float> gradient, std::size_t begin,
                           std::size_t end, std::span<float> next) const {
  const std::size_t tokens = stream_.tokens();
  const auto size = static_cast<Eigen::Index>(tokens);
  Eigen::ArrayXf positive(size);  // [N] one row of Ā
  for (std::size_t i = begin; i < end; ++i) {
    if (row_[i] == 0) continue;  // after the last block most rows are not read out
    positive.setZero();
    for (std::size_t h = 0; h < attention.num_heads; ++h) {
      const std::size_t at = (h * tokens + i) * tokens;  // [h, i, 0]
      positive += (ConstRow(attention.weights.data() + at, size) * ConstRow(gradient.data() + at, size)).max(0.0F);
    }
    positive /= static_cast<float>(attention.num_heads);
    if (step_ == RowStep::kNormalised) positive(static_cast<Eigen::Index>(i)) += 1.0F;
    const float share = step_ == RowStep::kNormalised ? row_[i] / positive.sum() : row_[i];
    Row(next.data(), size) += share * positive;
  }
}

void GradientRow::observe_gradient(const AttentionView& attention, std::span<const float> gradient) {
  stream_.accept(attention, gradient);
  if (step_ == RowStep::kNormalised) {
    next_.assign(row_.size(), 0.0F);
  } else {
    next_ = row_;
  }
  sum_rows(row_.size(), parts_, next_, [&](std::size_t begin, std::size_t end, std::span<float> part) {
    add_rows(attention, gradient, begin, end, part);
  });
  row_.swap(next_);
}

Heatmap GradientRow::heatmap() {
  stream_.require_complete();
  return stream_.patches_of(row_);
}

}  // namespace fovea
