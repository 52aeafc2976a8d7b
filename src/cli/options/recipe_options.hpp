// The flags that change a model's preprocessing, and the recipe as JSON.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json_text.hpp"
#include "fovea/image.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace fovea::cli {

/// As typed; empty is not given.
struct RecipeFlags {
  std::string preprocess = "auto";
  bool test_size = false;
  std::string crop_pct;
  std::string resize_size;
  std::string crop_size;
  std::string crop_mode;
  std::string interpolation;
  std::string mean;
  std::string std;
  std::string pillow_compat;
};
/// --preprocess, --test-size, --crop-pct, --resize-size, --crop-size, --crop-mode, --interpolation, --mean, --std,
/// --pillow-compat.
void add_recipe_options(CLI::App& app, RecipeFlags& flags);
/// @throws Error  kUsage for a value that is no number, size or name.
[[nodiscard]] RecipeOptions recipe_options(const RecipeFlags& flags);
/// The flags that were given, by name: for summary.json.
[[nodiscard]] std::map<std::string, std::string> option_texts(const RecipeFlags& flags);

/// "240x320" (height x width) or "224" for both.
/// @throws Error  kUsage, naming `flag`.
[[nodiscard]] Size parse_size(std::string_view flag, const std::string& text);

[[nodiscard]] JsonObject recipe_json(const PreprocessRecipe& recipe, std::string_view source);

}  // namespace fovea::cli
