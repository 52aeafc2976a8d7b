// Marks in words.
#pragma once

#include <string>

#include "pipeline/audit/marks.hpp"

namespace fovea {

/// "fixed mark", "border" or "tint"
[[nodiscard]] std::string kind_text(MarkKind kind);

/// "fixed-mark", "border", "dark-tint" or "light-tint"
[[nodiscard]] std::string kind_id(MarkKind kind);

/// "the same mark at the lower right, 22 x 22 % of the picture"
/// @param mark  that some pictures carry
[[nodiscard]] std::string mark_text(const Mark& mark);

}  // namespace fovea
