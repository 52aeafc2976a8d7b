// Random numbers for tests.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace fovea::test {

/// Normally distributed around 0. The same seed gives the same values.
inline std::vector<float> normal_values(std::size_t count, unsigned seed, float spread = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

}  // namespace fovea::test
