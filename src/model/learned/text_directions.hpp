// Texts as a linear head: what each text adds to a picture's scores, feature by feature.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/config/checkpoint_folder.hpp"
#include "model/config/text_embeddings.hpp"

namespace fovea {

struct TextDirections {
  std::vector<float> weight;  // [C, pooled_dim]
  std::vector<float> bias;    // [C]
};

/// The products of text rows of length 1 with the image embedding, which is a linear function of the pooled features.
/// The cosine divides each by the length of the picture's embedding, which is alike for all pictures and is left out.
/// @param rows     [C] row of `text` for each class
/// @throws Error   kUsage for embeddings of another width than the image tower's, or of length 0.
[[nodiscard]] TextDirections text_directions(const OpenModel& model, const TextEmbeddings& text,
                                             std::span<const std::size_t> rows);

}  // namespace fovea
