#include "learn/folds.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/random.hpp"

namespace fovea::learn {
namespace {

struct Group {
  std::map<std::size_t, std::size_t> counts;  // of each class
  std::vector<std::size_t> examples;
  std::uint64_t draw = 0;  // decides between equals
};

std::map<std::size_t, Group> collect(std::span<const std::size_t> classes, std::span<const std::size_t> groups,
                                     std::uint64_t seed) {
  std::map<std::size_t, Group> all;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    Group& group = all[groups[i]];
    ++group.counts[classes[i]];
    group.examples.push_back(i);
  }
  Random random(seed);
  std::vector<Group*> in_order;  // of the first example
  in_order.reserve(all.size());
  for (auto& [key, group] : all) in_order.push_back(&group);
  std::ranges::sort(in_order, {}, [](const Group* group) { return group->examples.front(); });
  for (Group* group : in_order) group->draw = random.bits();
  return all;
}

/// What has been put where so far.
class Places {
 public:
  Places(std::size_t classes, std::size_t folds) : counts_(classes, std::vector<std::size_t>(folds)), sizes_(folds) {}

  /// The fold that has least of the group's classes; among equals the smallest, then the first.
  [[nodiscard]] std::size_t best(const Group& group) const {
    std::size_t best = 0;
    for (std::size_t fold = 1; fold < sizes_.size(); ++fold) {
      if (cost(group, fold) < cost(group, best)) best = fold;
    }
    return best;
  }
  void put(const Group& group, std::size_t fold) {
    for (const auto& [c, count] : group.counts) counts_[c][fold] += count;
    sizes_[fold] += group.examples.size();
  }

 private:
  [[nodiscard]] std::tuple<std::size_t, std::size_t> cost(const Group& group, std::size_t fold) const {
    std::size_t own = 0;
    for (const auto& [c, count] : group.counts) own += counts_[c][fold];
    return {own, sizes_[fold]};
  }

  std::vector<std::vector<std::size_t>> counts_;  // [class][fold]
  std::vector<std::size_t> sizes_;
};

}  // namespace

Folds stratified_folds(std::span<const std::size_t> classes, std::span<const std::size_t> groups, std::size_t folds,
                       std::uint64_t seed) {
  const std::map<std::size_t, Group> all = collect(classes, groups, seed);
  std::map<std::size_t, std::set<std::size_t>> groups_of;  // each class
  for (const auto& [key, group] : all) {
    for (const auto& [c, count] : group.counts) groups_of[c].insert(key);
  }
  std::vector<const Group*> order;
  order.reserve(all.size());
  for (const auto& [key, group] : all) order.push_back(&group);
  // Large groups first: the small ones then even out what they leave.
  std::ranges::sort(order, [](const Group* a, const Group* b) {
    return std::tuple(b->examples.size(), a->draw) < std::tuple(a->examples.size(), b->draw);
  });
  const std::size_t num_classes = groups_of.empty() ? 0 : groups_of.rbegin()->first + 1;
  Places places(num_classes, folds);
  Folds result(classes.size());
  for (const Group* group : order) {
    const bool only_one =
        std::ranges::any_of(group->counts, [&](const auto& count) { return groups_of[count.first].size() < 2; });
    if (only_one) continue;
    const std::size_t fold = places.best(*group);
    places.put(*group, fold);
    for (const std::size_t example : group->examples) result[example] = fold;
  }
  return result;
}

std::vector<Split> splits_of(const Folds& folds, std::size_t count) {
  std::vector<Split> splits(count);
  for (std::size_t i = 0; i < folds.size(); ++i) {
    for (std::size_t fold = 0; fold < count; ++fold) {
      (folds[i] == fold ? splits[fold].test : splits[fold].train).push_back(i);
    }
  }
  std::erase_if(splits, [](const Split& split) { return split.test.empty(); });
  return splits;
}

}  // namespace fovea::learn
