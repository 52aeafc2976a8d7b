// LeGrad (Bousselham et al. 2024): the model's final norm and head read each block's own tokens, and
//   map = Σ_l  mean over heads and query rows of (∂s_l/∂A_l)+.
#include <algorithm>
#include <vector>

#include "explain/attention_stream.hpp"
#include "explain/registry.hpp"

namespace fovea {
namespace {

class LeGrad final : public Explainer {
 public:
  LeGrad(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("legrad",
                {.num_blocks = layout.num_blocks,
                 .num_heads = layout.num_heads,
                 .num_prefix = layout.num_prefix,
                 .grid = layout.grid},
                BlockOrder::kLastToFirst, options.start_block),
        sums_(layout.tokens()) {}

  void observe_layer_gradient(const AttentionView& attention, std::span<const float> gradient) override {
    stream_.accept(attention, gradient);
    const std::size_t tokens = stream_.tokens();
    for (std::size_t row = 0; row < attention.num_heads * tokens; ++row) {  // all heads' queries
      const float* const g = gradient.data() + row * tokens;
      for (std::size_t key = 0; key < tokens; ++key) sums_[key] += std::max(g[key], 0.0F);
    }
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    Heatmap map = stream_.patches_of(sums_);
    const auto rows = static_cast<float>(stream_.layout().num_heads * stream_.tokens());
    for (float& value : map.values) value /= rows;
    return map;
  }

 private:
  AttentionStream stream_;   // never sees an attention pool
  std::vector<float> sums_;  // [N], by key, over blocks, heads and queries
};

}  // namespace

ExplainMethod legrad_method() {
  return {.name = "legrad",
          .title = "LeGrad",
          .question = Question::kWhy,
          .shows =
              "Which patches every block's attention would have to look at more for this class to score higher. This "
              "is a sensitivity, not what the model attended to.",
          .costs = "one backward pass for each class, with a read-out at each block",
          .reference =
              "Bousselham et al. 2024, LeGrad: An Explainability Method for Vision Transformers via Feature Formation "
              "Sensitivity, arXiv:2404.03214",
          .needs = {.layer_gradients = true},
          .variant =
              [](const ExplainOptions& options) {
                const std::string blocks =
                    options.start_block == 0 ? "all blocks" : "blocks" + start_block_text(options).substr(1);
                return blocks + gradients_text(options);
              },
          .make = [](const ExplainOptions& options, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
            return std::make_unique<LeGrad>(options, layout);
          },
          .reads = {"start-block", "gradients"}};
}

}  // namespace fovea
