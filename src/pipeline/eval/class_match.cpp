#include "pipeline/eval/class_match.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/files.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "model/config/labels.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

/// A label that no class is meant by, or several are.
struct Unmatched {
  std::string label;
  std::string why;   // empty: no class is called so
  std::string hint;  // may be empty
};

std::string spaced(std::string label) {
  std::ranges::replace(label, '_', ' ');
  return label;
}

class Matcher {
 public:
  explicit Matcher(std::span<const ClassLabel> classes) : classes_(classes) {
    for (std::size_t c = 0; c < classes.size(); ++c) {
      if (!classes[c].description) continue;
      ++called_[*classes[c].description];
      whole_[*classes[c].description] = c;
      numbers_are_names_ |= class_index(*classes[c].description).has_value();
    }
  }

  /// The class, or why there is none.
  [[nodiscard]] std::optional<std::size_t> find(const std::string& label, Unmatched& unmatched) const {
    if (const auto found = whole_.find(label); found != whole_.end() && called_.at(label) == 1) return found->second;
    unmatched = {label, {}, {}};
    if (numbers_are_names_ && class_index(label)) {
      unmatched.hint = "the classes are called by numbers, so a number is no index";
      return std::nullopt;
    }
    try {
      return find_class(label, classes_);
    } catch (const Error& error) {
      if (std::string_view(error.what()).starts_with("class '")) unmatched.why = error.what();  // several
      unmatched.hint = error.hint();
    }
    if (!unmatched.why.empty() || label.find('_') == std::string::npos) return std::nullopt;
    return find(spaced(label), unmatched);
  }

 private:
  std::span<const ClassLabel> classes_;
  std::map<std::string, std::size_t> called_;  // how many classes
  std::map<std::string, std::size_t> whole_;
  bool numbers_are_names_ = false;
};

[[noreturn]] void refuse_labels(const std::vector<Unmatched>& unmatched, std::size_t labels, const std::string& model,
                                const std::string& unseen) {
  constexpr std::size_t kMost = 5;
  std::string names;
  std::string hints;
  for (std::size_t i = 0; i < std::min(kMost, unmatched.size()); ++i) {
    const Unmatched& one = unmatched[i];
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", printable(one.label));
    const std::string& about = one.why.empty() ? one.hint : one.why;
    if (!about.empty()) hints += fmt::format("{}'{}': {}", hints.empty() ? "" : "; ", printable(one.label), about);
  }
  if (unmatched.size() > kMost) names += fmt::format(" and {} more", unmatched.size() - kMost);
  if (!unseen.empty()) hints += (hints.empty() ? "" : "; ") + unseen;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: {} of {} labels name no one class of it: {}; expected names, WordNet ids or indices",
                          printable(model), unmatched.size(), labels, names),
              hints);
}

}  // namespace

MatchedClasses match_classes(std::span<const std::string> labels, std::span<const ClassLabel> classes,
                             const std::string& model, const std::string& unseen) {
  const Matcher matcher(classes);
  MatchedClasses matched;
  std::vector<Unmatched> unmatched;
  std::map<std::size_t, std::string> first;  // label of each class
  for (const std::string& label : labels) {
    Unmatched why;
    const std::optional<std::size_t> found = matcher.find(label, why);
    matched.of_label.push_back(found.value_or(0));
    if (!found) {
      why.label = label;
      unmatched.push_back(why);
      continue;
    }
    const auto [place, is_new] = first.emplace(*found, label);
    if (!is_new) {
      matched.remarks.push_back(fmt::format("the labels '{}' and '{}' name the same class of {}",
                                            printable(place->second), printable(label), printable(model)));
    }
  }
  if (!unmatched.empty()) refuse_labels(unmatched, labels.size(), model, unseen);
  return matched;
}

std::vector<std::string> distinct_names(std::span<const ClassLabel> classes) {
  std::vector<std::string> names;
  std::map<std::string, std::size_t> times;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    names.push_back(class_name(classes[c].label(), c));
    ++times[names.back()];
  }
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (times[names[c]] == 1) continue;
    names[c] += fmt::format(" ({})", classes[c].synset.value_or(std::to_string(c)));
  }
  return names;
}

}  // namespace fovea
