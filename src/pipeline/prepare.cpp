#include "fovea/prepare.hpp"

#include <utility>

#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"
#include "pipeline/prepare_view.hpp"

namespace fovea {

PreparedImage prepare(const Image& image, const ModelInfo& model) {
  return prepare(image, model, image.size());
}

PreparedImage prepare(const Image& image, const ModelInfo& model, Size whole) {
  return prepare_view(image, model, whole, {});
}

bool cuts_off(const PreprocessRecipe& recipe) {
  constexpr Size kWide{300, 600};
  const Size resized = resized_size(kWide, recipe);
  const Size fed = fed_size(kWide, recipe);
  return recipe.center_crop && (resized.height > fed.height || resized.width > fed.width);
}

PreparedImage prepare_view(const Image& image, const ModelInfo& model, Size whole, const View& view) {
  Preprocessed ready = preprocess(image, model.recipe, whole, view);
  const Architecture& architecture = model.architecture;
  PreparedImage prepared;
  const bool own_size = architecture.max_patches > 0;
  prepared.grid = own_size ? patch_grid(ready.pixels.size(), architecture.patch_size) : architecture.grid();
  prepared.patches.resize(prepared.grid.size() * architecture.patch_dim());
  extract_patches(ready, model.recipe, architecture.patch_size, prepared.patches);
  prepared.geometry = ready.geometry;
  prepared.network_input = std::move(ready.pixels);
  return prepared;
}

}  // namespace fovea
