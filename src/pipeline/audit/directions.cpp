#include "pipeline/audit/directions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/process/interrupt.hpp"
#include "fovea/error.hpp"
#include "learn/audit/neural_pca.hpp"
#include "learn/cross_validation.hpp"
#include "learn/logistic.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMostDirections = 3;  // of a class
constexpr std::size_t kMostShown = 9;       // pictures of a direction

learn::LinearHead linear_head(const LearnedHead& head) {
  const std::size_t classes = head.classes.size();
  learn::LinearHead linear{learn::Matrix{classes, head.weight.size() / classes}, {head.bias.begin(), head.bias.end()}};
  std::ranges::copy(head.weight, linear.weight.values.begin());
  return linear;
}

std::vector<std::size_t> rows_of_class(std::span<const std::size_t> classes, std::size_t of_class) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < classes.size(); ++row) {
    if (classes[row] == of_class) rows.push_back(row);
  }
  return rows;
}

/// What the whole class varies by: the sum of the variances of ψ over all features.
double whole_variance(const learn::LinearHead& head, std::size_t of_class, const learn::Matrix& features) {
  double sum = 0;
  for (std::size_t j = 0; j < features.cols; ++j) {
    double mean = 0;
    double squares = 0;
    for (std::size_t i = 0; i < features.rows; ++i) mean += features.row(i)[j] / static_cast<double>(features.rows);
    for (std::size_t i = 0; i < features.rows; ++i) squares += (features.row(i)[j] - mean) * (features.row(i)[j] - mean);
    const double weight = head.weight.row(of_class)[j];
    sum += weight * weight * squares / static_cast<double>(features.rows - 1);
  }
  return sum;
}

/// A fold's head without its own direction that is most like `wanted`; the head itself where it has none.
learn::LinearHead without_like(const learn::LinearHead& head, const DroppedDirection& dropped,
                               const learn::Examples& train, std::span<const double> wanted) {
  constexpr std::size_t kMoreDirections = 4;  // the order may differ from fold to fold
  const std::vector<std::size_t> rows = rows_of_class(train.classes, dropped.of_class);
  if (rows.size() < 2) return head;
  const learn::ClassDirections own = learn::neural_pca(
      head, dropped.of_class, learn::rows_of(train.features, rows), dropped.direction + kMoreDirections);
  std::vector<double> likeness;
  for (std::size_t k = 0; k < own.directions.rows; ++k) {
    const auto row = own.directions.row(k);
    likeness.push_back(std::fabs(std::inner_product(row.begin(), row.end(), wanted.begin(), 0.0)));
  }
  return likeness.empty() ? head : learn::without_direction(head, own, learn::largest(likeness));
}

/// Before and after, on pictures that no head has learned from.
void measure_without(const DroppedDirection& dropped, const AuditInput& input, std::span<const double> wanted,
                     AuditDropped& told) {
  const learn::Examples all{input.embedded.features,
                            {input.embedded.classes.begin(), input.embedded.classes.end()},
                            input.learned.weights,
                            input.pictures.names.size()};
  std::size_t of_class = 0;
  for (const learn::Split& split : input.learned.splits) {
    stop_if_interrupted();
    const learn::Examples train = learn::examples_of(all, split.train);
    const learn::LinearHead head = learn::fit_head(train, input.learned.c, learn::kFoldTolerance);
    const learn::Matrix held_out = learn::rows_of(all.features, split.test);
    const learn::Matrix before = learn::scores_of(head, held_out);
    const learn::Matrix after = learn::scores_of(without_like(head, dropped, train, wanted), held_out);
    for (std::size_t i = 0; i < split.test.size(); ++i) {
      const std::size_t truth = all.classes[split.test[i]];
      const double right_before = learn::largest(before.row(i)) == truth ? 1 : 0;
      const double right_after = learn::largest(after.row(i)) == truth ? 1 : 0;
      told.right_before += right_before;
      told.right_after += right_after;
      if (truth != dropped.of_class) continue;
      ++of_class;
      told.recall_before += right_before;
      told.recall_after += right_after;
    }
    told.pictures += split.test.size();
  }
  for (double* const share : {&told.right_before, &told.right_after}) {
    *share /= static_cast<double>(std::max<std::size_t>(told.pictures, 1));
  }
  for (double* const share : {&told.recall_before, &told.recall_after}) {
    *share /= static_cast<double>(std::max<std::size_t>(of_class, 1));
  }
}

}  // namespace

