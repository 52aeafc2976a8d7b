// What the options of the command line and of the API change of a recipe.
#pragma once

#include <string>

#include "fovea/image.hpp"
#include "model/recipe/recipe.hpp"

namespace fovea {

/// @throws Error  kUsage always.
[[noreturn]] void refuse_recipe(const std::string& message, const std::string& hint = {});

/// @throws Error  kUsage for sizes that contradict each other or that nothing can have.
void change_sizes(PreprocessRecipe& recipe, const RecipeOptions& options);
/// Interpolation, mean, deviation, Pillow's version.
/// @throws Error  kUsage for values that the recipe's pipeline cannot have.
void change_values(PreprocessRecipe& recipe, const RecipeOptions& options);
/// "changed by --crop-pct, --mean"; empty if nothing was.
[[nodiscard]] std::string recipe_changes(const RecipeOptions& options);

}  // namespace fovea
