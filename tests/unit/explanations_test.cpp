// Maps, targets and faithfulness of several draws, against a twin that takes the draws one by one.
#include "pipeline/maps/explanations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "explain/faithfulness.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/preprocess/patches.hpp"
#include "pipeline/maps/reruns.hpp"
#include "pipeline/predictions.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

constexpr std::size_t kDraws = 3;

class SeveralDraws : public testing::Test {
 protected:
  SeveralDraws()
      : model_(VisionTransformer::random(test::tiny_vit({32, 48}, 8, 48, 6), 1)), session_(model_, kRerunBatch) {
    patches_ = test::random_input(model_->architecture(), 5);
    plan_.methods = {&explain_method("rollout"), &explain_method("occlusion")};
    plan_.reduction.keep = 0.4;
    plan_.reduction.sample = true;
    plan_.reduction.seed = 7;
    plan_.draws = kDraws;
    plan_.faithfulness = true;
  }

  ExplainedImage explain(const MapPlan& plan) {
    auto images = explain_images(*model_, session_, patches_, plan, {}, best_class);
    EXPECT_EQ(images.size(), 1U);
    return std::move(images.front());
  }
  [[nodiscard]] MapPlan only(std::size_t draw) const {
    MapPlan plan = plan_;
    plan.draws = 1;
    plan.reduction.draw = draw;
    plan.faithfulness = false;
    plan.methods = {&explain_method("rollout")};
    return plan;
  }
  /// The naive twin: the draws' logits, averaged.
  Logits logits_of(std::span<const float> image) {
    std::vector<double> sum(model_->architecture().num_classes);
    for (std::size_t draw = 0; draw < kDraws; ++draw) {
      ForwardRequest request;
      request.reduction = only(draw).reduction;
      const auto results = session_.forward(image, request);
      for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += double{results.front().logits[c]} / kDraws;
    }
    return {sum.begin(), sum.end()};
  }
  [[nodiscard]] RunAgain twin(std::size_t class_index) {
    return [this, class_index](std::span<const float> patches) {
      std::vector<ClassScore> scores;
      for (std::size_t at = 0; at < patches.size(); at += patches_.size()) {
        Logits logits = logits_of(patches.subspan(at, patches_.size()));
        ClassScore& score = scores.emplace_back();
        score.score = logits[class_index];
        to_probabilities(logits, ScoreFunction::kSoftmax);
        score.probability = logits[class_index];
      }
      return scores;
    };
  }

  std::shared_ptr<const VisionTransformer> model_;
  Session session_;
  std::vector<float> patches_;
  MapPlan plan_;
};

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected, float tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], tolerance) << i;
}

TEST_F(SeveralDraws, AreAveragedInLogitsMapsAndWhatWasKept) {
  std::vector<ExplainedImage> draws;
  for (std::size_t draw = 0; draw < kDraws; ++draw) draws.push_back(explain(only(draw)));
  ASSERT_NE(draws[0].result.logits, draws[1].result.logits) << "the draws must differ";
  const auto mean = [&](auto values_of) {
    std::vector<float> sum(values_of(draws[0]).size());
    for (const ExplainedImage& image : draws) {
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values_of(image)[i] / kDraws;
    }
    return sum;
  };
  const ExplainedImage image = explain(plan_);
  expect_near(image.result.logits, mean([](const auto& i) { return i.result.logits; }), 1e-5F);
  expect_near(image.maps[0].heatmap.values, mean([](const auto& i) { return i.maps[0].heatmap.values; }), 1e-6F);
  expect_near(image.looked_at->kept, mean([](const auto& i) { return i.looked_at->kept; }), 1e-6F);
}

TEST_F(SeveralDraws, AreJudgedAndRunAgainAsTheModelWhosePredictionsAreReported) {
  const ExplainedImage image = explain(plan_);
  const std::size_t best = best_class(0, image.result).front().class_index;
  const RunAgain again = twin(best);
  const Architecture& a = model_->architecture();

  const auto occlusion = explain_method("occlusion").make(plan_.options, token_layout(a));
  occlusion->rerun(patches_, kRerunBatch, again);
  ASSERT_EQ(image.maps[1].target->class_index, best);
  expect_near(image.maps[1].heatmap.values, occlusion->heatmap().values, 1e-5F);

  std::vector<float> blurred(patches_.size());
  blur_patches(patches_, a.grid(), a.patch_size, blurred);
  Painting perturbation(patches_, blurred, a.grid().size(), kRerunBatch, again);
  const PerturbationBaselines baselines = perturbation_baselines(perturbation, a.grid(), plan_.options.seed);
  for (const ExplainedMap& map : image.maps) {
    const PerturbationAreas areas = perturbation.areas(patch_order(map.heatmap.values));
    ASSERT_TRUE(map.faithfulness);
    EXPECT_NEAR(map.faithfulness->map.deletion, areas.deletion, 1e-6) << map.method->name;
    EXPECT_NEAR(map.faithfulness->map.insertion, areas.insertion, 1e-6) << map.method->name;
    EXPECT_NEAR(map.faithfulness->centre.deletion, baselines.centre.deletion, 1e-6);
  }
  MapPlan first = plan_;
  first.draws = 1;
  EXPECT_GT(std::abs(explain(first).maps[0].faithfulness->centre.deletion - baselines.centre.deletion), 1e-5)
      << "the first draw alone must say something else";
}

