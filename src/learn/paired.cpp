#include "learn/paired.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fovea::learn {

double mcnemar(std::size_t only_first, std::size_t only_second) {
  const auto n = static_cast<double>(only_first + only_second);
  const auto fewer = static_cast<double>(std::min(only_first, only_second));
  // The binomial coefficients shrink from the largest one down: the sum starts there and ends where nothing is added.
  double term =
      std::exp(std::lgamma(n + 1) - std::lgamma(fewer + 1) - std::lgamma(n - fewer + 1) - n * std::numbers::ln2);
  double tail = 0;
  for (double k = fewer; k >= 0 && tail + term > tail; --k) {
    tail += term;
    term *= k / (n - k + 1);
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace fovea::learn
