// Rollout of attention and maps that the reference libraries made, apart from the network that makes them here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "explain/spearman.hpp"
#include "fovea/explain.hpp"
#include "support/naive_rollout.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

constexpr double kMapTolerance = 1e-4;  // of the map's maximum
constexpr double kRankAgreement = 0.999;

void expect_same_map(std::span<const float> map, std::span<const float> expected, double tolerance) {
  ASSERT_EQ(map.size(), expected.size());
  const double largest = static_cast<double>(*std::max_element(expected.begin(), expected.end()));
  ASSERT_GT(largest, 0.0);
  double worst = 0;
  for (std::size_t i = 0; i < map.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(map[i]) - static_cast<double>(expected[i])));
  }
  EXPECT_LE(worst, tolerance * largest);
  EXPECT_GE(spearman(map, expected), kRankAgreement);
}

/// @param blocks  one [num_heads, tokens, tokens] for each block.
std::vector<float> map_of(std::string_view method, HeadFusion fusion, const TokenLayout& layout,
                          std::span<const std::vector<float>> blocks) {
  const auto explainer = explain_method(method).make(test::with_heads(fusion), layout);
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    explainer->observe({block, layout.num_heads, layout.tokens(), blocks[block]});
  }
  return explainer->heatmap().values;
}

/// Row `index` of the first axis.
std::vector<float> slice(const TensorView& tensor, std::size_t index) {
  const std::vector<float> all = to_float(tensor);
  const std::size_t size = all.size() / tensor.shape.at(0);
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(index * size);
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

TEST(GoldenRollout, EqualsTheReferenceOnATinyRandomModel) {
  const auto expected = open_checkpoint(test::source_dir() / "tests/golden/families/timm_vit_cls/expected.safetensors");
  const TensorView* const rollouts = expected->find("rollout");
  ASSERT_NE(rollouts, nullptr);
  const TensorView* const first = expected->find("attn_0");  // [images, heads, tokens, tokens]
  ASSERT_NE(first, nullptr);
  const TokenLayout layout{.num_blocks = 3,
                           .num_heads = first->shape.at(1),
                           .num_prefix = 1,
                           .grid = {rollouts->shape.at(1), rollouts->shape.at(2)},
                           .read_out = {{0, 1.0F}}};
  for (std::size_t image = 0; image < first->shape.at(0); ++image) {
    std::vector<std::vector<float>> blocks;
    for (std::size_t block = 0; block < layout.num_blocks; ++block) {
      const TensorView* const attention = expected->find("attn_" + std::to_string(block));
      ASSERT_NE(attention, nullptr) << block;
      blocks.push_back(slice(*attention, image));
    }
    SCOPED_TRACE(image);
    expect_same_map(map_of("rollout", HeadFusion::kMean, layout, blocks), slice(*rollouts, image), kMapTolerance);
  }
}

// The attention of this picture is stored in half precision, the maps are of the unrounded one. What the explainer does
// with the halves is compared with the same in double; the reference can be met only as far as the halves allow, and
// the smallest of three heads is where they are coarsest.
TEST(GoldenRollout, EqualsTheReferenceOnDeitTinyForEveryHeadFusion) {
  FOVEA_NEEDS_SHARED(path, "golden/deit_tiny");
  const auto attentions = open_checkpoint(path / "attn_full.safetensors");
  const auto maps = open_checkpoint(path / "maps.safetensors");
  const TensorView* const stored = attentions->find("A");  // [blocks, heads, tokens, tokens]
  ASSERT_NE(stored, nullptr);
  const TokenLayout layout{.num_blocks = stored->shape.at(0),
                           .num_heads = stored->shape.at(1),
                           .num_prefix = 1,
                           .grid = {14, 14},
                           .read_out = {{0, 1.0F}}};
  std::vector<std::vector<float>> blocks;
  for (std::size_t block = 0; block < layout.num_blocks; ++block) blocks.push_back(slice(*stored, block));
  struct Case {
    HeadFusion fusion;
    std::string tensor;
    double tolerance;
  };
  for (const auto& [fusion, tensor, tolerance] :
       {Case{HeadFusion::kMean, "rollout_mean", kMapTolerance}, Case{HeadFusion::kMax, "rollout_max", kMapTolerance},
        Case{HeadFusion::kMin, "rollout_min", 2 * kMapTolerance}}) {
    SCOPED_TRACE(tensor);
    const TensorView* const map = maps->find(tensor);  // [pictures, 14, 14]
    ASSERT_NE(map, nullptr);
    const std::vector<float> actual = map_of("rollout", fusion, layout, blocks);
    const std::vector<double> exact = test::naive_rollout(blocks, layout.num_heads, layout.tokens(), fusion);
    const std::vector<float> exact_row(exact.begin() + 1, exact.begin() + 1 + 196);
    expect_same_map(actual, exact_row, 1e-6);
    expect_same_map(actual, slice(*map, 0), tolerance);
  }
}

}  // namespace
}  // namespace fovea
