#include "explain/spearman.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fovea/error.hpp"

namespace fovea {
namespace {

using Values = std::vector<float>;

TEST(Spearman, GivesEqualValuesTheAverageOfTheirRanks) {
  EXPECT_THAT(average_ranks(Values{10, 30, 20, 20, 5, 20}), testing::ElementsAre(2, 6, 4, 4, 1, 4));
}

TEST(Spearman, IsOneForAnyRisingAndMinusOneForAnyFallingRelation) {
  const Values a{-3, 0, 0.5F, 2, 100};
  EXPECT_DOUBLE_EQ(spearman(a, Values{1, 2, 4, 8, 9}), 1.0);
  EXPECT_DOUBLE_EQ(spearman(a, Values{9, 8, 4, 2, 1}), -1.0);
}

TEST(Spearman, IsPearsonsCorrelationOfTheAverageRanksWhereThereAreTies) {
  // Ranks less their mean 4: -3 -1.5 -1.5 0 1.5 1.5 3 and -2 -3 -0.5 -0.5 1 2.5 2.5, by hand 24 / sqrt(27 * 27).
  EXPECT_NEAR(spearman(Values{1, 2, 2, 3, 5, 5, 7}, Values{2, 1, 3, 3, 4, 8, 8}), 24.0 / 27.0, 1e-15);
}

TEST(Spearman, IsUndefinedForConstantsSingleValuesAndNaN) {
  EXPECT_TRUE(std::isnan(spearman(Values{1, 1, 1}, Values{1, 2, 3})));
  EXPECT_TRUE(std::isnan(spearman(Values{1}, Values{1})));
  EXPECT_TRUE(std::isnan(spearman(Values{}, Values{})));
  EXPECT_TRUE(std::isnan(spearman(Values{1, std::numeric_limits<float>::quiet_NaN()}, Values{1, 2})));
}

TEST(Spearman, RefusesListsOfDifferentLength) {
  EXPECT_THROW((void)spearman(Values{1, 2}, Values{1, 2, 3}), Error);
}

}  // namespace
}  // namespace fovea
