#include "pipeline/learn/unknown_rule.hpp"

#include <algorithm>

namespace fovea {

std::vector<float> floats_of(const std::vector<double>& values) {
  std::vector<float> floats(values.size());
  std::ranges::transform(values, floats.begin(), [](double value) { return static_cast<float>(value); });
  return floats;
}

UnknownReport report_of(const learn::UnknownChoice& choice, double share) {
  const char* by = choice.by == learn::UnknownBy::kEnergy ? "energy" : "distance";
  return {by,
          share,
          choice.rejected,
          choice.caught,
          choice.energy_area,
          choice.distance_area,
          choice.neighbours_area};
}

UnknownRule rule_of(const learn::UnknownChoice& choice, const learn::Examples& examples, double share) {
  UnknownRule rule;
  rule.threshold = choice.threshold;
  rule.share = share;
  rule.by = choice.by == learn::UnknownBy::kEnergy ? UnknownRule::By::kEnergy : UnknownRule::By::kDistance;
  rule.neighbours = floats_of(learn::fit_neighbours(examples).directions.values);
  rule.known_near = floats_of(choice.known.near);
  rule.known_far = floats_of(choice.known.far);
  if (choice.by == learn::UnknownBy::kEnergy) return rule;
  const learn::ClassBalls balls = learn::fit_balls(examples);
  rule.projection = floats_of(balls.projection.values);
  rule.centres = floats_of(balls.centres.values);
  return rule;
}

}  // namespace fovea
