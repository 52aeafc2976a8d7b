// Pictures that are nearly the same: copies in another size or quality, cut a little, or a moment later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "learn/matrix.hpp"

namespace fovea::learn {

/// Two pictures are near-duplicates if their features are far nearer to each other than those of most pictures of a
/// class, or nearer and their perceptual hashes are nearly the same. Shares of the usual distance within their classes;
/// of 2,000 pictures of 200 things no two are below 0.4, and two below 0.7 have hashes of up to 10 bits once:
inline constexpr double kSameFeatures = 0.4;
inline constexpr double kAlikeFeatures = 0.7;  // with hashes that differ in at most so many bits of 64:
inline constexpr int kAlikeBits = 10;

/// What is known of each picture.
struct Pictures {
  const Matrix& features;                 // [n, D]
  std::span<const std::uint64_t> hashes;  // [n] difference hashes
  std::span<const std::size_t> classes;   // [n]
};

using DuplicatePair = std::pair<std::size_t, std::size_t>;
/// Every pair of near-duplicates, by index.
[[nodiscard]] std::vector<DuplicatePair> near_duplicates(const Pictures& pictures);

/// The groups that near-duplicates make, with those that `groups` made before: whoever is tied to one of a group is of
/// the group.
/// @param groups  [n] equal numbers belong together already
/// @return        [n] of each the least index in its group
[[nodiscard]] std::vector<std::size_t> group_near_duplicates(std::span<const DuplicatePair> pairs,
                                                             std::span<const std::size_t> groups);

}  // namespace fovea::learn
