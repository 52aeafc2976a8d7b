// Transformer attribution (Chefer, Gur, Wolf, CVPR 2021), with Rel_l the relevance of block l's attention:
//   Ā_l = I + E_h[(G_l ⊙ Rel_l)+],   C = Ā_{L-1} · … · Ā_0,   the map is C[read-out, patches].
// Rows are not normalised: in the authors' compute_rollout_attention those lines are commented out.
#include <algorithm>
#include <utility>
#include <vector>

#include "explain/attention_stream.hpp"
#include "explain/registry.hpp"

namespace fovea {
namespace {

// The map needs only one row of C. The row goes from the last block down, the order in which relevance arrives: r ← r +
// r · E_h[(G ⊙ Rel)+].
class Attribution final : public Explainer {
 public:
  Attribution(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("attribution", layout, BlockOrder::kLastToFirst, options.start_block), row_(layout.tokens()) {
    for (const ReadOutToken& read : layout.read_out) row_[read.token] = static_cast<double>(read.weight);
  }

  void observe_relevance(std::size_t block, std::span<const double> gradient,
                         std::span<const double> relevance) override {
    if (block < stream_.first_block()) return;  // propagation goes on, but the map ends here
    stream_.accept(block, gradient, relevance);
    const std::size_t tokens = stream_.tokens();
    const std::size_t heads = stream_.layout().num_heads;
    std::vector<double> next = row_;
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t i = 0; i < tokens; ++i) {
        if (row_[i] == 0.0) continue;  // after the last block most rows are not read out
        const double share = row_[i] / static_cast<double>(heads);
        const std::size_t at = (h * tokens + i) * tokens;  // [h, i, 0]
        for (std::size_t j = 0; j < tokens; ++j) next[j] += share * std::max(gradient[at + j] * relevance[at + j], 0.0);
      }
    }
    row_ = std::move(next);
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    const std::vector<float> rounded(row_.begin(), row_.end());
    return stream_.patches_of(rounded);
  }

 private:
  AttentionStream stream_;
  std::vector<double> row_;  // [N] weight with which each token is read
};

}  // namespace

ExplainMethod attribution_method() {
  return {
      .name = "attribution",
      .title = "transformer attribution",
      .question = Question::kWhy,
      .shows =
          "Which patches the score of this class can be traced back to, layer by layer and through the MLPs, where "
          "attention worked in its favour. The rules of the tracing are a convention, and where sums nearly cancel "
          "they amplify small differences.",
      .costs = "about twenty forward passes, in double, for each class",
      .reference =
          "Chefer, Gur, Wolf 2021, Transformer Interpretability Beyond Attention Visualization, arXiv:2012.09838",
      .needs = {.relevance = true},
      .variant = [](const ExplainOptions& options) { return "LRP alpha 1 beta 0, double" + start_block_text(options); },
      .make = [](const ExplainOptions& options, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
        return std::make_unique<Attribution>(options, layout);
      },
      .reads = {"start-block"}};
}

}  // namespace fovea
