#include "model/weights/rotary_tables.hpp"

#include <span>

#include "model/weights/pos_embed.hpp"

namespace fovea {
std::vector<nn::RotaryTable> rotary_tables(const Architecture& a, const TensorSource& source) {
  if (a.rope == Rope::kNone) return {};
  const RopeSettings settings = a.rope_settings.value_or(usual_rope_settings(a.rope));
  if (a.rope != Rope::kMixed) {
    return {rotary_table(a.rope, a.grid(), a.head_dim(), settings,
                         read_values(source, Role::kRopePeriods, Part::kWeight, 0, a.head_dim() / 4))};
  }
  const std::size_t of_block = a.embed_dim / 2;  // H·d/2
  const std::vector<float> frequencies =
      read_values(source, Role::kRopeFrequencies, Part::kWeight, 0, 2 * a.depth * of_block);
  std::vector<nn::RotaryTable> tables;
  tables.reserve(a.depth);
  for (std::size_t block = 0; block < a.depth; ++block) {  // [2, depth, H, d/2]
    const std::span<const float> first = std::span(frequencies).subspan(block * of_block, of_block);
    const std::span<const float> second = std::span(frequencies).subspan((a.depth + block) * of_block, of_block);
    tables.push_back(mixed_rotary_table(a.grid(), a.num_heads, settings.x_first, first, second));
  }
  return tables;
}

}  // namespace fovea
