#include "fovea/prepare.hpp"

#include <utility>

#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"

namespace fovea {

PreparedImage prepare(const Image& image, const ModelInfo& model) {
  return prepare(image, model, image.size());
}

PreparedImage prepare(const Image& image, const ModelInfo& model, Size whole) {
  Preprocessed ready = preprocess(image, model.recipe, whole);
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
