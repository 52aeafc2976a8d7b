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

TEST(ExplainRegistry, EveryMethodSaysWhatItIsAndMakesAMapOfTheWholeGrid) {
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {2, 3}, .read_out = {{0, 1.0F}}};
  const std::vector<float> weights(49, 1.0F / 7);
  for (const ExplainMethod& method : explain_methods()) {
    SCOPED_TRACE(method.name);
    EXPECT_FALSE(method.title.empty());
    EXPECT_FALSE(method.reference.empty());
    EXPECT_TRUE(method.shows.ends_with('.'));
    EXPECT_FALSE(method.variant({}).empty());
    const auto explainer = method.make({}, layout);
    explainer->observe({0, 1, 7, weights});
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
    EXPECT_EQ(std::string_view(error.what()), "method: 'rolout' is unknown, expected rollout or attention");
    EXPECT_EQ(error.hint(), "did you mean 'rollout'?");
  }
}

}  // namespace
}  // namespace fovea
