// A cascade: when the quick pass is enough, what is measured of it, and one file that holds both forms.
#include "pipeline/cascade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "base/numerics.hpp"
#include "fovea/error.hpp"
#include "fovea/session.hpp"
#include "model/quantize/cascade.hpp"
#include "model/quantize/quantize.hpp"
#include "support/needs_precision.hpp"
#include "support/normal_values.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

CascadeInfo with_margin(double margin) {
  CascadeInfo cascade;
  cascade.pictures = 100;
  cascade.largest = margin;
  return cascade;
}

/// The answer in words that can be compared: the best classes, and which classes reach the threshold.
std::vector<std::size_t> answer(const Logits& logits, ScoreFunction function, const AskedAnswer& asked) {
  std::vector<std::size_t> said = top_k(logits, asked.ranks);
  if (asked.threshold <= 0) return said;
  const std::vector<float> probabilities = probabilities_of(logits, {{}, function});
  const std::vector<std::size_t> best = said;
  for (const std::size_t c : best) said.push_back(static_cast<double>(probabilities[c]) >= asked.threshold ? 1 : 0);
  return said;
}

TEST(Cascade, ASureAnswerStaysTheSameHoweverTheDistancesChangeWithinTheMargin) {
  constexpr float kMargin = 0.4F;
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(-3.0F, 3.0F);
  std::uniform_real_distribution<float> half(-0.499F * kMargin, 0.499F * kMargin);  // so each distance changes by less
  std::size_t sure = 0;
  std::size_t unsure = 0;
  for (int picture = 0; picture < 3000; ++picture) {
    Logits logits(5);
    for (float& logit : logits) logit = value(random);
    const ScoreFunction function = picture % 2 == 0 ? ScoreFunction::kSoftmax : ScoreFunction::kSigmoid;
    const AskedAnswer asked{static_cast<std::size_t>(1 + picture % 3), picture % 5 == 0 ? 0.3 : 0.0};
    if (!is_sure(logits, function, asked, with_margin(kMargin))) {
      ++unsure;
      continue;
    }
    ++sure;
    const auto said = answer(logits, function, asked);
    for (int change = 0; change < 20; ++change) {
      Logits moved = logits;
      for (float& logit : moved) logit += half(random);
      ASSERT_EQ(answer(moved, function, asked), said) << "picture " << picture;
    }
  }
  EXPECT_GT(sure, 500U);
  EXPECT_GT(unsure, 500U);
}

TEST(Cascade, NearNeighboursAmongTheAskedRanksAreNotSure) {
  const Logits logits{5.0F, 3.0F, 2.9F, 0.0F};
  const CascadeInfo cascade = with_margin(0.2);
  EXPECT_TRUE(is_sure(logits, ScoreFunction::kSoftmax, {1, 0}, cascade));
  EXPECT_FALSE(is_sure(logits, ScoreFunction::kSoftmax, {2, 0}, cascade)) << "the third could be the second";
  EXPECT_FALSE(is_sure(logits, ScoreFunction::kSoftmax, {4, 0}, cascade));
  EXPECT_TRUE(is_sure({5.0F}, ScoreFunction::kSoftmax, {5, 0}, cascade)) << "one class has no neighbour";
  // Its probability is 0.786, whose log-odds are 1.30; those of 0.8 are 1.39.
  EXPECT_FALSE(is_sure({3.0F, 1.0F, 1.0F}, ScoreFunction::kSoftmax, {1, 0.8}, cascade));
  EXPECT_TRUE(is_sure({3.0F, 1.0F, 1.0F}, ScoreFunction::kSoftmax, {1, 0.6}, cascade));
}

TEST(Cascade, AMapOfTheThirdClassNeedsThreeSureRanks) {
  PredictionOptions predictions;
  predictions.top_k = 1;
  TargetRule third;
  third.ranks = 3;
  EXPECT_EQ(asked_answer(predictions, std::vector{third}).ranks, 3U);
  TargetRule against;
  against.against = ClassRule{ClassRule::Kind::kRanked, 0, 2};
  EXPECT_EQ(asked_answer(predictions, std::vector{against}).ranks, 2U);
  TargetRule named;
  named.target.kind = ClassRule::Kind::kNamed;
  EXPECT_EQ(asked_answer(predictions, std::vector{named}).ranks, 1U);
}