void describe_directions(const AuditInput& input, AuditReport& report) {
  const learn::LinearHead head = linear_head(input.learned.head);
  for (std::size_t c = 0; c < input.pictures.names.size(); ++c) {
    stop_if_interrupted();
    const std::vector<std::size_t> rows = rows_of_class(input.embedded.classes, c);
    if (rows.size() < 2) continue;
    const learn::Matrix features = learn::rows_of(input.embedded.features, rows);
    const learn::ClassDirections found = learn::neural_pca(head, c, features, kMostDirections);
    const double whole = whole_variance(head, c, features);
    for (std::size_t k = 0; k < found.variances.size(); ++k) {
      std::vector<double> added;
      for (std::size_t i = 0; i < rows.size(); ++i) added.push_back(learn::contribution(head, found, k, features.row(i)));
      std::vector<std::size_t> order(rows.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return added[i]; });
      AuditDirection direction{c, k + 1, whole > 0 ? found.variances[k] / whole : 0, {}};
      for (std::size_t i = 0; i < std::min(kMostShown, order.size()); ++i) {
        direction.paths.push_back(input.pictures.inputs[input.embedded.inputs[rows[order[i]]]].path);
      }
      report.directions.push_back(std::move(direction));
    }
  }
}

DroppedDirection parse_direction(const std::string& text, const LabelledPictures& pictures) {
  const auto colon = text.rfind(':');
  DroppedDirection dropped;
  const char* const end = text.data() + text.size();
  const bool is_number = colon != std::string::npos &&
                         std::from_chars(text.data() + colon + 1, end, dropped.direction).ptr == end;
  if (!is_number || dropped.direction == 0 || colon + 1 == text.size()) {
    throw Error(ErrorCode::kUsage, fmt::format("--drop is '{}', expected CLASS:K with K from 1", printable(text)),
                "for example --drop cat:1, the first direction of the class cat in the report");
  }
  dropped.of_class = class_named(text.substr(0, colon), "--drop", pictures);
  return dropped;
}

LearnedHead without(const DroppedDirection& dropped, const AuditInput& input, AuditReport& report) {
  const std::vector<std::size_t> rows = rows_of_class(input.embedded.classes, dropped.of_class);
  const learn::LinearHead head = linear_head(input.learned.head);
  const std::string name = printable(input.pictures.names[dropped.of_class]);
  learn::ClassDirections found;
  if (rows.size() >= 2) {
    found = learn::neural_pca(head, dropped.of_class, learn::rows_of(input.embedded.features, rows), dropped.direction);
  }
  if (found.variances.size() < dropped.direction) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--drop: the class '{}' has {} directions, expected at least {}", name,
                            found.variances.size(), dropped.direction),
                "the report lists the first ones");
  }
  const learn::LinearHead changed = learn::without_direction(head, found, dropped.direction - 1);
  AuditDropped& told = report.dropped.emplace();
  told.of_class = dropped.of_class;
  told.direction = dropped.direction;
  measure_without(dropped, input, found.directions.row(dropped.direction - 1), told);
  LearnedHead learned = input.learned.head;
  std::ranges::transform(changed.weight.values, learned.weight.begin(), [](double w) { return static_cast<float>(w); });
  std::ranges::transform(changed.bias, learned.bias.begin(), [](double b) { return static_cast<float>(b); });
  return learned;
}

}  // namespace fovea
