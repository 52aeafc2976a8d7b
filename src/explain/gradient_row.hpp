// Attention weighted by its gradient, propagated from the read-out down to the patches.
#pragma once

#include <string_view>
#include <vector>

#include "explain/attention_stream.hpp"

namespace fovea {

/// How a block updates the row r, with Ā = E_h[(G ⊙ A)+] and G = ∂score/∂A.
enum class RowStep {
  kAdd,         // r + r·Ā: generic attention, R ← R + Ā·R
  kNormalised,  // r·norm(Ā + I): gradient rollout, where norm divides each row by its sum
};

/// A map needs only one row of R. The row starts at the read-out and goes from the last block down to the first, the
/// order in which gradients arrive. So no block's attention is kept, and a block costs H·N² instead of N³.
class GradientRow final : public Explainer {
 public:
  GradientRow(std::string_view method, RowStep step, const ExplainOptions& options, const TokenLayout& layout);

  void observe_pool_gradient(MatrixView<const float> weights, MatrixView<const float> gradient) override;
  void observe_gradient(const AttentionView& attention, std::span<const float> gradient) override;
  Heatmap heatmap() override;

 private:
  void add_rows(const AttentionView& attention, std::span<const float> gradient, std::size_t begin, std::size_t end,
                std::span<float> next) const;

  AttentionStream stream_;
  RowStep step_;
  std::vector<float> row_;    // [N] weight with which each token is read
  std::vector<float> next_;   // [N]
  std::vector<float> parts_;  // [pieces, N]
};

}  // namespace fovea
