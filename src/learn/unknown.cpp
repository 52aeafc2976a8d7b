#include "learn/unknown.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>

#include "base/numerics.hpp"
#include "base/parallel.hpp"
#include "learn/metrics.hpp"

namespace fovea::learn {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const RowMajor>;

View view_of(const Matrix& m) {
  return {m.values.data(), static_cast<Eigen::Index>(m.rows), static_cast<Eigen::Index>(m.cols)};
}

Matrix matrix_of(const RowMajor& m) {
  Matrix matrix{static_cast<std::size_t>(m.rows()), static_cast<std::size_t>(m.cols())};
  std::copy_n(m.data(), m.size(), matrix.values.begin());
  return matrix;
}

/// The within-class covariance, shrunk.
/// @param x  [n, D] each row less the mean of its class
Eigen::MatrixXd shrunk_covariance(const RowMajor& x) {
  const auto n = static_cast<double>(x.rows());
  const auto width = static_cast<double>(x.cols());
  Eigen::MatrixXd covariance = x.transpose() * x / n;
  const double size = covariance.trace() / width;
  Eigen::MatrixXd off = covariance;
  off.diagonal().array() -= size;
  const double spread = off.squaredNorm();
  double noise = 0;  // Σ ‖x xᵀ − covariance‖² / n² = (Σ ‖x‖⁴ / n − ‖covariance‖²) / n
  for (Eigen::Index i = 0; i < x.rows(); ++i) noise += std::pow(x.row(i).squaredNorm(), 2) / n;
  noise = (noise - covariance.squaredNorm()) / n;
  const double share = spread > 0 ? std::clamp(noise / spread, 0.0, 1.0) : 1.0;
  covariance *= 1 - share;
  covariance.diagonal().array() += share * size + 1e-12 * size + std::numeric_limits<double>::min();
  return covariance;
}

/// Scores of known pictures out of fold, and of classes that were left out.
struct Told {
  std::vector<double> known;
  std::vector<double> unknown;
};

/// One part of the classes left out of one fold.
struct Part {
  Split split;                        // of the other classes
  std::vector<std::size_t> left_out;  // examples
};

std::vector<Part> parts_of(const Examples& examples, const std::vector<Split>& splits) {
  std::vector<Part> parts(std::min(splits.size(), examples.num_classes));
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const auto is_out = [&](std::size_t i) { return examples.classes[i] % parts.size() == k; };
    for (const Split& split : splits) {
      std::ranges::copy_if(split.test, std::back_inserter(parts[k].left_out), is_out);
    }
    std::ranges::sort(parts[k].left_out);
    parts[k].split = splits[k];
    std::erase_if(parts[k].split.train, is_out);
    std::erase_if(parts[k].split.test, is_out);
  }
  return parts;
}

double energy_at(std::span<const double> scores, double temperature) {
  std::vector<double> cooled(scores.begin(), scores.end());
  for (double& value : cooled) value /= temperature;
  return energy(cooled);
}

double score(UnknownBy by, const ClassBalls& balls, const LinearHead& head, double temperature,
             std::span<const double> features) {
  if (by == UnknownBy::kDistance) return distance(balls, features);
  const Matrix row{1, features.size(), {features.begin(), features.end()}};
  return energy_at(scores_of(head, row).row(0), temperature);
}

/// Both kinds of score over all parts.
std::map<UnknownBy, Told> tell(const Examples& examples, const std::vector<Split>& splits, double c,
                               double temperature) {
  const std::vector<Part> parts = parts_of(examples, splits);
  std::vector<std::map<UnknownBy, Told>> told(parts.size());
  for_each_parallel(parts.size(), [&](std::size_t k) {
    const Examples train = examples_of(examples, parts[k].split.train);
    const ClassBalls balls = fit_balls(train);
    const LinearHead head = fit_head(train, c, kFoldTolerance);
    for (const UnknownBy by : {UnknownBy::kEnergy, UnknownBy::kDistance}) {
      const auto score_all = [&](const std::vector<std::size_t>& some, std::vector<double>& scores) {
        for (const std::size_t i : some)
          scores.push_back(score(by, balls, head, temperature, examples.features.row(i)));
      };
      score_all(parts[k].split.test, told[k][by].known);
      score_all(parts[k].left_out, told[k][by].unknown);
    }
  });
  std::map<UnknownBy, Told> all;
  for (const auto& part : told) {
    for (const auto& [by, scores] : part) {
      all[by].known.insert(all[by].known.end(), scores.known.begin(), scores.known.end());
      all[by].unknown.insert(all[by].unknown.end(), scores.unknown.begin(), scores.unknown.end());
    }
  }
  return all;
}

