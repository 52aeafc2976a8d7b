// Pictures that are nearly the same: copies in another size or quality, cut a little, or a moment later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learn/matrix.hpp"

namespace fovea::learn {

/// Two pictures are near-duplicates if their features nearly agree, or agree well and their perceptual hashes are
/// nearly the same.
inline constexpr double kSameFeatures = 0.985;  // cosine of centred features that needs no hash
inline constexpr double kAlikeFeatures = 0.9;   // with the hash
inline constexpr int kAlikeBits = 10;           // of 64 that may differ

/// The groups that near-duplicates make, with those that `groups` made before: whoever is tied to one of a group is of
/// the group.
/// @param features  [n, D]
/// @param hashes    [n] difference hashes
/// @param groups    [n] equal numbers belong together already
/// @return          [n] of each the least index in its group
[[nodiscard]] std::vector<std::size_t> group_near_duplicates(const Matrix& features,
                                                             std::span<const std::uint64_t> hashes,
                                                             std::span<const std::size_t> groups);

}  // namespace fovea::learn
