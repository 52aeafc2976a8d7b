// What the network sees of another view of a picture.
#pragma once

#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "fovea/prepare.hpp"
#include "image/preprocess/view.hpp"

namespace fovea {

/// prepare(), for a view.
/// @throws Error  kShape.
[[nodiscard]] PreparedImage prepare_view(const Image& image, const ModelInfo& model, Size whole, const View& view);

/// Whether the recipe cuts anything off, at least from a picture of 2:1: else all crops are the same.
[[nodiscard]] bool cuts_off(const PreprocessRecipe& recipe);

}  // namespace fovea
