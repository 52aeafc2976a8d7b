// Writes Python that prepares a picture with the user's own libraries exactly as fovea does.
#pragma once

#include <filesystem>
#include <string>

#include "fovea/image.hpp"
#include "model/recipe/recipe.hpp"

namespace fovea::cli {

/// A script that prints the SHA-256 of the pixels and of the input, as `doctor` does. If the recipe is timm's or
/// transformers' and unchanged, the script reads the model's own files with that library; otherwise it spells the steps
/// out.
/// @param exif  how the picture's orientation was handled.
/// @return      empty if no library has this combination of steps.
[[nodiscard]] std::string preprocess_snippet(const ResolvedRecipe& resolved, const std::filesystem::path& image,
                                             ExifMode exif);

}  // namespace fovea::cli
