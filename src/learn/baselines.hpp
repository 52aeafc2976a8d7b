// What a learned head has to beat: the nearest class mean, and the nearest pictures.
#pragma once

#include <cstddef>
#include <vector>

#include "learn/logistic.hpp"

namespace fovea::learn {

/// The class whose mean is nearest by cosine, of scaled features.
/// @return  [test] the class of each row
[[nodiscard]] std::vector<std::size_t> nearest_mean(const Examples& train, const Matrix& test);

/// The class with most votes among the k nearest by cosine; among equals that of the nearer ones.
[[nodiscard]] std::vector<std::size_t> nearest_neighbours(const Examples& train, const Matrix& test, std::size_t k);

}  // namespace fovea::learn
