// Image towers of CLIP and SigLIP, and text embeddings for them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fovea::test {

/// Writes transformers' CLIP tower with 32x32 px and a projection to 16, made from the golden classifier's weights.
/// @param logit_scale  as stored, before exp
void write_clip_tower(const std::filesystem::path& folder, std::optional<float> logit_scale,
                      std::optional<float> logit_bias = std::nullopt);

/// Writes safetensors with `embeddings` [rows, width] and, unless `labels` is empty, `labels` in the metadata.
void write_text_embeddings(const std::filesystem::path& file, const std::vector<float>& rows, std::size_t width,
                           const std::string& labels);

}  // namespace fovea::test
