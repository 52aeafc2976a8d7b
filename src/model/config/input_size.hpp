// What size a model is fed, and of what size the position embeddings in its file are.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/image.hpp"
#include "model/config/config.hpp"

namespace fovea {

/// All that may say it.
struct SizeSources {
  const ModelConfig& config;
  std::optional<Size> asked;           // px, by the user
  std::optional<Size> prepared;        // px, that the files on preprocessing make of every picture
  std::optional<Size> evaluation;      // px, that the authors' own evaluation feeds, where there is no config
  std::size_t pos_embeddings = 0;      // in the file
  std::size_t relative_positions = 0;  // rows of the file's table of them
  const std::string& file;             // for messages
};

/// The image size, by the reference's own precedence, and the grid of the position embeddings: of the config's size, or
/// a square number of them.
/// @throws Error  kCheckpoint if the files contradict each other where their library raises; kUsage for a size that the
///                family does not take.
void resolve_image_size(const SizeSources& sources, std::vector<std::string>& assumptions, Architecture& a);

}  // namespace fovea
