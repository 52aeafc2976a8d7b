// Files for tests of the pipeline and the program: pictures of any size, a tiny model, text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "fovea/architecture.hpp"

namespace fovea::test {

/// A smooth picture; another `shade` is another picture.
void write_picture(const std::filesystem::path& path, int height, int width, int shade = 0);
void write_text(const std::filesystem::path& path, std::string_view text);
[[nodiscard]] std::string read_text(const std::filesystem::path& path);
/// 32x32 px, patches of 8 px, 2 blocks, 5 classes: a model.safetensors and a config.json in `folder`.
[[nodiscard]] Architecture tiny_architecture();
void write_tiny_model_folder(const std::filesystem::path& folder, std::uint64_t seed = 1);

}  // namespace fovea::test
