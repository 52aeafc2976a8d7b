#include "report/record.hpp"

#include <fmt/format.h>

namespace fovea {

std::string class_name(const std::optional<std::string>& label, std::size_t class_index) {
  return label ? *label : fmt::format("class {}", class_index);
}

std::string sum_text(const ScoreSum& sum) {
  return fmt::format("patches {:+.2f}, prefix tokens {:+.2f}, biases {:+.2f}: score {:.2f}", sum.patches, sum.prefix,
                     sum.biases, sum.score);
}

std::string outlier_text(const OutlierTokens& outliers) {
  return fmt::format(
      "outlier tokens: {} of {} patches, up to {:.1f} times as long as the median; they hold notes about the whole "
      "picture, so that attention to them says nothing about their place",
      outliers.patches, outliers.of, outliers.largest);
}

void Summary::count(const Record& record) {
  ++(record.failure ? failed : succeeded);
  if (record.decided_by && !record.failure) ++decided_by[*record.decided_by];
}

}  // namespace fovea
