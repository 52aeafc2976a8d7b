// What an audit is made of: label errors, false discoveries, clusters of a graph, and directions of a head.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <vector>

#include "base/parallel.hpp"
#include "base/random.hpp"
#include "fovea/machine.hpp"
#include "learn/audit/confident_learning.hpp"
#include "learn/audit/false_discovery.hpp"
#include "learn/audit/k_means.hpp"
#include "learn/audit/neural_pca.hpp"
#include "learn/audit/spectral.hpp"
#include "learn/logistic.hpp"
#include "learn/matrix.hpp"

namespace fovea::learn {
namespace {

/// Clouds of these sizes, `apart` from each other.
Matrix clouds(const std::vector<std::size_t>& sizes, std::size_t width, double apart, std::uint64_t seed) {
  Random random(seed);
  Matrix points{std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), width};
  std::size_t i = 0;
  for (std::size_t cloud = 0; cloud < sizes.size(); ++cloud) {
    for (std::size_t n = 0; n < sizes[cloud]; ++n, ++i) {
      for (double& value : points.row(i)) {
        value = std::sqrt(-2 * std::log(1 - random.uniform())) * std::cos(2 * std::numbers::pi * random.uniform());
      }
      points.row(i)[cloud % width] += apart;
    }
  }
  return points;
}

/// The order that puts an example at `order[i]` into row i.
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

TEST(ConfidentLearning, FindsNothingWhereEveryLabelIsTheMostProbableClass) {
  Matrix p{6, 2};
  const std::vector<std::size_t> labels{0, 1, 0, 1, 0, 1};
  for (std::size_t i = 0; i < 6; ++i) p.row(i)[labels[i]] = 0.6 + 0.05 * static_cast<double>(i);
  for (std::size_t i = 0; i < 6; ++i) p.row(i)[1 - labels[i]] = 1 - p.row(i)[labels[i]];
  EXPECT_TRUE(label_issues(p, labels).empty());
}

TEST(ConfidentLearning, FindsPlantedErrorsWhateverTheOrderOfTheExamples) {
  constexpr std::size_t kCount = 200;
  Random random(4);
  Matrix p{kCount, 3};
  std::vector<std::size_t> labels;
  for (std::size_t i = 0; i < kCount; ++i) {
    const double sure = 0.7 + 0.25 * random.uniform();
    for (double& value : p.row(i)) value = (1 - sure) / 2;
    p.row(i)[i % 3] = sure;
    labels.push_back(i % 20 == 7 ? (i + 1) % 3 : i % 3);  // each twentieth is wrong
  }
  const std::vector<LabelIssue> issues = label_issues(p, labels);
  EXPECT_GE(issues.size(), 8U);  // the joint is rounded, so not always all 10
  for (const LabelIssue& issue : issues) EXPECT_EQ(issue.example % 20, 7U);
  const std::vector<std::size_t> order = shuffled(kCount, 9);
  const std::vector<LabelIssue> again = label_issues(rows_of(p, order), elements_of(labels, order));
  ASSERT_EQ(again.size(), issues.size());
  for (std::size_t i = 0; i < issues.size(); ++i) EXPECT_EQ(order[again[i].example], issues[i].example);
}

TEST(ConfidentLearning, CalibratedJointsKeepTheNumberOfEachLabel) {
  const std::vector<std::size_t> labels{0, 0, 0, 0, 0, 1, 1, 2};
  const Confusion joint = calibrated_joint({{2, 1, 1}, {0, 1, 2}, {1, 1, 1}}, labels);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(static_cast<std::ptrdiff_t>(std::accumulate(joint[c].begin(), joint[c].end(), std::size_t{0})),
              std::ranges::count(labels, c));
  }
}

