#include "learn/near_duplicates.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <utility>

#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"

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
Rows unit_rows(const Matrix& features) {
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> raw(
      features.values.data(), static_cast<Eigen::Index>(features.rows), static_cast<Eigen::Index>(features.cols));
  Rows rows = (raw.rowwise() - raw.colwise().mean()).cast<float>();
  rows.rowwise().normalize();
  return rows;
}

using Pair = std::pair<std::size_t, std::size_t>;

/// The near-duplicates of the rows [first, first + count) with themselves and all that follow.
std::vector<Pair> pairs_of(const Rows& rows, std::span<const std::uint64_t> hashes, Eigen::Index first,
                           Eigen::Index count) {
  std::vector<Pair> pairs;
  const Rows cosines = rows.middleRows(first, count) * rows.bottomRows(rows.rows() - first).transpose();
  for (Eigen::Index i = 0; i < count; ++i) {
    for (Eigen::Index j = i + 1; j < cosines.cols(); ++j) {
      const auto cosine = static_cast<double>(cosines(i, j));
      if (cosine < kAlikeFeatures) continue;
      const auto a = static_cast<std::size_t>(first + i);
      const auto b = static_cast<std::size_t>(first + j);
      if (cosine >= kSameFeatures || std::popcount(hashes[a] ^ hashes[b]) <= kAlikeBits) pairs.emplace_back(a, b);
    }
  }
  return pairs;
}

}  // namespace

std::vector<std::size_t> group_near_duplicates(const Matrix& features, std::span<const std::uint64_t> hashes,
                                               std::span<const std::size_t> groups) {
  constexpr std::size_t kRows = 128;
  const Rows rows = unit_rows(features);
  const std::size_t pieces = (features.rows + kRows - 1) / kRows;
  std::vector<std::vector<Pair>> found(pieces);
  for_each_parallel(pieces, [&](std::size_t piece) {
    stop_if_interrupted();
    const std::size_t first = piece * kRows;
    found[piece] = pairs_of(rows, hashes, static_cast<Eigen::Index>(first),
                            static_cast<Eigen::Index>(std::min(kRows, features.rows - first)));
  });
  Ties ties(features.rows);
  std::map<std::size_t, std::size_t> first_of;  // each given group
  for (std::size_t i = 0; i < groups.size(); ++i) ties.tie(first_of.emplace(groups[i], i).first->second, i);
  for (const auto& pairs : found) {
    for (const auto& [a, b] : pairs) ties.tie(a, b);
  }
  std::vector<std::size_t> result(features.rows);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = ties.find(i);
  return result;
}

}  // namespace fovea::learn
