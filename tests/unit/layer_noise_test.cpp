// Which layers are rounded to integers, by hand.
#include "model/quantize/layer_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "fovea/precision.hpp"

namespace fovea {
namespace {

constexpr Precision kInt8 = Precision::kInt8;
constexpr Precision kBf16 = Precision::kBf16;

/// @param own     noise / signal of its outputs
/// @param scores  likewise
LayerNoise layer(BlockLayer kind, double own, double scores, std::size_t weights = 1000) {
  return {1, kind, {weights, 1}, {1.0, own}, {1.0, scores}};
}

TEST(ChoosePrecisions, BehindANormByTheLayersOwnNoise) {
  const std::vector<LayerNoise> layers{layer(BlockLayer::kQkv, 1.5e-4, 1.0), layer(BlockLayer::kFc1, 1.7e-4, 0.0)};
  EXPECT_EQ(choose_precisions(layers), (std::vector{kInt8, kBf16}));
}

TEST(ChoosePrecisions, OfThoseThatWriteTheLoudestForTheirSizeGiveWay) {
  // 1.1 + 1.0 + 0.6 = 2.7 of the 2.5 that are allowed.
  const std::vector<LayerNoise> even{layer(BlockLayer::kProj, 1.0, 0.6e-4), layer(BlockLayer::kFc2, 1.0, 1.1e-4),
                                     layer(BlockLayer::kFc2, 1.0, 1.0e-4)};
  EXPECT_EQ(choose_precisions(even), (std::vector{kInt8, kBf16, kInt8}));
  // The small one costs least in bfloat16.
  const std::vector<LayerNoise> small{layer(BlockLayer::kProj, 1.0, 0.6e-4, 100), layer(BlockLayer::kFc2, 1.0, 1.1e-4),
                                      layer(BlockLayer::kFc2, 1.0, 1.0e-4)};
  EXPECT_EQ(choose_precisions(small), (std::vector{kBf16, kInt8, kInt8}));
}

TEST(ChoosePrecisions, TheFirstBlockIsKeptOut) {
  std::vector<LayerNoise> layers(4, layer(BlockLayer::kQkv, 1e-6, 1e-6));
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i].kind = kBlockLayers.at(i);
  EXPECT_EQ(choose_precisions(layers), std::vector(4, kInt8));
  for (LayerNoise& first : layers) first.block = 0;
  EXPECT_EQ(choose_precisions(layers), std::vector(4, kBf16));
}

TEST(ChoosePrecisions, WhatIsNoNumberIsNoReasonForIntegers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<LayerNoise> layers{layer(BlockLayer::kQkv, nan, 0.0), layer(BlockLayer::kProj, 0.0, nan),
                                       layer(BlockLayer::kFc2, 0.0, 1e-5)};
  EXPECT_EQ(choose_precisions(layers), (std::vector{kBf16, kBf16, kInt8}));
  EXPECT_TRUE(choose_precisions({}).empty());
}

TEST(Noise, IsOfPowers) {
  Noise noise;
  for (const double value : {3.0, -4.0}) noise.add(value, value / 100.0);
  EXPECT_DOUBLE_EQ(noise.signal, 25.0);
  EXPECT_NEAR(noise.ratio(), 1e-4, 1e-18);
  EXPECT_NEAR(noise.snr_db(), 40.0, 1e-9);
  EXPECT_TRUE(std::isinf(Noise{}.ratio()));
}

}  // namespace
}  // namespace fovea