/// For each split the scores of the pictures that it holds out.
std::vector<std::vector<double>> known_scores(UnknownBy by, const Examples& examples, const std::vector<Split>& splits,
                                              const CrossValidation& heads, double temperature) {
  std::map<std::size_t, std::size_t> rows;  // of each measured example
  for (std::size_t i = 0; i < heads.measured.size(); ++i) rows[heads.measured[i]] = i;
  std::vector<std::vector<double>> scores(splits.size());
  for_each_parallel(splits.size(), [&](std::size_t k) {
    ClassBalls balls;
    if (by == UnknownBy::kDistance) balls = fit_balls(examples_of(examples, splits[k].train));
    for (const std::size_t i : splits[k].test) {
      scores[k].push_back(by == UnknownBy::kDistance ? distance(balls, examples.features.row(i))
                                                     : energy_at(heads.scores.row(rows.at(i)), temperature));
    }
  });
  return scores;
}

double threshold_of(const std::vector<std::vector<double>>& scores, std::size_t without, double share) {
  std::vector<double> all;
  for (std::size_t k = 0; k < scores.size(); ++k) {
    if (k != without) all.insert(all.end(), scores[k].begin(), scores[k].end());
  }
  return all.empty() ? std::numeric_limits<double>::max() : quantile(all, 1 - share);
}

double share_above(const std::vector<double>& scores, double threshold) {
  const auto above = std::ranges::count_if(scores, [&](double value) { return value > threshold; });
  return scores.empty() ? 0.0 : static_cast<double>(above) / static_cast<double>(scores.size());
}

}  // namespace

double energy(std::span<const double> scores) {
  const double most = *std::ranges::max_element(scores);
  double sum = 0;
  for (const double value : scores) sum += std::exp(value - most);
  return -most - std::log(sum);
}

ClassBalls fit_balls(const Examples& examples) {
  const View features = view_of(examples.features);
  RowMajor means = RowMajor::Zero(static_cast<Eigen::Index>(examples.num_classes), features.cols());
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(means.rows());
  for (std::size_t i = 0; i < examples.classes.size(); ++i) {
    const auto c = static_cast<Eigen::Index>(examples.classes[i]);
    means.row(c) += features.row(static_cast<Eigen::Index>(i));
    ++counts[c];
  }
  for (Eigen::Index c = 0; c < means.rows(); ++c) means.row(c) /= std::max(counts[c], 1.0);
  RowMajor off(features.rows(), features.cols());
  for (Eigen::Index i = 0; i < off.rows(); ++i) {
    off.row(i) = features.row(i) - means.row(static_cast<Eigen::Index>(examples.classes[static_cast<std::size_t>(i)]));
  }
  // With the covariance L Lᵀ, the distance is the length of L⁻¹ (x − mean).
  const Eigen::MatrixXd covariance = shrunk_covariance(off);
  const Eigen::LLT<Eigen::MatrixXd> cholesky(covariance);
  const RowMajor projection = cholesky.matrixL().solve(Eigen::MatrixXd::Identity(covariance.rows(), covariance.cols()));
  RowMajor centres = means * projection.transpose();
  for (Eigen::Index c = 0; c < centres.rows(); ++c) {
    if (counts[c] == 0) centres.row(c).setConstant(std::numeric_limits<double>::infinity());
  }
  return {matrix_of(projection), matrix_of(centres)};
}

double distance(const ClassBalls& balls, std::span<const double> features) {
  const Eigen::Map<const Eigen::VectorXd> x(features.data(), static_cast<Eigen::Index>(features.size()));
  const Eigen::VectorXd place = view_of(balls.projection) * x;
  const auto squares = (view_of(balls.centres).rowwise() - place.transpose()).rowwise().squaredNorm();
  return squares.minCoeff() / static_cast<double>(place.size());
}

UnknownChoice choose_unknown(const Examples& examples, const std::vector<Split>& splits, const CrossValidation& heads,
                             double temperature, double share) {
  constexpr std::size_t kLeastClasses = 3;
  UnknownChoice choice;
  std::map<UnknownBy, Told> told;
  if (examples.num_classes >= kLeastClasses && splits.size() > 1) {
    told = tell(examples, splits, heads.c, temperature);
    choice.energy_area = roc_area(told[UnknownBy::kEnergy].known, told[UnknownBy::kEnergy].unknown);
    choice.distance_area = roc_area(told[UnknownBy::kDistance].known, told[UnknownBy::kDistance].unknown);
    if (choice.energy_area > choice.distance_area) choice.by = UnknownBy::kEnergy;
  }
  const auto known = known_scores(choice.by, examples, splits, heads, temperature);
  choice.threshold = threshold_of(known, known.size(), share);
  double above = 0;
  double all = 0;
  for (std::size_t k = 0; k < known.size(); ++k) {
    const auto size = static_cast<double>(known[k].size());
    above += size * share_above(known[k], threshold_of(known, k, share));
    all += size;
  }
  choice.rejected = all > 0 ? above / all : 0.0;
  // With its own threshold: fewer classes make other scores.
  const Told& of_choice = told[choice.by];
  if (!of_choice.known.empty()) {
    choice.caught = share_above(of_choice.unknown, quantile(of_choice.known, 1 - share));
  }
  return choice;
}

}  // namespace fovea::learn