TEST_F(SeveralDraws, ShowTheCallerTheFirst) {
  std::vector<std::size_t> blocks;
  ForwardRequest request;
  request.attention = [&](std::size_t, const AttentionView& attention) { blocks.push_back(attention.block); };
  (void)explain_images(*model_, session_, patches_, plan_, request, best_class);
  EXPECT_THAT(blocks, testing::ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(ExplainImages, MapsComeInTheOrderOfTheMethodsAndInItOfTheTargets) {
  const auto model = VisionTransformer::random(test::tiny_vit(), 1);
  Session session(model, 2);
  std::vector<float> patches = test::random_input(model->architecture(), 1);
  const std::vector<float> other = test::random_input(model->architecture(), 2);
  patches.insert(patches.end(), other.begin(), other.end());
  MapPlan plan;
  plan.methods = {&explain_method("generic"), &explain_method("rollout"), &explain_method("legrad"),
                  &explain_method("attention")};
  const auto images = explain_images(*model, session, patches, plan, {}, [](std::size_t image, const ForwardResult&) {
    return std::vector<Target>{{image, std::nullopt}, {9, std::nullopt}};
  });
  ASSERT_EQ(images.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<std::string> stems;
    for (const ExplainedMap& map : images[i].maps) {
      std::string& stem = stems.emplace_back(map.method->name);
      if (map.target) stem.append(".").append(target_stem(*map.target));
    }
    const std::string first = std::to_string(i);
    EXPECT_THAT(stems, testing::ElementsAre("generic." + first, "generic.9", "rollout", "legrad." + first, "legrad.9",
                                            "attention"));
  }
}

/// The heatmaps of two images.
std::vector<std::vector<float>> maps_of(const std::shared_ptr<const VisionTransformer>& model, const MapPlan& plan,
                                        const ForwardRequest& request) {
  Session session(model, 2);
  std::vector<float> patches = test::random_input(model->architecture(), 1);
  const std::vector<float> other = test::random_input(model->architecture(), 2);
  patches.insert(patches.end(), other.begin(), other.end());
  std::vector<std::vector<float>> maps;
  for (const ExplainedImage& image : explain_images(*model, session, patches, plan, request, best_class)) {
    for (const ExplainedMap& map : image.maps) maps.push_back(map.heatmap.values);
  }
  return maps;
}

TEST(ExplainImages, GiveTheSameMapsWhateverElseLooksAtTheAttention) {
  Architecture mean_of_patches = test::tiny_vit();
  mean_of_patches.read_out = ReadOut::kPatchMean;
  for (const Architecture& architecture : {test::tiny_vit(), mean_of_patches}) {
    const auto model = VisionTransformer::random(architecture, 4);
    std::vector<ExplainOptions> variants(6);
    variants[1].head_fusion = HeadFusion::kMax;
    variants[2].head_fusion = HeadFusion::kMin;
    variants[2].renormalize = true;
    variants[3].discard = 0.5F;
    variants[3].residual = 0.0F;
    variants[4].compat = RolloutCompat::kVitExplain;
    variants[5].compat = RolloutCompat::kChefer;
    for (std::size_t v = 0; v < variants.size(); ++v) {
      SCOPED_TRACE(v);
      MapPlan plan;
      plan.options = variants[v];
      plan.methods = {&explain_method("rollout")};
      const auto alone = maps_of(model, plan, {});
      std::size_t most_heads = 0;
      ForwardRequest request;
      request.attention = [&](std::size_t, const AttentionView& attention) {
        most_heads = std::max(most_heads, attention.num_heads);
      };
      EXPECT_EQ(maps_of(model, plan, request), alone);
      EXPECT_EQ(most_heads, architecture.num_heads);
      plan.methods.push_back(&explain_method("attention"));  // needs each row
      const auto beside = maps_of(model, plan, {});
      EXPECT_EQ(beside[0], alone[0]);
      EXPECT_EQ(beside[2], alone[1]);
      plan.methods.back() = &explain_method("generic");  // keeps all heads
      const auto with_gradients = maps_of(model, plan, {});
      EXPECT_EQ(with_gradients[0], alone[0]);
      EXPECT_EQ(with_gradients[2], alone[1]);
    }
  }
}

}  // namespace
}  // namespace fovea