TEST(Cascade, MeasuresHowMuchDistancesChange) {
  const std::vector<std::vector<float>> exact{{2.0F, 1.0F, 0.0F}, {0.0F, 0.0F, 4.0F}};
  const std::vector<std::vector<float>> quick{{2.25F, 0.75F, 0.0F}, {0.0F, 0.0F, 4.0F}};
  const CascadeInfo cascade = measure_cascade(exact, quick, false, 1e-4, Precision::kInt8);
  EXPECT_EQ(cascade.pictures, 2U);
  EXPECT_DOUBLE_EQ(cascade.largest, 0.5);
  EXPECT_NEAR(cascade.rms, std::sqrt((0.25 + 2 * 0.0625) / 6), 1e-12);
  EXPECT_NEAR(cascade.estimate(), 3.890592 * cascade.rms, 1e-5);  // a normal variable beyond it: 1 in 10,000
  EXPECT_EQ(cascade.margin(), std::max(cascade.largest, cascade.estimate()));
  EXPECT_NEAR(with_margin(1).largest_exceeded(), 0.0295, 1e-4);  // 3 in 100
  EXPECT_GT(measure_cascade(exact, quick, true, 1e-4, Precision::kInt8).pictures, 0U);
}

/// A model whose norms put out channels 300 times as large as the others, as trained ones do.
test::TinyTensors with_outliers(const Architecture& a) {
  test::TinyTensors tensors = test::make_tiny_tensors(a, 5);
  for (std::size_t block = 0; block < a.depth; ++block) {
    const std::string prefix = "blocks." + std::to_string(block) + ".";
    for (std::size_t channel = block; channel < a.embed_dim; channel += 8) {
      tensors.at(prefix + "norm1.weight").values[channel] *= 300.0F;
      tensors.at(prefix + "norm1.bias").values[channel] *= 300.0F;
      auto& weight = tensors.at(prefix + "attn.qkv.weight").values;
      for (std::size_t i = channel; i < weight.size(); i += a.embed_dim) weight[i] /= 300.0F;
    }
  }
  return tensors;
}

TEST(Cascade, OneFileHoldsTheModelAsItWasAndItsQuickForm) {
  FOVEA_NEEDS_PRECISION(Precision::kInt8)
  const test::TempFolder folder;
  const Architecture a = test::tiny_vit();
  test::write_tiny_model(folder / "model", a, with_outliers(a));
  const auto picture = [&](unsigned seed) { return test::normal_values(a.grid().size() * a.patch_dim(), seed); };
  for (const Precision precision : {Precision::kInt8, Precision::kBf16}) {
    FOVEA_NEEDS_PRECISION(precision)
    Quantizer quantizer(folder / "model", precision);
    for (unsigned seed = 0; seed < 6; ++seed) quantizer.observe(picture(seed));
    for (unsigned seed = 0; seed < 6; ++seed) quantizer.measure(picture(seed));
    const auto rounded = quantizer.rounded();
    CascadeInfo measured = with_margin(0.125);
    measured.quick = precision;
    PendingFile file(folder / "both.safetensors");
    quantizer.write(file, measured);
    file.commit();

    LoadOptions options;
    options.cascade = true;
    const auto both = VisionTransformer::load(folder / "both.safetensors", options);
    ASSERT_NE(both->quick(), nullptr);
    ASSERT_TRUE(both->info().cascade.has_value());
    EXPECT_EQ(both->info().cascade->quick, precision);
    EXPECT_EQ(both->info().cascade->largest, 0.125);
    EXPECT_EQ(both->info().cascade->pictures, 100U);
    EXPECT_EQ(both->quick()->info().precision, precision);
    const auto logits = [&](const std::shared_ptr<const VisionTransformer>& model) {
      return Session(model, 1).forward(picture(9)).front().logits;
    };
    EXPECT_EQ(logits(both), logits(VisionTransformer::load(folder / "model")));
    EXPECT_EQ(logits(both->quick()), logits(rounded));
    EXPECT_NE(logits(both->quick()), logits(both));
    LoadOptions alone;
    alone.precision = precision;
    EXPECT_EQ(logits(VisionTransformer::load(folder / "both.safetensors", alone)), logits(rounded));
    EXPECT_EQ(VisionTransformer::load(folder / "both.safetensors")->quick(), nullptr);
    EXPECT_NE(model_sha256(folder / "both.safetensors", options), model_sha256(folder / "both.safetensors"));
  }
}

TEST(Cascade, AnyOtherFileIsRefusedAndTheCommandIsNamed) {
  const test::TempFolder folder;
  const Architecture a = test::tiny_vit();
  test::write_tiny_model(folder / "model", a, test::make_tiny_tensors(a, 5));
  LoadOptions options;
  options.cascade = true;
  try {
    (void)VisionTransformer::load(folder / "model", options);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("fovea quantize MODEL OUT.safetensors --cascade"));
  }
}

}  // namespace
}  // namespace fovea
