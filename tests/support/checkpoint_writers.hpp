// Writes the same tensors in every supported container.
#pragma once

#include <filesystem>
#include <string>

#include "support/tiny_model.hpp"

namespace fovea::test {

/// As numpy.savez writes them, or numpy.savez_compressed.
void write_npz(const std::filesystem::path& file, const TinyTensors& tensors, bool deflated = false);

/// As torch.save writes a state dict.
/// @param under  the key, such as "model", under which a training script's dict holds the state dict; empty: no such
/// dict
void write_pth(const std::filesystem::path& file, const TinyTensors& tensors, const std::string& under = "");

/// Splits the tensors into two files and an index, as transformers' save_pretrained does.
void write_safetensors_shards(const std::filesystem::path& folder, const TinyTensors& tensors);
void write_bin_shards(const std::filesystem::path& folder, const TinyTensors& tensors);

}  // namespace fovea::test
