// The same tensors in every container that is read.
#pragma once

#include <filesystem>
#include <string>

#include "support/tiny_model.hpp"

namespace fovea::test {

/// As numpy.savez writes it, or numpy.savez_compressed.
void write_npz(const std::filesystem::path& file, const TinyTensors& tensors, bool deflated = false);

/// As torch.save writes a state dict.
/// @param under  the key of a training script's dict that holds it, such as "model"; empty: it is the whole file
void write_pth(const std::filesystem::path& file, const TinyTensors& tensors, const std::string& under = "");

/// Cut into two files and an index, as transformers' save_pretrained does it.
void write_safetensors_shards(const std::filesystem::path& folder, const TinyTensors& tensors);
void write_bin_shards(const std::filesystem::path& folder, const TinyTensors& tensors);

}  // namespace fovea::test
