// What comes out of a forward pass: classes, features, zero-shot scores; and tensors that go in.
#include "pipeline/predictions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/files.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/preprocess/patches.hpp"
#include "pipeline/features.hpp"
#include "pipeline/maps/zero_shot.hpp"
#include "pipeline/tensor_images.hpp"
#include "report/files/documents.hpp"
#include "support/naive_vit.hpp"
#include "support/pictures.hpp"
#include "support/sample_images.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::string refused_options(const std::function<void()>& step) {
  try {
    step();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

std::vector<Prediction> predict(const Logits& logits, const ClassSpace& classes, const PredictionOptions& options) {
  return predictions_of(logits, probabilities_of(logits, classes), classes, options);
}

TEST(Predictions, MultiLabelModelsHaveASigmoidForEachClass) {
  const std::vector<ClassLabel> labels{{"a, b", {}}, {{}, {}}, {"c", "n01440764"}};
  const Logits logits{0.0F, -200.0F, std::log(3.0F)};
  const auto softmaxed = predict(logits, {labels}, {3});
  ASSERT_EQ(softmaxed.size(), 3U);
  EXPECT_EQ(softmaxed[0].class_index, 2U);
  EXPECT_FLOAT_EQ(softmaxed[0].probability, 0.75F);
  EXPECT_EQ(softmaxed[0].synset, "n01440764");
  EXPECT_EQ(softmaxed[1].label, "a");
  const auto sigmoids = predict(logits, {labels, ScoreFunction::kSigmoid}, {3});
  EXPECT_FLOAT_EQ(sigmoids[0].probability, 0.75F);
  EXPECT_FLOAT_EQ(sigmoids[1].probability, 0.5F);
  EXPECT_NEAR(sigmoids[2].probability, 0.0F, 1e-30F);
  EXPECT_EQ(predict({1000.0F, 0.0F, 0.0F}, {labels, ScoreFunction::kSigmoid}, {1})[0].probability, 1.0F);
}

TEST(Predictions, OfARegressionAreValues) {
  const std::vector<ClassLabel> labels{{"age", {}}, {{}, {}}};
  const auto values = predict({-3.5F, 41.0F}, {labels, ScoreFunction::kNone}, {2, 0.5});
  ASSERT_EQ(values.size(), 2U) << "no threshold";
  EXPECT_EQ(values[0].class_index, 1U);
  EXPECT_EQ(values[0].value, 41.0F);
  EXPECT_EQ(values[1].label, "age");
  EXPECT_EQ(values[1].value, -3.5F);
  ModelInfo model;
  model.regression = true;
  EXPECT_THAT(refused_options([&] { require_probabilities(model, class_space(model), "--threshold"); }),
              HasSubstr("--threshold is about probabilities"));
  EXPECT_NO_THROW(require_probabilities({}, class_space(ModelInfo{}), "--threshold"));
}

TEST(Predictions, AThresholdLeavesOutWhatIsLessProbable) {
  const std::vector<ClassLabel> labels(3);
  const Logits logits{std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  const auto count = [&](double threshold) { return predict(logits, {labels}, {5, threshold}).size(); };
  EXPECT_EQ(count(0), 3U);
  EXPECT_EQ(count(0.25), 2U);
  EXPECT_EQ(count(0.49), 1U);
  EXPECT_EQ(count(0.9), 0U);
}

ModelInfo tower(std::size_t width) {
  ModelInfo model;
  model.name = "tower";
  model.architecture = tiny_architecture();
  model.architecture.embed_dim = 24;
  model.architecture.num_classes = 0;
  model.architecture.projection_dim = width;
  return model;
}

TEST(ZeroShot, LogitsAreScaledCosinesPlusBiasWhateverTheLengths) {
  ModelInfo model = tower(3);
  model.logit_scale = 10.0F;
  const TextEmbeddings text{"t", 3, {2, 0, 0, 0, -3, 0, 1, 1, 0}, std::vector<ClassLabel>(3)};
  ForwardResult image;
  image.features = {0.0F, 5.0F, 0.0F};
  const ZeroShotHead clip(text, model);
  EXPECT_EQ(clip.classes().function, ScoreFunction::kSoftmax);
  const Logits logits = clip(image);
  ASSERT_EQ(logits.size(), 3U);
  EXPECT_FLOAT_EQ(logits[0], 0.0F);
  EXPECT_FLOAT_EQ(logits[1], -10.0F);
  EXPECT_FLOAT_EQ(logits[2], 10.0F * std::sqrt(0.5F));
  model.logit_bias = -12.5F;
  const ZeroShotHead siglip(text, model);
  EXPECT_EQ(siglip.classes().function, ScoreFunction::kSigmoid) << "a bias means a sigmoid for each class";
  EXPECT_FLOAT_EQ(siglip(image)[1], -22.5F);
}

TEST(ZeroShot, ScoresHaveTheGradientOfTheLogitsByFiniteDifferences) {
  ModelInfo model = tower(3);
  model.logit_scale = 10.0F;
  model.logit_bias = -2.0F;
  const TextEmbeddings text{"t", 3, {2, 0, 1, 0, -3, 0.5F, 1, 1, 0}, std::vector<ClassLabel>(3)};
  const ZeroShotHead head(text, model);
  const std::vector<float> image{0.5F, -1.5F, 2.0F};
  const auto logits_at = [&](std::size_t changed, double by) {
    ForwardResult result;
    result.features = image;
    result.features[changed] += static_cast<float>(by);
    return head(result);
  };
  for (const ScoreSeed& seed : {ScoreSeed{{1, 1.0F}}, ScoreSeed{{2, 1.0F}, {0, -1.0F}}}) {
    const OutputScore score = head.score(seed, Gradients::kTrue);
    EXPECT_EQ(score.reads, OutputScore::Reads::kFeatures);
    std::vector<float> gradient(3, 77.0F);
    score.gradient(image, gradient);
    constexpr double kStep = 1e-2;
    for (std::size_t i = 0; i < image.size(); ++i) {
      const Logits above = logits_at(i, kStep);
      const Logits below = logits_at(i, -kStep);
      double slope = 0;
      for (const auto& [c, weight] : seed)
        slope += double(weight) * (double(above[c]) - double(below[c])) / (2 * kStep);
      EXPECT_NEAR(double(gradient[i]), slope, 2e-3) << i;
    }
  }
  std::vector<float> nowhere(3, 77.0F);
  head.score({{0, 1.0F}}, Gradients::kTrue).gradient(std::vector<float>(3, 0.0F), nowhere);
  EXPECT_EQ(nowhere, std::vector<float>(3, 0.0F)) << "an image without a direction";
  EXPECT_THAT(refused_options([&] {
                (void)head.score({{3, 1.0F}}, Gradients::kTrue);
              }),
              HasSubstr("class 3 is asked for, expected one of 3"));
}

TEST(ZeroShot, WidthsThatDoNotFitAndRowsWithoutADirectionAreRefused) {
  const ModelInfo model = tower(3);
  const std::string width = refused_options([&] {
    ZeroShotHead({"t", 4, std::vector<float>(8, 1.0F), std::vector<ClassLabel>(2)}, model);
  });
  EXPECT_THAT(width, HasSubstr("are 4 wide, expected 3"));
  EXPECT_THAT(refused_options([&] {
                ZeroShotHead({"t", 3, {1, 0, 0, 0, 0, 0}, std::vector<ClassLabel>(2)}, model);
              }),
              HasSubstr("row 1"));
}

TEST(Features, PoolsAreTakenFromTheTokensBehindTheFinalNorm) {
  Architecture a = tiny_architecture();
  a.num_prefix_tokens = 2;
  ModelInfo model;
  model.architecture = a;
  ForwardResult result;
  result.features = {7.0F};
  result.tokens = random_values(a.tokens() * a.embed_dim, 1);
  EXPECT_EQ(features_of(result, a, FeaturePool::kHead), result.features);
  const auto cls = features_of(result, a, FeaturePool::kClassToken);
  EXPECT_EQ(cls, std::vector<float>(result.tokens.begin(), result.tokens.begin() + std::ptrdiff_t(a.embed_dim)));
  const auto tokens = features_of(result, a, FeaturePool::kPatchTokens);
  EXPECT_EQ(tokens, std::vector<float>(result.tokens.begin() + std::ptrdiff_t(2 * a.embed_dim), result.tokens.end()));
  const auto mean = features_of(result, a, FeaturePool::kPatchMean);
  ASSERT_EQ(mean.size(), a.embed_dim);
  double sum = 0;
  for (std::size_t t = 0; t < a.grid().size(); ++t) sum += double(tokens[t * a.embed_dim + 5]);
  EXPECT_NEAR(mean[5], sum / double(a.grid().size()), 1e-6);
  EXPECT_EQ(feature_shape(model, FeaturePool::kPatchTokens), (std::vector<std::size_t>{a.grid().size(), a.embed_dim}));
  model.architecture.num_register_tokens = 2;
  EXPECT_THAT(refused_options([&] { (void)feature_shape(model, FeaturePool::kClassToken); }),
              HasSubstr("no class token"));
}

TEST(TensorImages, PatchesAreCutAsTheNaiveTwinCutsThem) {
  for (const Size size : {Size{16, 16}, Size{8, 32}, Size{40, 24}}) {
    Architecture a = tiny_architecture();
    a.image_size = size;
    const auto chw = random_values(std::size_t(3 * size.height * size.width), 3);
    std::vector<float> patches(chw.size());
    cut_patches(chw, size, a.patch_size, patches);
    EXPECT_EQ(patches, naive_patches(a, chw)) << size.height << "x" << size.width;
  }
}

TEST(TensorImages, NormalisingIsUndoneToThePixelInEachForm) {
  const Image image = random_image({9, 7}, 4);
  for (const Normalization form : {Normalization::kDivide, Normalization::kRescale, Normalization::kFused}) {
    for (const bool by_mean : {true, false}) {
      PreprocessRecipe recipe;
      recipe.normalization = form;
      recipe.normalize = by_mean || form == Normalization::kDivide;
      recipe.mean = {0.485F, 0.456F, 0.406F};
      recipe.std = {0.229F, 0.224F, 0.225F};
      std::vector<float> chw(image.pixels().size());
      normalize(image, recipe, chw);
      const Image back = denormalized(chw, image.size(), recipe);
      EXPECT_TRUE(std::equal(back.pixels().begin(), back.pixels().end(), image.pixels().begin())) << int(form);
    }
  }
  const std::vector<float> beyond{100.0F, -100.0F, 0.0F};
  const Image clamped = denormalized(beyond, {1, 1}, PreprocessRecipe{});
  EXPECT_EQ(clamped.pixels()[0], 255);
  EXPECT_EQ(clamped.pixels()[1], 0);
  EXPECT_EQ(clamped.pixels()[2], 128);
}

TEST(TensorImages, RowsAreReadWhereTheyLieAndAreFinite) {
  const TempFolder folder;
  auto values = random_values(std::size_t{2 * 3 * 4 * 5}, 5);
  values[60 + 23] = std::numeric_limits<float>::infinity();
  const std::size_t shape[] = {2, 3, 4, 5};
  replace_file(folder / "x.npy", npy_f32(values, shape));
  const TensorImages images(folder / "x.npy");
  EXPECT_EQ(images.size(), (Size{4, 5}));
  const auto inputs = images.inputs();
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs[1].path, (folder / "x.npy").string() + "#1");
  EXPECT_EQ(inputs[1].name, "x.npy#1");
  std::vector<float> chw(60);
  images.read(0, chw);
  EXPECT_TRUE(std::equal(chw.begin(), chw.end(), values.begin()));
  try {
    images.read(1, chw);
    ADD_FAILURE() << "an infinite value was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDecode);
    EXPECT_THAT(error.what(), HasSubstr("x.npy#1: the value at [1, 0, 3] is inf"));
  }
}

}  // namespace
}  // namespace fovea::test
