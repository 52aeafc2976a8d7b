// Student's intervals against the printed table, a distribution that is integrated, and experiments.
#include "report/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "base/random.hpp"

namespace fovea {
namespace {

TEST(StudentT, BoundsAreThoseOfThePrintedTable) {
  const std::vector<std::pair<std::size_t, double>> two_sided_95{{1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},
                                                                 {5, 2.571},  {9, 2.262},  {10, 2.228}, {29, 2.045},
                                                                 {30, 2.042}, {120, 1.980}};
  for (const auto& [degrees, bound] : two_sided_95) EXPECT_NEAR(student_t_bound(0.95, degrees), bound, 5e-4) << degrees;
  EXPECT_NEAR(student_t_bound(0.99, 1), 63.657, 5e-4);
  EXPECT_NEAR(student_t_bound(0.99, 14), 2.977, 5e-4);
  EXPECT_NEAR(student_t_bound(0.5, 1), 1.0, 1e-12);         // Cauchy's quartiles
  EXPECT_NEAR(student_t_bound(0.95, 100'000), 1.96, 1e-4);  // all but normal
}

/// The naive twin: the density, integrated by Simpson's rule.
double within(double bound, double degrees) {
  const double scale =
      std::exp(std::lgamma((degrees + 1) / 2) - std::lgamma(degrees / 2)) / std::sqrt(degrees * std::numbers::pi);
  const auto density = [&](double t) { return scale * std::pow(1 + t * t / degrees, -(degrees + 1) / 2); };
  constexpr int kPieces = 20'000;
  const double step = bound / kPieces;
  double sum = density(0) + density(bound);
  for (int i = 1; i < kPieces; ++i) sum += density(i * step) * (i % 2 == 1 ? 4 : 2);
  return 2 * sum * step / 3;
}

TEST(StudentT, BoundsHoldAsMuchOfTheDensityAsWasAskedFor) {
  for (const double level : {0.1, 0.5, 0.8, 0.95, 0.99}) {
    for (const std::size_t degrees : {1U, 2U, 3U, 4U, 5U, 6U, 17U, 18U, 63U}) {
      EXPECT_NEAR(within(student_t_bound(level, degrees), static_cast<double>(degrees)), level, 1e-9)
          << level << " with " << degrees;
    }
  }
}

TEST(EstimateMean, IsTheMeanWithStudentsInterval) {
  const Estimate estimate = estimate_mean(std::vector<double>{1, 2, 3, 4, 5});  // s = √2.5
  EXPECT_DOUBLE_EQ(estimate.mean, 3.0);
  ASSERT_TRUE(estimate.interval);
  EXPECT_NEAR(estimate.interval->low, 3 - 2.7764451 * std::sqrt(0.5), 1e-7);
  EXPECT_NEAR(estimate.interval->high, 3 + 2.7764451 * std::sqrt(0.5), 1e-7);
}

TEST(EstimateMean, OfOneValueHasNoIntervalAndOfEqualOnesAnEmptyOne) {
  EXPECT_FALSE(estimate_mean(std::vector<double>{7}).interval);
  EXPECT_EQ(estimate_mean(std::vector<double>{7}).mean, 7.0);
  const Estimate equal = estimate_mean(std::vector<double>{0.25, 0.25, 0.25});
  EXPECT_EQ(equal.interval->low, 0.25);
  EXPECT_EQ(equal.interval->high, 0.25);
}

TEST(EstimateMean, HoldsTheTruthInNineteenOfTwentyExperiments) {
  Random random(1);
  const auto normal = [&] {  // Box and Muller
    return std::sqrt(-2 * std::log(1 - random.uniform())) * std::cos(2 * std::numbers::pi * random.uniform());
  };
  for (const std::size_t size : {2U, 4U, 20U}) {
    constexpr int kExperiments = 4000;
    int held = 0;
    for (int i = 0; i < kExperiments; ++i) {
      std::vector<double> values(size);
      for (double& value : values) value = 3 + normal();
      held += estimate_mean(values).interval->contains(3) ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(held) / kExperiments, 0.95, 0.012) << size;  // 3.5 standard deviations
  }
}

}  // namespace
}  // namespace fovea
