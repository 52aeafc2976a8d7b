// The file of --text-embeddings.
#pragma once

#include <filesystem>

#include "pipeline/maps/zero_shot.hpp"

namespace fovea::cli {

/// A checkpoint with a tensor `embeddings` [classes, width] of floats. The classes' names are its metadata `labels`, a
/// JSON array, or else the lines of a file.
/// @param labels  a file as for --labels; empty: the metadata
/// @throws Error  kUsage if it cannot be read, or is not that.
[[nodiscard]] TextEmbeddings read_text_embeddings(const std::filesystem::path& file,
                                                  const std::filesystem::path& labels);

}  // namespace fovea::cli
