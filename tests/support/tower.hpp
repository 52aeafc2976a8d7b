// Image towers of CLIP and SigLIP, and embeddings of text for them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fovea::test {

/// transformers' CLIP tower of 32x32 px with a projection to 16, made of the golden classifier's weights.
/// @param logit_scale  as stored, before exp
void write_clip_tower(const std::filesystem::path& folder, std::optional<float> logit_scale,
                      std::optional<float> logit_bias = std::nullopt);

/// safetensors with `embeddings` [rows, width] and `labels` in the metadata, unless `labels` is empty.
void write_text_embeddings(const std::filesystem::path& file, const std::vector<float>& rows, std::size_t width,
                           const std::string& labels);

}  // namespace fovea::test
