// How much more often the pictures of one class carry something than those of the others, and how sure that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "learn/intervals.hpp"

namespace fovea::learn {

/// The mean of a class against the means of the other classes. Natural classes differ, too, so the error is that of a
/// prediction: it holds the spread of the other classes' means beside the class's own standard error. The spread is
/// shrunk towards a usual one, because other classes are few.
struct ClassExcess {
  double own = 0;      // the class's mean
  double others = 0;   // the mean of the other classes' means
  double error = 0;    // standard error of own − others
  double freedom = 1;  // degrees of freedom of the error (Satterthwaite 1946)
  double p = 1;        // two-sided, of no difference

  [[nodiscard]] double excess() const noexcept { return own - others; }
};
/// The spread of means where other classes are too few to say, and for how many classes it counts. This is that of
/// shares of pictures that carry something:
inline constexpr double kUsualSpread = 0.05;
inline constexpr double kSpreadFreedom = 4;

/// From whether each picture carries something: the class's own error is at least that of a share with one hit and one
/// miss more.
/// @param carried  [n] 0 to 1
/// @return         no difference and p 1 where the class or all others have no pictures
[[nodiscard]] ClassExcess class_excess(std::span<const double> carried, std::span<const std::size_t> classes,
                                       std::size_t num_classes, std::size_t of_class);
/// From a value of each picture, such as a share of its map.
/// @param usual_spread  in units of the values
[[nodiscard]] ClassExcess excess_of_means(std::span<const double> values, std::span<const std::size_t> classes,
                                          std::size_t num_classes, std::size_t of_class, double usual_spread);

/// The interval of own − others.
/// @param alpha  the share of such intervals that may miss, for example 0.05 corrected for how many were looked at
[[nodiscard]] Interval interval_of_excess(const ClassExcess& excess, double alpha);

/// Which pictures carry what some pictures of a class have in common: [n], 0 or 1.
using FindCarriers = std::function<std::vector<std::uint8_t>(std::span<const std::size_t> examples)>;
/// Each picture of the class is judged by what the other half of the class has in common, each other picture by both
/// halves: so nothing is measured on the pictures that it was found in.
/// @return  [n] 0, ½ or 1
[[nodiscard]] std::vector<double> carried_out_of_half(std::span<const std::size_t> classes, std::size_t of_class,
                                                      std::uint64_t seed, const FindCarriers& find);

}  // namespace fovea::learn
