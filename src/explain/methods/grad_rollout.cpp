// Gradient rollout, corrected: each block's attention is multiplied by its own gradient, the positive part is taken for
// each head before the mean, and rows are normalised instead of columns:
//   R = I;  for l = 0..L-1:  R ← norm(E_h[(G_l ⊙ A_l)+] + I) · R;   the map is R[read-out, patches].
#include "explain/gradient_row.hpp"
#include "explain/registry.hpp"

namespace fovea {

ExplainMethod grad_rollout_method() {
  return {.name = "grad-rollout",
          .title = "gradient rollout",
          .question = Question::kWhy,
          .shows =
              "Attention rollout with each head weighted by what its attention did for this class. Where gradients "
              "are small the identity dominates, so that early blocks hardly change the map.",
          .costs = "one backward pass for each class",
          .reference =
              "Gildenblat 2020, jacobgil/vit-explain (vit_grad_rollout.py), with the order of the gradients and the "
              "normalisation corrected",
          .needs = {.gradients = true},
          .variant =
              [](const ExplainOptions& options) {
                return "mean of positive heads, rows normalised" + start_block_text(options) + gradients_text(options);
              },
          .make = [](const ExplainOptions& options, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
            return std::make_unique<GradientRow>("grad-rollout", RowStep::kNormalised, options, layout);
          },
          .reads = {"start-block", "gradients"}};
}

}  // namespace fovea
