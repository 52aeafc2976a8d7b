// LibraGrad's FullGrad+ (Mehri et al. 2025), the ε-form of AttnLRP for ViTs (Achtibat et al. 2024):
//   R_l[j] = Σ_d x_l[j, d] · g_l[j, d],  g_l = ∂score/∂x_l with attention weights, deviations and gates held constant,
//   map[j] = mean over blocks of R_l[j].
// With a gamma the MLPs and the head pass on by LRP-γ (AttnLRP's setting for ViTs), which loses nothing either.
// For each block Σ_j R_l[j] and what the biases contribute are the score, so the map, the prefix tokens and the biases
// add up to it. The paper sums over blocks; the mean keeps the score's unit. With shifts the map is one of pixels, at
// the input alone (src/explain/pixel_map.hpp).
#include <fmt/format.h>

#include <vector>

#include "explain/attention_stream.hpp"
#include "explain/pixel_map.hpp"
#include "explain/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

class Libra final : public Explainer {
 public:
  Libra(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("libra",
                {.num_blocks = layout.num_blocks,
                 .num_heads = layout.num_heads,
                 .num_prefix = layout.num_prefix,
                 .grid = layout.grid},
                BlockOrder::kLastToFirst, options.start_block),
        terms_(layout.tokens()) {}

  void observe_score_terms(const ScoreTerms& terms) override {
    stream_.accept(terms);
    for (std::size_t token = 0; token < terms_.size(); ++token) terms_[token] += terms.tokens[token];
    biases_ += terms.biases;
    earlier_ += terms.earlier_read_outs;
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    const TokenLayout& layout = stream_.layout();
    const auto blocks = static_cast<double>(layout.num_blocks - stream_.first_block());
    sum_ = {0, earlier_ / blocks, biases_ / blocks};
    std::vector<float> row(terms_.size());
    for (std::size_t token = 0; token < row.size(); ++token) {
      const double mean = terms_[token] / blocks;
      (token < layout.num_prefix ? sum_.prefix : sum_.patches) += mean;
      row[token] = static_cast<float>(mean);
    }
    return stream_.patches_of(row);
  }

  [[nodiscard]] std::optional<ScoreSum> sum() const override { return sum_; }

 private:
  AttentionStream stream_;     // never sees an attention pool
  std::vector<double> terms_;  // [N], over blocks
  double biases_ = 0;          // likewise
  double earlier_ = 0;         // likewise
  ScoreSum sum_;
};

}  // namespace

ExplainMethod libra_method() {
  return {
      .name = "libra",
      .title = "LibraGrad",
      .question = Question::kWhy,
      .shows =
          "What each patch contributed to this class's score, for and against it. Patches, prefix tokens and biases "
          "add up to the score. What would change the score next is another question: see grad-cam and legrad.",
      .costs = "less than one backward pass for each class",
      .reference =
          "Mehri et al. 2025, LibraGrad: Balancing Gradient Flow for Universally Better Vision Transformer "
          "Attributions, arXiv:2411.16760",
      .is_signed = true,
      .needs = {.score_terms = true, .pixels = true},
      .variant =
          [](const ExplainOptions& options) {
            return (options.shifts > 0 ? fmt::format("pixels, mean over {0}x{0} shifts", options.shifts)
                                       : "mean over blocks" + start_block_text(options)) +
                   gamma_text(options);
          },
      .make = [](const ExplainOptions& options, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
        if (options.shifts == 0) return std::make_unique<Libra>(options, layout);
        if (options.shifts % 2 == 1 && options.start_block == 0) return std::make_unique<PixelMap>(layout);
        throw Error(ErrorCode::kUsage,
                    fmt::format("libra: --shifts is {} and --start-block {}, expected an odd number of shifts, as the "
                                "picture itself is the middle one, and all blocks",
                                options.shifts, options.start_block));
      },
      .reads = {"start-block", "shifts"}};
}

}  // namespace fovea
