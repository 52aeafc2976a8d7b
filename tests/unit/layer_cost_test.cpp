// The layers that are counted are those that the forward pass tells its hook of, and cost what the formulas say.
#include "model/forward/layer_cost.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/forward/forward_pass.hpp"
#include "model/forward/layer_clock.hpp"
#include "support/needs_precision.hpp"
#include "support/normal_values.hpp"
#include "support/shared.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

std::vector<float> patches_for(const Architecture& a, std::size_t images) {
  return test::normal_values(images * a.grid().size() * a.patch_dim(), 7);
}

/// Each of a pass's layers, as the hook was told of it.
class Recorder final : public ForwardHook {
 public:
  void before(const LayerCall& layer) override { begun_ = layer.kind; }
  void after(const LayerCall& layer) override {
    EXPECT_EQ(begun_, layer.kind) << "one layer at a time";
    layers.insert({cost_kind(layer.kind, layer.leading_only), layer.block});
  }
  std::set<std::pair<LayerKind, std::size_t>> layers;

 private:
  std::optional<LayerKind> begun_;
};

void expect_costs_of_the_layers_that_run(const std::shared_ptr<const VisionTransformer>& model, std::size_t images) {
  const std::vector<float> patches = patches_for(model->architecture(), images);
  const std::vector<ForwardResult> whole = Session(model, images).forward(patches);
  ForwardPass pass(model, images);
  for (int run = 0; run < 2; ++run) {  // nothing of an earlier run is left
    Recorder hook;
    const std::span<float> x = pass.embed(patches, hook);
    const auto results =
        pass.read_out(images, pass.run_blocks(0, model->architecture().depth, x, {}, hook), false, hook);
    ASSERT_EQ(results.size(), images);
    for (std::size_t i = 0; i < images; ++i) {
      EXPECT_EQ(results[i].pooled, whole[i].pooled) << i;
      EXPECT_EQ(results[i].features, whole[i].features) << i;
      EXPECT_EQ(results[i].logits, whole[i].logits) << i;
    }
    std::set<std::pair<LayerKind, std::size_t>> counted;
    for (const LayerCost& layer : layer_cost(*model, images)) counted.insert({layer.kind, layer.block});
    EXPECT_EQ(hook.layers, counted);
  }
}

TEST(LayerCost, CountsTheLayersThatAHookSeesOfEveryFamily) {
  std::size_t families = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() / "tests/golden/families")) {
    if (!std::filesystem::exists(entry.path() / "config.json")) continue;
    SCOPED_TRACE(entry.path().filename());
    const auto expected = open_checkpoint(entry.path() / "expected.safetensors");
    const auto& input = expected->find("x")->shape;  // [n, 3, H, W]
    LoadOptions options;
    options.image_size = Size{static_cast<int>(input[2]), static_cast<int>(input[3])};
    const auto model = VisionTransformer::load(entry.path(), options);
    for (const std::size_t images : {1U, 3U}) expect_costs_of_the_layers_that_run(model, images);
    ++families;
  }
  EXPECT_GT(families, 20U);
}

class LayerCostIn : public testing::TestWithParam<Precision> {};

TEST_P(LayerCostIn, EveryPrecisionCountsTheLayersThatAHookSees) {
  FOVEA_NEEDS_PRECISION(GetParam());
  const auto model = VisionTransformer::random(test::tiny_vit({64, 64}, 8, 64, 3), 1, GetParam());
  for (const std::size_t images : {1U, 3U}) expect_costs_of_the_layers_that_run(model, images);
}

INSTANTIATE_TEST_SUITE_P(Each, LayerCostIn, testing::ValuesIn(kPrecisions),
                         [](const auto& precision) { return std::string(name(precision.param)); });

/// flops and bytes of all layers of one kind
struct Cost {
  std::size_t layers = 0;
  double flops = 0;
  double bytes = 0;
};
std::map<LayerKind, Cost> costs_of(const std::shared_ptr<const VisionTransformer>& model, std::size_t images) {
  std::map<LayerKind, Cost> costs;
  for (const LayerCost& layer : layer_cost(*model, images)) {
    Cost& cost = costs[layer.kind];
    ++cost.layers;
    cost.flops += layer.flops();
    cost.bytes += layer.bytes;
  }
  return costs;
}

