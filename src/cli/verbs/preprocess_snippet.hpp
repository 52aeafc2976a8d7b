// Python that does to a picture, with the user's own libraries, what fovea did.
#pragma once

#include <filesystem>
#include <string>

#include "fovea/image.hpp"
#include "model/recipe/recipe.hpp"

namespace fovea::cli {

/// A script that prints the SHA-256 of the pixels and of the input as `doctor` does. It reads the model's own files
/// with timm or transformers where the recipe is theirs unchanged, and spells the steps out otherwise.
/// @param exif  what was done with the picture's orientation.
/// @return      empty for steps that no library has together.
[[nodiscard]] std::string preprocess_snippet(const ResolvedRecipe& resolved, const std::filesystem::path& image,
                                             ExifMode exif);

}  // namespace fovea::cli
