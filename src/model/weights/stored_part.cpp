#include "model/weights/stored_part.hpp"

#include <numeric>

namespace fovea {

std::optional<StoredPart> stored_part(const TensorRule& rule, const Architecture& a, std::size_t block) {
  if (rule.shape.empty()) return std::nullopt;
  if (rule.slice) {
    const std::size_t first = rule.slice->after ? resolve(*rule.slice->after, a, block) : 0;
    const bool of_rows = rule.slice->axis == 0;
    StoredPart part{std::vector<std::size_t>(resolve(of_rows ? rule.slice->size : rule.shape[0], a, block)),
                    of_rows ? 0 : first};
    std::iota(part.rows.begin(), part.rows.end(), of_rows ? first : 0);
    return part;
  }
  const std::size_t stored = a.kv_dim(block);
  if (rule.shape[0] != Dim::kKeyValue || stored == a.embed_dim) return std::nullopt;
  const std::size_t sharing = a.embed_dim / stored;  // heads that have one key and value
  StoredPart part{std::vector<std::size_t>(a.embed_dim)};
  for (std::size_t row = 0; row < a.embed_dim; ++row) {
    part.rows[row] = row / a.head_dim() / sharing * a.head_dim() + row % a.head_dim();
  }
  return part;
}

}  // namespace fovea
