// Student's t distribution.
#pragma once

namespace fovea::learn {

/// The chance that |T| is at least |t|.
/// @param freedom  degrees of freedom, above 0; whole or not
[[nodiscard]] double student_two_sided(double t, double freedom);

/// The t that |T| exceeds with this chance: the half width of an interval, in standard errors.
/// @param alpha  above 0 and below 1
[[nodiscard]] double student_quantile(double alpha, double freedom);

}  // namespace fovea::learn
