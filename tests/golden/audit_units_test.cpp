// Label errors, false discoveries, spectra and neural PCA beside cleanlab, scipy, CoRelAy and numpy
// (tools/make_golden_audit.py).
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "learn/audit/confident_learning.hpp"
#include "learn/audit/false_discovery.hpp"
#include "learn/audit/neural_pca.hpp"
#include "learn/audit/spectral.hpp"
#include "learn/logistic.hpp"
#include "learn/matrix.hpp"
#include "support/shared.hpp"
#include "support/stored_numbers.hpp"

namespace fovea::learn {
namespace {

class GoldenAudit : public testing::Test {
 protected:
  [[nodiscard]] std::vector<double> values(const std::string& name) const {
    return test::stored_numbers(*golden_, name);
  }
  [[nodiscard]] Matrix matrix(const std::string& name, std::size_t cols) const {
    const std::vector<double> all = values(name);
    return {all.size() / cols, cols, all};
  }
  [[nodiscard]] std::vector<std::size_t> counts(const std::string& name) const {
    std::vector<std::size_t> all;
    for (const double c : values(name)) all.push_back(static_cast<std::size_t>(c));
    return all;
  }
  static std::vector<std::size_t> flat(const Confusion& joint) {
    std::vector<std::size_t> all;
    for (const auto& row : joint) all.insert(all.end(), row.begin(), row.end());
    return all;
  }

  std::unique_ptr<Checkpoint> golden_ = open_checkpoint(test::source_dir() / "tests/golden/audit.safetensors");
};

TEST_F(GoldenAudit, LabelErrorsAreThoseThatCleanlabFindsInItsOrder) {
  for (const std::string name : {"usual", "rare", "doubtful"}) {
    const std::vector<std::size_t> labels = counts(name + ".labels");
    const Matrix p = matrix(name + ".probabilities", values(name + ".probabilities").size() / labels.size());
    const Confusion joint = confident_joint(p, labels);
    EXPECT_EQ(flat(joint), counts(name + ".joint")) << name;
    EXPECT_EQ(flat(calibrated_joint(joint, labels)), counts(name + ".calibrated")) << name;
    const std::vector<LabelIssue> issues = label_issues(p, labels);
    const std::vector<std::size_t> expected = counts(name + ".issues");
    ASSERT_EQ(issues.size(), expected.size()) << name;
    ASSERT_FALSE(issues.empty()) << name;
    for (std::size_t i = 0; i < issues.size(); ++i) {
      EXPECT_EQ(issues[i].example, expected[i]) << name << i;
      EXPECT_EQ(issues[i].label, labels[expected[i]]) << name << i;
      EXPECT_EQ(issues[i].likely, largest(p.row(expected[i]))) << name << i;
      EXPECT_NEAR(issues[i].self_confidence, values(name + ".self_confidence")[i], 1e-12) << name << i;
      EXPECT_NEAR(issues[i].normalised_margin, values(name + ".normalized_margin")[i], 1e-12) << name << i;
    }
  }
}

TEST_F(GoldenAudit, AdjustedPValuesAreScipys) {
  const std::vector<double> actual = false_discovery_adjusted(values("discovery.p"));
  const std::vector<double> expected = values("discovery.adjusted");
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-14) << i;
}

TEST_F(GoldenAudit, EigenvaluesAndVectorsAreCorelays) {
  constexpr std::size_t kValues = 8;
  const Spectrum spectrum = laplacian_spectrum(nearest_neighbour_graph(matrix("spectral.points", 6)), kValues);
  const Matrix vectors = matrix("spectral.vectors", kValues);
  for (std::size_t m = 0; m < kValues; ++m) {
    EXPECT_NEAR(spectrum.eigenvalues[m], values("spectral.eigenvalues")[m], 1e-12) << m;
    for (std::size_t i = 0; i < vectors.rows; ++i) {
      EXPECT_NEAR(spectrum.vectors.row(i)[m], vectors.row(i)[m], 1e-9) << m << ' ' << i;
    }
  }
}

TEST_F(GoldenAudit, EigenvaluesOfLargeGraphsAreCorelaysToo) {
  const Spectrum spectrum = laplacian_spectrum(nearest_neighbour_graph(matrix("spectral_large.points", 4)), 8);
  for (std::size_t m = 0; m < 8; ++m) {
    EXPECT_NEAR(spectrum.eigenvalues[m], values("spectral_large.eigenvalues")[m], 1e-9) << m;
  }
}

TEST_F(GoldenAudit, DirectionsOfAClassAreThePrincipalOnesOfFeaturesTimesWeights) {
  for (const std::string name : {"wide", "tall"}) {
    const std::vector<double> weight = values(name + ".weight");
    const Matrix features = matrix(name + ".features", weight.size());
    const LinearHead head{{1, weight.size(), weight}, {0.25}};
    const ClassDirections found = neural_pca(head, 0, features, 4);
    ASSERT_EQ(found.directions.rows, 4U) << name;
    const Matrix directions = matrix(name + ".directions", weight.size());
    const Matrix contributions = matrix(name + ".contributions", 4);
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(found.variances[k], values(name + ".variances")[k], 1e-10) << name << k;
      for (std::size_t j = 0; j < weight.size(); ++j) {
        EXPECT_NEAR(found.directions.row(k)[j], directions.row(k)[j], 1e-9) << name << k << j;
      }
      for (std::size_t i = 0; i < features.rows; ++i) {
        EXPECT_NEAR(contribution(head, found, k, features.row(i)), contributions.row(i)[k], 1e-9) << name << k << i;
      }
    }
  }
}

}  // namespace
}  // namespace fovea::learn
