// Files for tests of the pipeline and the program: pictures of any size, a tiny model, text.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "fovea/architecture.hpp"

namespace fovea::test {

/// Writes a smooth picture; each `shade` gives a different one.
void write_picture(const std::filesystem::path& path, int height, int width, int shade = 0);
/// Writes a picture of 40x40 px as PNG: each kind has colours of its own, each number other blocks.
void write_texture(const std::filesystem::path& path, std::size_t kind, std::size_t number);
void write_text(const std::filesystem::path& path, std::string_view text);
[[nodiscard]] std::string read_text(const std::filesystem::path& path);
/// A model of 32x32 px with patches of 8 px, 2 blocks and 5 classes, as model.safetensors and config.json in `folder`.
[[nodiscard]] Architecture tiny_architecture();
void write_tiny_model_folder(const std::filesystem::path& folder, std::uint64_t seed = 1);

/// 16 pictures of 48x40 px that differ little, so that a head on random features learns what a mark adds.
void write_pictures_alike(const std::filesystem::path& folder);

}  // namespace fovea::test