TEST(LayerCost, CostWhatTheFormulasSayOfATinyModel) {
  // 24 patches and a class token; 48 wide, 192 in the MLP; 3 blocks; 10 classes; two images.
  constexpr double T = 24, N = 25, D = 48, F = 192, P = 3 * 8 * 8, C = 10, n = 2;
  auto costs = costs_of(VisionTransformer::random(test::tiny_vit(), 1), 2);
  const auto expect = [&](LayerKind kind, std::size_t layers, double flops, double bytes) {
    EXPECT_EQ(costs[kind].layers, layers) << int(kind);
    EXPECT_DOUBLE_EQ(costs[kind].flops, flops) << int(kind);
    EXPECT_DOUBLE_EQ(costs[kind].bytes, bytes) << int(kind);
  };
  // One image at a time: the weights are read twice, and the position embedding is what the sum begins with.
  expect(LayerKind::kPatchEmbed, 1, n * 2 * T * P * D, n * 4 * (T * P + P * D + D + 2 * T * D));
  expect(LayerKind::kNorm, 5, 5 * n * 8 * N * D, 5 * n * 4 * 2 * N * D);
  expect(LayerKind::kQkv, 3, 3 * n * 2 * N * D * 3 * D, 3 * 4 * (n * N * D + 3 * D * D + 3 * D + n * N * 3 * D));
  expect(LayerKind::kAttention, 2, 2 * n * 4 * N * N * D, 2 * n * 4 * 4 * N * D);
  expect(LayerKind::kProj, 2, 2 * n * 2 * N * D * D, 2 * 4 * (n * 3 * N * D + D * D + D));
  expect(LayerKind::kFc1, 2, 2 * n * 2 * N * D * F, 2 * 4 * (n * N * (D + F) + D * F + F));
  expect(LayerKind::kFc2, 2, 2 * n * 2 * N * D * F, 2 * 4 * (n * N * (F + 2 * D) + D * F + D));
  const double one_row = 4 * N * D + 2 * D * D + 8 * D + 4 * D * F;
  const double attended = n * (2 * N * D + 2 * D);
  const double projected = n * 3 * D + D * D + D;
  const double mlp = n * 2 * D + (n * (D + F) + D * F + F) + (n * (F + 2 * D) + D * F + D);
  expect(LayerKind::kLastBlock, 5, n * one_row, 4 * (attended + projected + mlp));
  expect(LayerKind::kReadOut, 1, n * 2 * D * C, n * 4 * (D + D * C + C));
  EXPECT_EQ(costs.size(), 9U);
}

TEST(LayerCost, PackedWeightsCountTheirOwnBytes) {
  for (const auto& [precision, bytes] :
       std::map<Precision, double>{{Precision::kBf16, 2}, {Precision::kBf16x3, 4}, {Precision::kBf16x6, 6}}) {
    FOVEA_NEEDS_PRECISION(precision);
    const auto model = VisionTransformer::random(test::tiny_vit(), 1, precision);
    EXPECT_DOUBLE_EQ(costs_of(model, 1)[LayerKind::kQkv].bytes,
                     3 * (bytes * 48 * 144 + 4 * (25 * 48 + 144 + 25 * 144)));
  }
}

TEST(LayerCost, AnInt8ModelCountsEachLayerInItsOwnPrecision) {
  FOVEA_NEEDS_PRECISION(Precision::kInt8);
  FOVEA_NEEDS_PRECISION(Precision::kBf16);
  auto costs = costs_of(VisionTransformer::random(test::tiny_vit(), 1, Precision::kInt8), 1);
  // The first block is in bfloat16.
  EXPECT_DOUBLE_EQ(costs[LayerKind::kQkv].bytes, (2 + 1 + 1) * 48 * 144 + 3 * 4 * (25 * 48 + 144 + 25 * 144));
  EXPECT_GE(costs[LayerKind::kPatchEmbed].bytes, 4 * 192 * 48) << "pixels are not embedded in int8";
}

TEST(LayerCost, AModelThatReadsAllPatchesHasNoShortenedLastBlock) {
  Architecture a = test::tiny_vit();
  a.read_out = ReadOut::kPatchMean;
  auto costs = costs_of(VisionTransformer::random(a, 1), 1);
  EXPECT_EQ(costs.count(LayerKind::kLastBlock), 0U);
  EXPECT_EQ(costs[LayerKind::kFc2].layers, 3U);
  EXPECT_EQ(costs[LayerKind::kNorm].layers, 6U);
}

TEST(LayerCost, AreNamedAndBeginWithThePatches) {
  const Architecture a = test::tiny_vit();
  EXPECT_EQ(name(LayerKind::kPatchEmbed, a), "patch embedding");
  EXPECT_EQ(name(LayerKind::kFc1, a), "fc1, gelu");
  const std::vector<LayerCost> layers = layer_cost(a, {});
  EXPECT_EQ(layers.front().kind, LayerKind::kPatchEmbed);
  EXPECT_EQ(layers.back().kind, LayerKind::kReadOut);
}

TEST(LayerClock, TimesEachKindThatIsCountedAndForgetsEarlierPassesAtARestart) {
  const auto model = VisionTransformer::random(test::tiny_vit(), 1);
  const std::vector<float> patches = patches_for(model->architecture(), 1);
  ForwardPass pass(model, 1);
  LayerClock clock;
  const auto run = [&] {
    const std::span<float> x = pass.embed(patches, clock);
    (void)pass.read_out(1, pass.run_blocks(0, model->architecture().depth, x, {}, clock), false, clock);
    clock.end_pass();
  };
  run();
  clock.restart();
  EXPECT_TRUE(clock.median_ms().empty());
  run();
  std::map<LayerKind, double> ms = clock.median_ms();
  for (const LayerCost& layer : layer_cost(*model, 1)) EXPECT_GT(ms[layer.kind], 0.0) << int(layer.kind);
  EXPECT_EQ(ms.size(), 9U);
}

}  // namespace
}  // namespace fovea
