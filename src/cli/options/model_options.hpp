// The flags that override what a model's files say.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "cli/options/recipe_options.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "pipeline/tensor_images.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace fovea::cli {

struct ModelFlags {
  std::string image_size;  // as typed; empty is not given
  std::size_t heads = 0;   // 0: not given
  std::string precision = "auto";
  std::string weights;                     // empty: not given
  std::vector<std::string> ignore_config;  // dotted keys
  RecipeFlags recipe;
};
/// --image-size, --heads, --weights, --ignore-config, --precision and those of the recipe.
void add_model_options(CLI::App& app, ModelFlags& flags);
/// @param tensors  the pictures of --tensor, whose size the model is loaded for; may be null
/// @throws Error   kUsage for a malformed value, and for an --image-size that is not the tensor's.
[[nodiscard]] LoadOptions load_options(const ModelFlags& flags, const TensorImages* tensors = nullptr);

/// "224x224"; of a model that feeds each picture at a size of its own, the rule.
[[nodiscard]] std::string input_text(const Architecture& architecture);

/// The flags that were given, by name: for summary.json.
[[nodiscard]] std::map<std::string, std::string> option_texts(const ModelFlags& flags);
/// The resolved values, for the fingerprint of a run: another size, head count or recipe makes other rows.
/// @param cascade  whether the model was loaded as one
[[nodiscard]] std::map<std::string, std::string> resolved_texts(const ModelInfo& model, bool cascade);

}  // namespace fovea::cli
