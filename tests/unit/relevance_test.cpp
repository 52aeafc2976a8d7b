// Relevance propagation: the products and rules by themselves, then whole models against scalar loops.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/relevance/attention.hpp"
#include "model/relevance/layers.hpp"
#include "nn/linear/matmul_f64.hpp"
#include "support/forced_target.hpp"
#include "support/golden_family.hpp"
#include "support/naive_relevance.hpp"
#include "support/naive_vit.hpp"

namespace fovea {
namespace {

using nn::MatrixF64;

MatrixF64 normal_matrix(std::size_t rows, std::size_t cols, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  MatrixF64 matrix(rows, cols);
  for (double& value : matrix.values) value = normal(generator);
  return matrix;
}

double sum(const MatrixF64& matrix) {
  return std::accumulate(matrix.values.begin(), matrix.values.end(), 0.0);
}

double largest(const MatrixF64& matrix) {
  double most = 0;
  for (const double value : matrix.values) most = std::max(most, std::fabs(value));
  return most;
}

double counted(double value, Sign sign) {
  return sign == Sign::kAny ? value : sign == Sign::kPositive ? std::max(value, 0.0) : std::min(value, 0.0);
}

TEST(ProductF64, EqualsTheDefinitionForEverySizeSignTransposeAndInstructionSet) {
  for (std::int64_t left = HWY_TARGETS & hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const test::ForcedTarget forced(left & -left);
    for (const std::size_t rows : {1U, 5U, 6U, 7U, 13U}) {
      for (const std::size_t depth : {1U, 2U, 31U}) {
        for (const std::size_t cols : {1U, 7U, 8U, 9U, 16U, 17U, 33U}) {
          for (const Sign sign : {Sign::kAny, Sign::kPositive, Sign::kNegative}) {
            const bool transposed = (rows + cols) % 2 == 1;
            const MatrixF64 a = transposed ? normal_matrix(depth, rows, 1) : normal_matrix(rows, depth, 1);
            const MatrixF64 b = transposed ? normal_matrix(depth, cols, 2) : normal_matrix(cols, depth, 2);
            const ViewF64 left_factor = transposed ? a.view().transposed() : a.view();
            const ViewF64 right_factor = transposed ? b.view() : b.view().transposed();
            const std::size_t step = cols + 3;
            std::vector<double> y(rows * step, 1.0);
            nn::add_product(left_factor, right_factor, sign, y.data(), step);
            for (std::size_t r = 0; r < rows; ++r) {
              for (std::size_t c = 0; c < step; ++c) {
                double wanted = 1.0;
                for (std::size_t k = 0; k < depth && c < cols; ++k) {
                  wanted += left_factor.at(r, k) * counted(right_factor.at(k, c), sign);
                }
                ASSERT_NEAR(y[r * step + c], wanted, 1e-12) << rows << "x" << depth << "x" << cols;
              }
            }
          }
        }
      }
    }
  }
}

TEST(SafeDivide, IsStableFromBothSidesAndZeroAtZero) {
  EXPECT_EQ(safe_divide(3.0, 0.0), 0.0);
  EXPECT_EQ(safe_divide(3.0, 2.0), 3.0 / (2.0 + 1e-9));
  EXPECT_EQ(safe_divide(3.0, -2.0), 3.0 / (-2.0 + 1e-9));
  EXPECT_TRUE(std::isfinite(safe_divide(3.0, -1e-9)));
}

// What one layer hands on is what it received: the stabilizer of 1e-9 is all that may be lost.
TEST(RelevanceRules, ConserveTheSum) {
  const MatrixF64 x = normal_matrix(5, 16, 1);
  const LinearF64 layer{normal_matrix(24, 16, 2), std::vector<double>(24, 0.7)};
  const MatrixF64 of_output = normal_matrix(5, 24, 3);
  const MatrixF64 of_input = linear_relevance(layer, x, of_output);
  EXPECT_NEAR(sum(of_input), sum(of_output), 1e-7);
  EXPECT_GT(largest(of_input), 0.1);

  const MatrixF64 b = normal_matrix(5, 16, 4);
  const MatrixF64 of_sum = normal_matrix(5, 16, 5);
  const auto [of_x, of_b] = add_relevance(x, b, of_sum);
  EXPECT_NEAR(sum(of_x) + sum(of_b), sum(of_sum), 1e-6 * largest(of_x));
  EXPECT_NEAR(sum(clone_relevance(x, of_x, of_b)), sum(of_sum), 1e-4 * largest(of_x));

  const MatrixF64 many = normal_matrix(40, 16, 7);  // no column without a positive value, which would receive nothing
  MatrixF64 of_tokens(40, 16);
  const std::vector<double> of_mean(16, 0.25);
  add_mean_relevance(many, 1, of_mean, of_tokens);
  EXPECT_NEAR(sum(of_tokens), 16 * 0.25, 1e-6);
  EXPECT_EQ(of_tokens.row(0)[0], 0.0);

  const AttentionF64 attention = attend(2, normal_matrix(5, 48, 6), {});
  const AttentionBackwardF64 back = attention_relevance(attention, of_sum);
  const double half = sum(of_sum) / 2.0;
  EXPECT_NEAR(sum(back.weights), half, 1e-4) << "half to A, half to v";
  EXPECT_NEAR(sum(back.qkv), 2.0 * half, 1e-4) << "and from A on to q and k";
}

std::vector<std::vector<double>> relevance_of(const VisionTransformer& model, std::span<const float> patches,
                                              const ScoreSeed& seed,
                                              std::vector<std::vector<double>>* gradients = nullptr) {
  const std::size_t depth = model.architecture().depth;
  std::vector<std::vector<double>> all(depth);
  if (gradients != nullptr) gradients->resize(depth);
  propagate_relevance(model, patches, seed,
                      [&](std::size_t block, std::span<const double> gradient, std::span<const double> relevance) {
                        all[block].assign(relevance.begin(), relevance.end());
                        if (gradients != nullptr) (*gradients)[block].assign(gradient.begin(), gradient.end());
                      });
  return all;
}

void expect_close(std::span<const double> actual, std::span<const double> wanted, double tolerance) {
  ASSERT_EQ(actual.size(), wanted.size());
  double most = 0;
  for (const double value : wanted) most = std::max(most, std::fabs(value));
  ASSERT_GT(most, 0.0);
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(actual[i], wanted[i], tolerance * most) << "value " << i;
}

/// Small models with timm's names: plain; distilled; mean patch with fc_norm; layer scale; registers; norm_pre.
class TinyModel : public testing::TestWithParam<const char*> {
 protected:
  TinyModel()
      : golden_(GetParam()),
        model_(VisionTransformer::load(golden_.folder)),
        architecture_(model_->architecture()),
        patches_(test::naive_patches(architecture_, golden_.expected.at("x").values)) {}

