// Some of a batch's jobs at a time: those that are alike, or those that have to run again.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace fovea {

/// The places of the jobs with equal keys, in the order in which the keys first turn up.
template <typename Job, typename Key>
[[nodiscard]] std::vector<std::vector<std::size_t>> groups_of(std::span<const Job> jobs, const Key& key_of) {
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    std::size_t group = 0;
    while (group < groups.size() && !(key_of(jobs[groups[group].front()]) == key_of(jobs[i]))) ++group;
    if (group == groups.size()) groups.emplace_back();
    groups[group].push_back(i);
  }
  return groups;
}

/// Runs the chosen jobs side by side. They are moved out, and back even if `run` throws.
template <typename Job, typename Run>
void run_some(std::span<Job> jobs, std::span<const std::size_t> chosen, const Run& run) {
  std::vector<Job> some;
  some.reserve(chosen.size());
  for (const std::size_t i : chosen) some.push_back(std::move(jobs[i]));
  const auto move_back = [&] {
    for (std::size_t i = 0; i < chosen.size(); ++i) jobs[chosen[i]] = std::move(some[i]);
  };
  try {
    run(std::span<Job>(some));
  } catch (...) {
    move_back();
    throw;
  }
  move_back();
}

}  // namespace fovea
