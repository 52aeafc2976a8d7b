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
      : stream_("attention", layout), head_fusion_(options.head_fusion), patches_(layout.grid.size()) {}

  void observe(const AttentionView& attention) override {
    stream_.accept(attention);
    if (attention.block != stream_.last_block()) return;
    const TokenLayout& layout = stream_.layout();
    fuse_heads(attention, head_fusion_, layout.query_row * stream_.tokens() + layout.num_prefix, patches_);
  }

  Heatmap heatmap() override {
    stream_.require_complete();
    return {stream_.layout().grid, patches_};
  }

 private:
  AttentionStream stream_;
  HeadFusion head_fusion_;
  std::vector<float> patches_;
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
      .reference = "Caron et al. 2021, Emerging Properties in Self-Supervised Vision Transformers, arXiv:2104.14294",
      .variant = variant,
      .make = make};
}

}  // namespace fovea