  test::GoldenFamily golden_;
  std::shared_ptr<const VisionTransformer> model_;
  Architecture architecture_;
  std::vector<float> patches_;
};

TEST_P(TinyModel, SpreadsRelevanceAsTheScalarLoopsDo) {
  for (const std::size_t target : {0U, 5U}) {
    const auto wanted = test::naive_relevance(architecture_, golden_.tensors, patches_, target);
    const auto actual = relevance_of(*model_, patches_, {{target, 1.0F}});
    for (std::size_t block = 0; block < wanted.size(); ++block) {
      SCOPED_TRACE("block " + std::to_string(block));
      expect_close(actual[block], wanted[block], 1e-6);
    }
  }
}

TEST_P(TinyModel, HasTheGradientsOfFiniteDifferencesAndOfTheWayBackInFloat) {
  constexpr std::size_t kTarget = 3;
  std::vector<std::vector<double>> gradients;
  (void)relevance_of(*model_, patches_, {{kTarget, 1.0F}}, &gradients);
  Session session(model_, 1);
  ForwardRequest forward;
  forward.keep_for_gradients = true;
  (void)session.forward(patches_, forward);
  GradientRequest request;
  request.attention = [&](const AttentionView& view, std::span<const float> in_float) {
    SCOPED_TRACE("block " + std::to_string(view.block));
    expect_close(std::vector<double>(in_float.begin(), in_float.end()), gradients[view.block], 1e-4);
  };
  session.gradients({{kTarget, 1.0F}}, request);

  constexpr double kStep = 1e-4;
  for (std::size_t block = 0; block < gradients.size(); ++block) {
    double most = 0;
    for (const double value : gradients[block]) most = std::max(most, std::fabs(value));
    for (std::size_t i = 1; i < gradients[block].size(); i += gradients[block].size() / 7) {
      const auto score = [&](double by) {
        return test::naive_logits(architecture_, golden_.tensors, patches_,
                                  test::AttentionNudge{block, i, by})[kTarget];
      };
      EXPECT_NEAR(gradients[block][i], (score(kStep) - score(-kStep)) / (2.0 * kStep), 1e-6 * most)
          << "block " << block << ", value " << i;
    }
  }
}

TEST_P(TinyModel, PropagatesOneClassAgainstAnotherAsTheDifferenceOfBoth) {
  const auto both = relevance_of(*model_, patches_, {{2, 1.0F}, {7, -1.0F}});
  const auto first = relevance_of(*model_, patches_, {{2, 1.0F}});
  const auto second = relevance_of(*model_, patches_, {{7, 1.0F}});
  for (std::size_t block = 0; block < both.size(); ++block) {
    SCOPED_TRACE("block " + std::to_string(block));
    std::vector<double> difference = first[block];
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= second[block][i];
    expect_close(both[block], difference, 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Relevance, TinyModel,
                         testing::Values("timm_vit_cls", "timm_deit_distilled", "timm_vit_gap", "timm_deit3",
                                         "timm_dinov2_reg", "timm_clip_quickgelu"),
                         [](const auto& folder) { return std::string(folder.param); });

Architecture small_architecture() {
  Architecture a;
  a.image_size = {32, 48};
  a.embed_dim = 24;
  a.depth = 3;
  a.num_heads = 2;
  a.mlp_hidden_dim = 40;
  a.num_classes = 6;
  return a;
}

TEST(PropagateRelevance, OfARandomModelIsTheSameBytesWhateverTheThreads) {
  const auto model = VisionTransformer::random(small_architecture(), 1);
  std::vector<float> patches(6 * 768);
  for (std::size_t i = 0; i < patches.size(); ++i) patches[i] = std::sin(static_cast<float>(i));
  set_compute_threads(1);
  const auto alone = relevance_of(*model, patches, {{1, 1.0F}});
  set_compute_threads(3);
  EXPECT_EQ(relevance_of(*model, patches, {{1, 1.0F}}), alone);
  set_compute_threads(1);
  EXPECT_EQ(alone.size(), 3U);
}

TEST(PropagateRelevance, RefusesWhatDoesNotFitBeforeItReadsAWeight) {
  const auto model = VisionTransformer::random(small_architecture(), 1);
  const std::vector<float> patches(6 * 768);
  const auto expect_error = [&](std::span<const float> input, std::size_t target, ErrorCode code,
                                const std::string& text) {
    try {
      propagate_relevance(*model, input, {{target, 1.0F}}, {});
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_EQ(std::string(error.what()), text);
    }
  };
  expect_error(std::span(patches).first(100), 0, ErrorCode::kShape,
               "patches: their number of values is 100, expected 4608 ([6, 768])");
  expect_error(patches, 6, ErrorCode::kUsage, "target: class 6 is asked for, expected one of 6");
}

/// Two blocks of two heads over three tokens.
class AttributionMap : public testing::Test {
 protected:
  std::vector<double> map(const ExplainOptions& options) {
    const auto explainer = explain_method("attribution").make(options, {2, 2, 1, {1, 2}, {{0, 1.0F}}});
    for (std::size_t block = 2; block-- > 0;) {
      explainer->observe_relevance(block, gradient_[block].values, relevance_[block].values);
    }
    const std::vector<float> values = explainer->heatmap().values;
    return {values.begin(), values.end()};
  }
  /// I + E_h[(G ⊙ Rel)+]
  [[nodiscard]] MatrixF64 factor(std::size_t block) const {
    MatrixF64 result(3, 3);
    for (std::size_t i = 0; i < 9; ++i) {
      result.values[i] = i % 4 == 0 ? 1.0 : 0.0;
      for (std::size_t h = 0; h < 2; ++h) {
        result.values[i] += std::max(gradient_[block].values[h * 9 + i] * relevance_[block].values[h * 9 + i], 0.0) / 2;
      }
    }
    return result;
  }
  std::vector<MatrixF64> gradient_{normal_matrix(6, 3, 1), normal_matrix(6, 3, 2)};
  std::vector<MatrixF64> relevance_{normal_matrix(6, 3, 3), normal_matrix(6, 3, 4)};
};

TEST_F(AttributionMap, IsTheReadOutRowOfTheProductOfAllBlocks) {
  const MatrixF64 product = nn::product(factor(1).view(), factor(0).view());
  const std::vector<double> wanted{product.values[1], product.values[2]};
  expect_close(map({}), wanted, 1e-6);
}

TEST_F(AttributionMap, LeavesOutBlocksBeforeTheFirstOne) {
  const MatrixF64 last = factor(1);
  const std::vector<double> wanted{last.values[1], last.values[2]};
  ExplainOptions options;
  options.start_block = 1;
  expect_close(map(options), wanted, 1e-6);
}

TEST_F(AttributionMap, SaysWhichBlockOrSizeIsWrong) {
  const auto explainer = explain_method("attribution").make({}, {2, 2, 1, {1, 2}, {{0, 1.0F}}});
  EXPECT_THROW(explainer->observe_relevance(0, gradient_[0].values, relevance_[0].values), Error);
  EXPECT_THROW(explainer->observe_relevance(1, std::span(gradient_[1].values).first(9), relevance_[1].values), Error);
  EXPECT_THROW((void)explainer->heatmap(), Error);
}

}  // namespace
}  // namespace fovea
