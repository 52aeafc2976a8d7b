// A file of text embeddings: what a text tower made of the descriptions of some classes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/model.hpp"

namespace fovea {

struct TextEmbeddings {
  std::string source;  // the file, for messages
  std::size_t width = 0;
  std::vector<float> rows;         // [classes, width], of any length
  std::vector<ClassLabel> labels;  // one for each row
};

/// A checkpoint with a tensor `embeddings` [classes, width] of floats. The classes' names are its metadata `labels`, a
/// JSON array, or else the lines of a file.
/// @param labels  a file as for --labels; empty: the metadata
/// @throws Error  kUsage if it cannot be read, or is not that.
[[nodiscard]] TextEmbeddings read_text_embeddings(const std::filesystem::path& file,
                                                  const std::filesystem::path& labels);

/// Each row brought to length 1.
/// @throws Error  kUsage for a row whose length is 0 or not finite.
[[nodiscard]] TextEmbeddings with_unit_rows(TextEmbeddings text);

}  // namespace fovea
