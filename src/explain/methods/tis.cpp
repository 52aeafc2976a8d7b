// Transformer input sampling (Englebert et al. 2023), without its clustering: the model runs on half of the patches,
// whose tokens alone go in, so that no paint is evidence. A mask keeps the patches where one random channel of the
// tokens is largest:
//   map[j] = Σ_m p_m · mask_m[j] / Σ_m mask_m[j],  p_m = the class's probability in run m.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "explain/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

std::size_t tis_masks(const ExplainOptions& options) {
  return options.masks.value_or(512);
}

class Tis final : public Explainer {
 public:
  Tis(const ExplainOptions& options, const TokenLayout& layout)
      : grid_(layout.grid),
        num_prefix_(layout.num_prefix),
        visible_(std::max<std::size_t>(1, grid_.size() / 2)),
        channels_(tis_masks(options)),
        kept_(channels_.size() * visible_) {
    Random random(options.seed);
    for (Channel& channel : channels_) {
      channel.block = static_cast<std::size_t>(random.below(layout.num_blocks));
      channel.place = random.uniform();
    }
  }

  void observe_tokens(std::size_t block, MatrixView<const float> tokens) override {
    for (std::size_t mask = 0; mask < channels_.size(); ++mask) {
      if (channels_[mask].block != block) continue;
      const auto feature = static_cast<std::size_t>(channels_[mask].place * static_cast<double>(tokens.cols()));
      keep_largest(tokens, feature, std::span(kept_).subspan(mask * visible_, visible_));
    }
  }

  void run_some(const RunSome& run) override {
    const std::vector<ClassScore> scores = run({kept_, channels_.size(), visible_});
    std::vector<double> sums(grid_.size());
    std::vector<double> runs(grid_.size());
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      sums[kept_[i]] += double{scores[i / visible_].probability};
      runs[kept_[i]] += 1;
    }
    map_.resize(grid_.size());
    for (std::size_t patch = 0; patch < map_.size(); ++patch) {  // 0 where no mask shows the patch
      map_[patch] = static_cast<float>(sums[patch] / std::max(runs[patch], 1.0));
    }
  }

  Heatmap heatmap() override {
    if (map_.empty()) throw Error(ErrorCode::kShape, "tis: no run was observed, expected run_some() before heatmap()");
    return {grid_, map_};
  }

 private:
  /// A row of [T] values among all blocks' outputs.
  struct Channel {
    std::size_t block = 0;
    double place = 0;  // [0, 1) of the features
  };

  /// @param kept  [T/2], from the first patch to the last
  void keep_largest(MatrixView<const float> tokens, std::size_t feature, std::span<std::size_t> kept) const {
    const auto value = [&](std::size_t patch) { return tokens.row(num_prefix_ + patch)[feature]; };
    std::vector<std::size_t> order(grid_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return value(a) > value(b); });
    std::copy_n(order.begin(), kept.size(), kept.begin());
    std::sort(kept.begin(), kept.end());
  }

  PatchGrid grid_;
  std::size_t num_prefix_;
  std::size_t visible_;            // patches of a mask
  std::vector<Channel> channels_;  // of each mask
  std::vector<std::size_t> kept_;  // [masks, visible]
  std::vector<float> map_;         // [T]
};

}  // namespace

ExplainMethod tis_method() {
  return {
      .name = "tis",
      .title = "transformer input sampling",
      .question = Question::kWhatIf,
      .shows =
          "How probable the class is while the patch is among the half that the model gets, over masks of patches that "
          "the model itself finds alike. This control treats the model as a black box, and paints nothing.",
      .costs = "one forward pass of half length for each mask (--masks, 512), for all classes together",
      .reference =
          "Englebert et al. 2023, Explaining through Transformer Input Sampling, ICCV Workshops; channels are drawn, "
          "not "
          "clustered",
      .needs = {.subsets = true, .probabilities = true},
      .variant =
          [](const ExplainOptions& options) {
            return fmt::format("{} masks of half of the patches, seed {}", tis_masks(options), options.seed);
          },
      .make = [](const ExplainOptions& options, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
        return std::make_unique<Tis>(options, layout);
      },
      .reads = {"masks", "seed"}};
}

}  // namespace fovea
