#include "learn/near_duplicates.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <utility>

#include "base/numerics.hpp"
#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "base/random.hpp"

namespace fovea::learn {
namespace {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Sets of indices that are tied together, each named by its least one.
class Ties {
 public:
  explicit Ties(std::size_t count) : least_(count) { std::iota(least_.begin(), least_.end(), std::size_t{0}); }
  [[nodiscard]] std::size_t find(std::size_t i) {
    while (least_[i] != i) i = least_[i] = least_[least_[i]];
    return i;
  }
  void tie(std::size_t a, std::size_t b) {
    const auto [low, high] = std::minmax({find(a), find(b)});
    least_[high] = low;
  }

 private:
  std::vector<std::size_t> least_;
};

/// Centred rows of length 1. Cosines of raw features are all near 1 in some models: what they share says nothing.
Rows unit_rows_in_float(const Matrix& features) {
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> raw(
      features.values.data(), static_cast<Eigen::Index>(features.rows), static_cast<Eigen::Index>(features.cols));
  Rows rows = (raw.rowwise() - raw.colwise().mean()).cast<float>();
  rows.rowwise().normalize();
  return rows;
}

/// The usual distance between two pictures of each class: the median, of a class at least half of that over all
/// classes, because a class may hold nothing but copies.
std::vector<double> usual_distances(const Rows& rows, std::span<const std::size_t> classes) {
  constexpr std::size_t kDrawn = 400;  // pairs of a class
  std::map<std::size_t, std::vector<Eigen::Index>> members;
  for (std::size_t i = 0; i < classes.size(); ++i) members[classes[i]].push_back(static_cast<Eigen::Index>(i));
  std::map<std::size_t, std::vector<double>> distances;
  std::vector<double> all;
  Random random(0);
  for (const auto& [c, of_class] : members) {
    if (of_class.size() < 2) continue;
    for (std::size_t draw = 0; draw < kDrawn; ++draw) {
      const std::size_t a = random.below(of_class.size());
      const std::size_t b = (a + 1 + random.below(of_class.size() - 1)) % of_class.size();
      distances[c].push_back(static_cast<double>((rows.row(of_class[a]) - rows.row(of_class[b])).norm()));
    }
    all.insert(all.end(), distances[c].begin(), distances[c].end());
  }
  const double least = all.empty() ? 0.0 : 0.5 * quantile(all, 0.5);
  std::vector<double> usual(classes.empty() ? 0 : *std::ranges::max_element(classes) + 1, least);
  for (const auto& [c, of_class] : distances) usual[c] = std::max(least, quantile(of_class, 0.5));
  return usual;
}

/// The near-duplicates of the rows [first, first + count) with themselves and all that follow.
std::vector<DuplicatePair> pairs_of(const Rows& rows, const Pictures& pictures, std::span<const double> usual,
                                    Eigen::Index first, Eigen::Index count) {
  std::vector<DuplicatePair> pairs;
  const Rows cosines = rows.middleRows(first, count) * rows.bottomRows(rows.rows() - first).transpose();
  for (Eigen::Index i = 0; i < count; ++i) {
    for (Eigen::Index j = i + 1; j < cosines.cols(); ++j) {
      const auto square = 2 - 2 * static_cast<double>(cosines(i, j));  // of the distance between rows of length 1
      const auto a = static_cast<std::size_t>(first + i);
      const auto b = static_cast<std::size_t>(first + j);
      const double scale = std::min(usual[pictures.classes[a]], usual[pictures.classes[b]]);
      const auto within = [&](double share) { return square < share * share * scale * scale; };
      if (!within(kAlikeFeatures)) continue;
      const bool look_alike = std::popcount(pictures.hashes[a] ^ pictures.hashes[b]) <= kAlikeBits;
      if (look_alike || within(kSameFeatures)) pairs.emplace_back(a, b);
    }
  }
  return pairs;
}

}  // namespace

std::vector<DuplicatePair> near_duplicates(const Pictures& pictures) {
  constexpr std::size_t kRows = 128;
  const std::size_t count = pictures.features.rows;
  const Rows rows = unit_rows_in_float(pictures.features);
  const std::vector<double> usual = usual_distances(rows, pictures.classes);
  std::vector<std::vector<DuplicatePair>> found((count + kRows - 1) / kRows);
  for_each_parallel(found.size(), [&](std::size_t piece) {
    stop_if_interrupted();
    const std::size_t first = piece * kRows;
    found[piece] = pairs_of(rows, pictures, usual, static_cast<Eigen::Index>(first),
                            static_cast<Eigen::Index>(std::min(kRows, count - first)));
  });
  std::vector<DuplicatePair> all;
  for (const auto& pairs : found) all.insert(all.end(), pairs.begin(), pairs.end());
  return all;
}

std::vector<std::size_t> group_near_duplicates(std::span<const DuplicatePair> pairs,
                                               std::span<const std::size_t> groups) {
  Ties ties(groups.size());
  std::map<std::size_t, std::size_t> first_of;  // each given group
  for (std::size_t i = 0; i < groups.size(); ++i) ties.tie(first_of.emplace(groups[i], i).first->second, i);
  for (const auto& [a, b] : pairs) ties.tie(a, b);
  std::vector<std::size_t> result(groups.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = ties.find(i);
  return result;
}

}  // namespace fovea::learn
