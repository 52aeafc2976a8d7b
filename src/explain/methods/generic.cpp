// Generic attention explainability (Chefer, Gur, Wolf, ICCV 2021):
//   R = I;  for l = 0..L-1:  R ← R + E_h[(G_l ⊙ A_l)+] · R;   the map is R[read-out, patches].
#include "explain/gradient_row.hpp"
#include "explain/registry.hpp"

namespace fovea {

ExplainMethod generic_method() {
  return {.name = "generic",
          .title = "generic attention",
          .question = Question::kWhy,
          .shows =
              "Which patches the attention carried to the read-out in favour of this class. Evidence against the "
              "class and the work of the MLPs are left out.",
          .costs = "one backward pass for each class",
          .reference =
              "Chefer, Gur, Wolf 2021, Generic Attention-model Explainability for Interpreting Bi-Modal and "
              "Encoder-Decoder Transformers, arXiv:2103.15679",
          .needs = {.gradients = true},
          .variant =
              [](const ExplainOptions& options) {
                return "mean of positive heads" + start_block_text(options) + gradients_text(options);
              },
          .make = [](const ExplainOptions& options, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
            return std::make_unique<GradientRow>("generic", RowStep::kAdd, options, layout);
          },
          .reads = {"start-block", "gradients"}};
}

}  // namespace fovea