TEST(FalseDiscovery, AdjustsByHowManyWereTried) {
  EXPECT_EQ(false_discovery_adjusted(std::vector<double>{}), std::vector<double>{});
  EXPECT_EQ(false_discovery_adjusted(std::vector{0.5}), std::vector{0.5});
  const std::vector<double> adjusted = false_discovery_adjusted(std::vector{0.04, 0.01, 0.03, 0.02});
  for (const double value : adjusted) EXPECT_DOUBLE_EQ(value, 0.04);
  EXPECT_DOUBLE_EQ(false_discovery_adjusted(std::vector{0.01, 0.9, 0.95})[0], 0.03);
}

TEST(NearestNeighbourGraph, HoldsEachTieOnBothSidesAndNeverOneToItself) {
  const Matrix points = clouds({30, 12}, 3, 1, 1);
  const Graph graph = nearest_neighbour_graph(points, 4);
  for (std::size_t i = 0; i < graph.size(); ++i) {
    EXPECT_GE(graph[i].size(), 4U);
    for (const Tie& tie : graph[i]) {
      EXPECT_NE(tie.to, i);
      const auto back = std::ranges::find(graph[tie.to], i, &Tie::to);
      ASSERT_NE(back, graph[tie.to].end());
      EXPECT_EQ(back->weight, tie.weight);
      EXPECT_TRUE(tie.weight == 0.5 || tie.weight == 1.0);
    }
  }
}

TEST(NearestNeighbourGraph, TiesAllOthersWhereThereAreFewAndNobodyToASinglePoint) {
  const Graph graph = nearest_neighbour_graph(clouds({3}, 2, 0, 2));
  for (const auto& ties : graph) EXPECT_EQ(ties.size(), 2U);
  EXPECT_TRUE(nearest_neighbour_graph(clouds({1}, 2, 0, 2)).front().empty());
  EXPECT_TRUE(nearest_neighbour_graph(Matrix{}).empty());
}

TEST(LaplacianSpectrum, HasAZeroForEachPartOfTheGraph) {
  for (const std::size_t size : {40U, 500U}) {  // solved densely, and by Lanczos's method
    const Graph graph = nearest_neighbour_graph(clouds({size, size, 40}, 3, 1000, 3));
    const Spectrum spectrum = laplacian_spectrum(graph, 6);
    for (std::size_t m = 0; m < 3; ++m) EXPECT_EQ(spectrum.eigenvalues[m], 0) << size;
    EXPECT_GT(spectrum.eigenvalues[3], 1e-3) << size;
    EXPECT_EQ(eigengap(spectrum.eigenvalues), 3U) << size;
  }
}

TEST(LaplacianSpectrum, SatisfiesItsEquationForSmallAndLargeGraphs) {
  for (const std::size_t size : {2U, 11U, 399U, 402U, 900U}) {
    const Graph graph = nearest_neighbour_graph(clouds({size}, 4, 0, 5));
    const Spectrum spectrum = laplacian_spectrum(graph, 7);
    EXPECT_EQ(spectrum.eigenvalues.size(), std::min<std::size_t>(size, 7));
    std::vector<double> degrees;
    for (const auto& ties : graph) {
      degrees.push_back(
          std::accumulate(ties.begin(), ties.end(), 0.0, [](double s, const Tie& t) { return s + t.weight; }));
    }
    for (std::size_t m = 0; m < spectrum.eigenvalues.size(); ++m) {
      for (std::size_t i = 0; i < size; ++i) {
        double value = spectrum.vectors.row(i)[m];
        for (const Tie& t : graph[i]) {
          value -= t.weight / std::sqrt(degrees[i] * degrees[t.to]) * spectrum.vectors.row(t.to)[m];
        }
        ASSERT_NEAR(value, spectrum.eigenvalues[m] * spectrum.vectors.row(i)[m], 1e-8) << size << ' ' << m;
      }
    }
  }
}

