// Attention weighted by its gradient, carried from the read-out down to the patches.
#pragma once

#include <string_view>
#include <vector>

#include "explain/attention_stream.hpp"

namespace fovea {

/// How a block changes the row r, with Ā = E_h[(G ⊙ A)+] and G = ∂score/∂A.
enum class RowStep {
  kAdd,         // r + r·Ā: generic attention, R ← R + Ā·R
  kNormalised,  // r·norm(Ā + I): gradient rollout, each row divided by its sum
};

/// One row of R is all that is asked for. Starting from the read-out it can be carried from the last block down to the
/// first, which is the order in which gradients come: nothing is kept, and a block costs H·N² in place of N³.
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
  std::vector<float> row_;    // [N] how much each token is read
  std::vector<float> next_;   // [N]
  std::vector<float> parts_;  // [pieces, N]
};

}  // namespace fovea
