#include "learn/marks/class_excess.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/random.hpp"
#include "learn/marks/student.hpp"

namespace fovea::learn {
namespace {

/// [C] the mean of each class that has pictures.
struct ClassMeans {
  std::vector<double> mean;
  std::vector<double> count;
};

ClassMeans means_of_classes(std::span<const double> values, std::span<const std::size_t> classes,
                            std::size_t num_classes) {
  ClassMeans means{std::vector<double>(num_classes), std::vector<double>(num_classes)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    means.mean[classes[i]] += values[i];
    ++means.count[classes[i]];
  }
  for (std::size_t c = 0; c < num_classes; ++c) {
    if (means.count[c] > 0) means.mean[c] /= means.count[c];
  }
  return means;
}

/// The variance of a share of n, with one hit and one miss more.
double share_variance(double share, double n) {
  const double smoothed = (share * n + 1) / (n + 2);
  return smoothed * (1 - smoothed) / n;
}

/// @param least_variance  of the class's own mean, from the mean and how many pictures there are
ClassExcess excess_with(std::span<const double> values, std::span<const std::size_t> classes, std::size_t num_classes,
                        std::size_t of_class, double usual_spread, double (*least_variance)(double mean, double n)) {
  const ClassMeans means = means_of_classes(values, classes, num_classes);
  ClassExcess result;
  double others = 0;
  for (std::size_t c = 0; c < num_classes; ++c) {
    if (c == of_class || means.count[c] == 0) continue;
    result.others += means.mean[c];
    ++others;
  }
  const double n = means.count[of_class];
  if (n == 0 || others == 0) return {};
  result.own = means.mean[of_class];
  result.others /= others;
  double squares = kSpreadFreedom * usual_spread * usual_spread;
  for (std::size_t c = 0; c < num_classes; ++c) {
    if (c != of_class && means.count[c] > 0) squares += std::pow(means.mean[c] - result.others, 2);
  }
  const double spread_freedom = kSpreadFreedom + others - 1;
  const double between = squares / spread_freedom * (1 + 1 / others);
  double scatter = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (classes[i] == of_class) scatter += std::pow(values[i] - result.own, 2);
  }
  const double within = std::max(scatter / n / std::max(n - 1, 1.0), least_variance(result.own, n));
  result.error = std::sqrt(between + within);
  result.freedom = std::pow(between + within, 2) /
                   (between * between / spread_freedom + within * within / std::max(n - 1, 1.0));
  result.p = student_two_sided(result.excess() / result.error, result.freedom);
  return result;
}

}  // namespace

ClassExcess class_excess(std::span<const double> carried, std::span<const std::size_t> classes,
                         std::size_t num_classes, std::size_t of_class) {
  return excess_with(carried, classes, num_classes, of_class, kUsualSpread, share_variance);
}

ClassExcess excess_of_means(std::span<const double> values, std::span<const std::size_t> classes,
                            std::size_t num_classes, std::size_t of_class, double usual_spread) {
  return excess_with(values, classes, num_classes, of_class, usual_spread, [](double /*mean*/, double n) {
    return 1e-12 / n;  // values that are all the same
  });
}

Interval interval_of_excess(const ClassExcess& excess, double alpha) {
  const double half = student_quantile(alpha, excess.freedom) * excess.error;
  return {excess.excess() - half, excess.excess() + half};
}

std::vector<double> carried_out_of_half(std::span<const std::size_t> classes, std::size_t of_class, std::uint64_t seed,
                                        const FindCarriers& find) {
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] == of_class) members.push_back(i);
  }
  Random random(seed);
  for (std::size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[random.below(i)]);
  std::array<std::vector<std::size_t>, 2> halves;
  for (std::size_t i = 0; i < members.size(); ++i) halves[i % 2].push_back(members[i]);
  std::vector<double> carried(classes.size());
  for (const std::size_t h : {0U, 1U}) {
    const std::vector<std::uint8_t> found = find(halves[h]);
    for (std::size_t i = 0; i < carried.size(); ++i) {
      if (classes[i] != of_class) carried[i] += 0.5 * found[i];
    }
    for (const std::size_t i : halves[1 - h]) carried[i] = found[i];
  }
  return carried;
}

}  // namespace fovea::learn
