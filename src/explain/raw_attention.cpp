// The read-out token's attention in the last block, as DINO's visualize_attention.py shows it (Caron et al. 2021).
#include <memory>
#include <string>
#include <vector>

#include "explain/attention_stream.hpp"
#include "explain/head_fusion.hpp"
#include "explain/registry.hpp"

namespace fovea {
namespace {

class RawAttention final : public Explainer {
 public:
  RawAttention(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("attention", layout), head_fusion_(options.head_fusion), row_(layout.tokens()) {}

  void observe(const AttentionView& attention) override {
    stream_.accept(attention);
    if (attention.block != stream_.last_block() || stream_.pooled()) return;
    fuse_read_out(attention, head_fusion_, stream_.layout().read_out, row_);
  }

  /// Of an attention pool its own attention is what reads out.
  void observe_pool(MatrixView<const float> weights) override {
    stream_.accept_pool(weights);
    fuse_pool(weights, head_fusion_, row_);
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    return {stream_.layout().grid,
            {row_.begin() + static_cast<std::ptrdiff_t>(stream_.layout().num_prefix), row_.end()}};
  }

 private:
  AttentionStream stream_;
  HeadFusion head_fusion_;
  std::vector<float> row_;  // [tokens]
};

std::string variant(const ExplainOptions& options) {
  return "last block, " + std::string(fused_heads_text(options.head_fusion));
}

std::unique_ptr<Explainer> make(const ExplainOptions& options, const TokenLayout& layout) {
  return std::make_unique<RawAttention>(options, layout);
}

}  // namespace

ExplainMethod raw_attention_method() {
  return {
      .name = "attention",
      .title = "last-block attention",
      .shows =
          "Which patches the read-out token attends to in the last block alone; what earlier blocks had "
          "already mixed into those patches is left out, and the map is the same for every class.",
      .costs = "nothing beside the forward pass",
      .reference = "Caron et al. 2021, Emerging Properties in Self-Supervised Vision Transformers, arXiv:2104.14294",
      .needs = {.attention = true},
      .variant = variant,
      .make = make};
}

}  // namespace fovea
