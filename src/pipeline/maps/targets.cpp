#include "pipeline/maps/targets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <numeric>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "model/config/labels.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

/// 3 of "top3".
std::optional<std::size_t> rank_of(std::string_view text) {
  if (!text.starts_with("top")) return std::nullopt;
  text.remove_prefix(3);
  std::size_t rank = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rank);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && rank >= 1 ? std::optional(rank) : std::nullopt;
}

ClassRule parse_class(std::string_view text, const ClassSpace& classes) {
  if (const auto rank = rank_of(text)) return {ClassRule::Kind::kRanked, 0, *rank};
  if (text == "true") return {ClassRule::Kind::kFolder};
  return {ClassRule::Kind::kNamed, find_class(text, classes.labels)};
}

/// Classes, best first; equal ones in their order.
std::vector<std::size_t> ranking(const Logits& logits) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  return order;
}

/// The label that an archive has for the picture, or the folder that it lies in.
std::size_t true_class(const Input& input, const ClassSpace& classes) {
  const std::string folder =
      std::filesystem::absolute(std::filesystem::path(input.path)).lexically_normal().parent_path().filename();
  const std::string& label = input.label.value_or(folder);
  try {
    return find_class(label, classes.labels);
  } catch (const Error& error) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("{}: {} '{}' is no class of the model, expected its true label", printable(input.path),
                            input.label ? "label" : "folder", printable(label)),
                error.hint().empty() ? "--target with a class, or top1" : error.hint());
  }
}

std::size_t resolve(const ClassRule& rule, const std::vector<std::size_t>& order, const Input& input,
                    const ClassSpace& classes) {
  switch (rule.kind) {
    case ClassRule::Kind::kNamed: return rule.class_index;
    case ClassRule::Kind::kRanked: return order[std::min(rule.rank, order.size()) - 1];
    case ClassRule::Kind::kFolder: return true_class(input, classes);
  }
  return 0;
}

}  // namespace

ScoreSeed score_seed(const Target& target) {
  ScoreSeed seed{{target.class_index, 1.0F}};
  if (target.against) seed.push_back({*target.against, -1.0F});
  return seed;
}

std::string target_stem(const Target& target) {
  return target.against ? fmt::format("{}-{}", target.class_index, *target.against)
                        : std::to_string(target.class_index);
}

MapTarget described(const Target& target, const ClassSpace& classes) {
  MapTarget text{target.class_index, classes.labels[target.class_index].label(), std::nullopt};
  if (target.against) text.against = MapContrast{*target.against, classes.labels[*target.against].label()};
  return text;
}

TargetRule parse_target(std::string_view target, const std::optional<std::string>& against, const ClassSpace& classes) {
  TargetRule rule{parse_class(target, classes), 1, std::nullopt};
  if (rule.target.kind == ClassRule::Kind::kRanked) {
    rule.ranks = rule.target.rank;
    rule.target.rank = 1;
  }
  if (!against) return rule;
  rule.against = parse_class(*against, classes);
  const bool same = rule.target.kind == ClassRule::Kind::kNamed && rule.against->kind == ClassRule::Kind::kNamed &&
                    rule.target.class_index == rule.against->class_index;
  if (same) {
    throw Error(ErrorCode::kUsage, fmt::format("--against is '{}', expected another class than --target", *against));
  }
  return rule;
}

std::vector<TargetRule> parse_targets(const std::vector<std::string>& targets,
                                      const std::optional<std::string>& against, const ClassSpace& classes) {
  if (targets.empty()) return {parse_target("top1", against, classes)};
  std::vector<TargetRule> rules;
  rules.reserve(targets.size());
  for (const std::string& target : targets) rules.push_back(parse_target(target, against, classes));
  return rules;
}

std::vector<Target> targets_of(const std::vector<TargetRule>& rules, const Logits& logits, const Input& input,
                               const ClassSpace& classes) {
  const std::vector<std::size_t> order = ranking(logits);
  std::vector<Target> targets;
  const auto add = [&](const Target& target) {
    if (std::find(targets.begin(), targets.end(), target) == targets.end()) targets.push_back(target);
  };
  for (const TargetRule& rule : rules) {
    std::optional<std::size_t> against;
    if (rule.against) against = resolve(*rule.against, order, input, classes);
    for (std::size_t rank = 0; rank < std::min(rule.ranks, order.size()); ++rank) {
      const bool ranked = rule.target.kind == ClassRule::Kind::kRanked;
      const std::size_t index = ranked ? order[rank] : resolve(rule.target, order, input, classes);
      if (index != against) {
        add({index, against});
      } else if (rule.ranks == 1) {
        throw Error(ErrorCode::kNotFound,
                    fmt::format("{}: target is {}, expected another class than --against", printable(input.path),
                                class_name(classes.labels[index].label(), index)),
                    "--against top2 names the runner-up of each picture");
      }
    }
  }
  return targets;
}

}  // namespace fovea