TEST(SpectralClusters, AreThePlantedCloudsWhateverTheOrderAndTheThreads) {
  const Matrix points = clouds({50, 30, 20}, 5, 8, 6);
  const SpectralClusters clusters = spectral_clusters(points, 8, 1);
  ASSERT_EQ(clusters.count, 3U);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(clusters.of[i], i < 50 ? 0U : i < 80 ? 1U : 2U) << i;
  const std::vector<std::size_t> order = shuffled(100, 2);
  const SpectralClusters again = spectral_clusters(rows_of(points, order), 8, 1);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(again.of[i], clusters.of[order[i]]);
  set_compute_threads(3);
  const SpectralClusters threaded = spectral_clusters(points, 8, 1);
  set_compute_threads(1);
  EXPECT_EQ(threaded.eigenvalues, clusters.eigenvalues);
  EXPECT_EQ(threaded.of, clusters.of);
}

TEST(SpectralClusters, OfOnePointAndOfEqualPointsAreOne) {
  EXPECT_EQ(spectral_clusters(clouds({1}, 3, 0, 1), 5, 0).of, std::vector<std::size_t>{0});
  const SpectralClusters equal = spectral_clusters(Matrix{9, 2}, 5, 0);
  EXPECT_EQ(equal.count, 1U);
  EXPECT_EQ(equal.of, std::vector<std::size_t>(9));
}

TEST(KMeans, FindsSeparateCloudsAndSurvivesMoreClustersThanPoints) {
  const Matrix points = clouds({5, 9}, 2, 50, 7);
  const std::vector<std::size_t> of = k_means(points, 2, 0);
  for (std::size_t i = 0; i < of.size(); ++i) EXPECT_EQ(of[i], i < 5 ? 1U : 0U);
  EXPECT_EQ(k_means(Matrix{3, 2}, 7, 0).size(), 3U);
  EXPECT_TRUE(k_means(Matrix{}, 2, 0).empty());
}

TEST(NeuralPca, RemovingADirectionTakesItsContributionFromThisClassAlone) {
  const Matrix features = clouds({20}, 6, 1, 8);
  LinearHead head{clouds({3}, 6, 0, 9), {0.1, 0.2, 0.3}};
  const ClassDirections found = neural_pca(head, 1, features, 3);
  const LinearHead without = without_direction(head, found, 2);
  const Matrix pictures = clouds({4}, 6, 2, 10);  // of any class
  const Matrix before = scores_of(head, pictures);
  const Matrix after = scores_of(without, pictures);
  for (std::size_t i = 0; i < pictures.rows; ++i) {
    EXPECT_EQ(after.row(i)[0], before.row(i)[0]);
    EXPECT_EQ(after.row(i)[2], before.row(i)[2]);
    EXPECT_NEAR(after.row(i)[1], before.row(i)[1] - contribution(head, found, 2, pictures.row(i)), 1e-12);
  }
}

TEST(NeuralPca, AllContributionsTogetherAreTheScoreLessItsMean) {
  const Matrix features = clouds({20}, 6, 1, 11);
  const LinearHead head{clouds({1}, 6, 0, 12), {0.4}};
  const ClassDirections found = neural_pca(head, 0, features, 6);
  ASSERT_EQ(found.directions.rows, 6U);
  const double mean = std::accumulate(found.mean.begin(), found.mean.end(), head.bias[0]);
  for (std::size_t i = 0; i < features.rows; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 6; ++k) sum += contribution(head, found, k, features.row(i));
    EXPECT_NEAR(sum, scores_of(head, features).row(i)[0] - mean, 1e-10);
  }
}

TEST(NeuralPca, LeavesOutDirectionsAlongWhichNoPictureVaries) {
  Matrix features = clouds({10}, 4, 1, 13);
  for (std::size_t i = 0; i < 10; ++i) features.row(i)[2] = 5;
  EXPECT_EQ(neural_pca({clouds({1}, 4, 0, 14), {0}}, 0, features, 4).directions.rows, 3U);
}

}  // namespace
}  // namespace fovea::learn
