// Two models on the same pictures.
#pragma once

#include <cstddef>

namespace fovea::learn {

/// McNemar's exact test: the probability that two models which are equally good differ so much or more. Only the
/// examples count that one of them alone has right: each is a coin toss, so the test is a binomial one, two-sided.
/// @return  0..1; 1 where no example tells them apart
[[nodiscard]] double mcnemar(std::size_t only_first, std::size_t only_second);

}  // namespace fovea::learn
