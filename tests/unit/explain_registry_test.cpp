#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"

namespace fovea {
namespace {

TEST(ExplainRegistry, BeginsWithRolloutTheDefaultAndKnowsEachMethodByItsName) {
  ASSERT_FALSE(explain_methods().empty());
  EXPECT_EQ(explain_methods().front().name, "rollout");
  std::set<std::string_view> names;
  for (const ExplainMethod& method : explain_methods()) {
    EXPECT_TRUE(names.insert(method.name).second) << method.name << " twice";
    EXPECT_EQ(&explain_method(method.name), &method);
  }
  EXPECT_TRUE(names.contains("attention"));
}

/// What the method says it needs, and nothing else: one block of one head over a class token and six patches.
void feed(Explainer& explainer, const Evidence& needs) {
  const std::vector<float> weights(49, 1.0F / 7);
  const std::vector<double> doubles(49, 1.0 / 7);
  const AttentionView attention{0, 1, 7, weights};
  if (needs.attention) explainer.observe(attention);
  if (needs.gradients) explainer.observe_gradient(attention, weights);
  if (needs.layer_gradients) explainer.observe_layer_gradient(attention, weights);
  if (needs.features) explainer.observe_features({weights, 7, 7}, {weights, 7, 7});
  if (needs.score_terms) explainer.observe_score_terms({0, std::span(doubles).first(7)});
  if (needs.relevance) explainer.observe_relevance(0, doubles, doubles);
  if (needs.subsets) {
    explainer.observe_tokens(0, {weights, 7, 7});
    explainer.run_some([](MatrixView<const std::size_t> kept) { return std::vector<ClassScore>(kept.rows()); });
  }
  if (needs.reruns) {
    explainer.rerun(std::vector<float>(6 * 12), 4,
                    [](std::span<const float> patches) { return std::vector<ClassScore>(patches.size() / (6 * 12)); });
  }
}

TEST(ExplainRegistry, EveryMethodSaysWhatItIsAndMakesAMapOfTheWholeGrid) {
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {2, 3}, .read_out = {{0, 1.0F}}};
  for (const ExplainMethod& method : explain_methods()) {
    SCOPED_TRACE(method.name);
    EXPECT_FALSE(method.title.empty());
    EXPECT_FALSE(method.reference.empty());
    EXPECT_TRUE(method.shows.ends_with('.'));
    EXPECT_FALSE(method.variant({}).empty());
    EXPECT_FALSE(method.costs.empty());
    const auto explainer = method.make({}, layout);
    feed(*explainer, method.needs);
    const Heatmap map = explainer->heatmap();
    EXPECT_EQ(map.grid, layout.grid);
    EXPECT_EQ(map.values.size(), 6U);
  }
}

TEST(ExplainRegistry, AnUnknownNameIsAUsageErrorThatNamesTheNearest) {
  try {
    (void)explain_method("rolout");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    const std::string_view message = error.what();
    EXPECT_TRUE(message.starts_with("method: 'rolout' is unknown, expected rollout or attention or ")) << message;
    EXPECT_EQ(error.hint(), "did you mean 'rollout'?");
  }
}

}  // namespace
}  // namespace fovea
