#include "learn/minimise.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>

#include "base/process/interrupt.hpp"

namespace fovea::learn {
namespace {

using Values = std::vector<double>;

constexpr std::size_t kPairs = 10;       // steps that the approximate Hessian remembers
constexpr double kDecrease = 1e-4;       // Wolfe's c1
constexpr double kFlatter = 0.9;         // Wolfe's c2
constexpr double kRounding = 4e-16;      // of a value: smaller differences say nothing
constexpr std::size_t kMostTrials = 40;  // of one line search

double dot(const Values& a, const Values& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest_of(const Values& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::fabs(value));
  return most;
}

void add(Values& to, double factor, const Values& values) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * values[i];
}

/// A place, with what the objective says of it.
struct Point {
  Values x;
  Values gradient;
  double value = 0;
};

/// The last steps and the changes of the gradient along them.
class Memory {
 public:
  explicit Memory(const Values& scale) : scale_(scale) {}

  void note(const Point& from, const Point& to) {
    Pair pair{to.x, to.gradient, 0};
    add(pair.step, -1, from.x);
    add(pair.change, -1, from.gradient);
    const double curvature = dot(pair.step, pair.change);
    if (!(curvature > 0)) return;  // rounding: it would turn the next direction uphill
    pair.rho = 1 / curvature;
    pairs_.push_back(std::move(pair));
    if (pairs_.size() > kPairs) pairs_.pop_front();
  }
  void forget() { pairs_.clear(); }
  [[nodiscard]] bool empty() const { return pairs_.empty(); }

  /// The two loops: minus the approximate inverse Hessian times the gradient.
  [[nodiscard]] Values direction(const Values& gradient) const {
    Values d = gradient;
    Values alphas(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      alphas[i] = pairs_[i].rho * dot(pairs_[i].step, d);
      add(d, -alphas[i], pairs_[i].change);
    }
    const double size = pairs_.empty() ? 1.0 : 1 / (pairs_.back().rho * scaled_square(pairs_.back().change));
    for (std::size_t i = 0; i < d.size(); ++i) d[i] *= size * (scale_.empty() ? 1.0 : scale_[i]);
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      add(d, alphas[i] - pairs_[i].rho * dot(pairs_[i].change, d), pairs_[i].step);
    }
    for (double& value : d) value = -value;
    return d;
  }

 private:
  struct Pair {
    Values step;
    Values change;
    double rho;
  };
  [[nodiscard]] double scaled_square(const Values& v) const {
    double sum = 0;
    for (std::size_t i = 0; i < v.size(); ++i) sum += v[i] * v[i] * (scale_.empty() ? 1.0 : scale_[i]);
    return sum;
  }

  const Values& scale_;
  std::deque<Pair> pairs_;
};

/// Steps along one direction until both of Wolfe's conditions hold: the value falls enough, and the slope flattens.
class LineSearch {
 public:
  LineSearch(const Objective& objective, const Point& from, const Values& direction)
      : objective_(objective), from_(from), direction_(direction), slope_(dot(from.gradient, direction)) {}

  /// None where no step goes down by more than rounding.
  [[nodiscard]] std::optional<Point> run(double step) {
    double low = 0;  // the best step so far that is too short
    double low_value = from_.value;
    double low_slope = slope_;
    std::optional<double> high;  // a step that is too long
    std::optional<Point> best;
    for (std::size_t trial = 0; trial < kMostTrials; ++trial) {
      Point point = at(step);
      const double slope = dot(point.gradient, direction_);
      const double allowed = from_.value + kDecrease * step * slope_ + kRounding * std::fabs(from_.value);
      const bool too_high = !(point.value <= allowed) || !std::isfinite(slope) ||
                            (trial > 0 && point.value > low_value + kRounding * std::fabs(low_value));
      if (too_high) {
        high = step;
      } else {
        if (std::fabs(slope) <= -kFlatter * slope_) return point;
        if (slope >= 0) high = step;
        if (slope < 0 || !best || point.value < best->value) best = point;
        if (slope < 0) {
          low = step;
          low_value = point.value;
          low_slope = slope;
        }
      }
      step = high ? between(low, *high, low_value, low_slope, point, step) : 4 * step;
    }
    return best && best->value < from_.value ? best : std::nullopt;
  }
  [[nodiscard]] std::size_t evaluations() const noexcept { return evaluations_; }

 private:
  [[nodiscard]] Point at(double step) {
    Point point{from_.x, Values(from_.x.size()), 0};
    add(point.x, step, direction_);
    point.value = objective_(point.x, point.gradient);
    ++evaluations_;
    return point;
  }
  /// The minimum of the parabola through what is known, kept off both ends.
  static double between(double low, double high, double low_value, double low_slope, const Point& point, double step) {
    const double length = step - low;
    const double bend = 2 * (point.value - low_value - low_slope * length) / (length * length);
    const double guess = bend > 0 && std::isfinite(bend) ? low - low_slope / bend : 0.5 * (low + high);
    const double margin = 0.1 * (high - low);
    return std::clamp(guess, low + margin, high - margin);
  }

  const Objective& objective_;
  const Point& from_;
  const Values& direction_;
  double slope_;
  std::size_t evaluations_ = 0;
};

}  // namespace

Minimum minimise(const Objective& objective, std::vector<double> start, const MinimiseOptions& options) {
  Point point{std::move(start), {}, 0};
  point.gradient.resize(point.x.size());
  point.value = objective(point.x, point.gradient);
  std::size_t evaluations = 1;
  Memory memory(options.scale);
  while (largest_of(point.gradient) > options.tolerance && evaluations < options.most_evaluations) {
    stop_if_interrupted();
    const Values direction = memory.direction(point.gradient);
    LineSearch search(objective, point, direction);
    // Without a memory the length of the direction means nothing, unless the scales give it one.
    const double first = memory.empty() && options.scale.empty() ? std::min(1.0, 1 / largest_of(point.gradient)) : 1.0;
    std::optional<Point> next = search.run(first);
    evaluations += search.evaluations();
    if (!next) {
      if (memory.empty()) break;
      memory.forget();  // once more straight down the slope
      continue;
    }
    memory.note(point, *next);
    point = std::move(*next);
  }
  const double gradient = largest_of(point.gradient);
  return {std::move(point.x), point.value, gradient, evaluations};
}

}  // namespace fovea::learn
