// Which pictures are held out together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace fovea::learn {

/// The fold that holds each example out; none: it is always learned from, because its class has one group only,
/// and without it nothing would be left to learn the class from.
using Folds = std::vector<std::optional<std::size_t>>;

/// Stratified group folds: a group never straddles two folds, and each class spreads over the folds as evenly as its
/// groups allow. A class with fewer groups than folds is measured by leaving out one group at a time. The order of
/// examples matters only where groups are equal in all that counts: sort them by content first.
/// @param groups  [n] any numbers; equal ones stay together
/// @param seed    which of several equally good partitions
[[nodiscard]] Folds stratified_folds(std::span<const std::size_t> classes, std::span<const std::size_t> groups,
                                     std::size_t folds, std::uint64_t seed);

/// The examples that a fold holds out, and all others.
struct Split {
  std::vector<std::size_t> train;
  std::vector<std::size_t> test;
};
[[nodiscard]] std::vector<Split> splits_of(const Folds& folds, std::size_t count);

}  // namespace fovea::learn
