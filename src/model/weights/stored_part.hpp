// Roles that are part of a tensor, or that a tensor holds fewer rows of than are computed with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "model/family/family.hpp"

namespace fovea {

/// Which rows of its tensor a role has, in its own order, and from which column on. A row may occur more than once:
/// heads that share keys and values.
struct StoredPart {
  std::vector<std::size_t> rows;
  std::size_t first_column = 0;
};

/// None: the role is the whole tensor as it is stored.
[[nodiscard]] std::optional<StoredPart> stored_part(const TensorRule& rule, const Architecture& architecture,
                                                    std::size_t block);

/// @param stored   the whole tensor, [rows, columns]
/// @param values   [part.rows.size(), n]
template <typename T>
void gather(const StoredPart& part, std::span<const T> stored, std::size_t columns, std::span<T> values) {
  const std::size_t wanted = values.size() / part.rows.size();
  for (std::size_t row = 0; row < part.rows.size(); ++row) {
    std::copy_n(stored.data() + part.rows[row] * columns + part.first_column, wanted, values.data() + row * wanted);
  }
}

}  // namespace fovea
