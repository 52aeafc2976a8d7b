// From a picture to what a Session reads.
#pragma once

#include <vector>

#include "fovea/image.hpp"
#include "fovea/model.hpp"

namespace fovea {

struct PreparedImage {
  std::vector<float> patches;  // [T, 3·P·P], normalised; each patch channel-major (3, P, P)
  PatchGrid grid;              // of the patches
  CropGeometry geometry;       // where the network's input lies in the picture
  Image network_input;         // the pixels before normalisation
};

/// Resizes, crops or pads, normalises and cuts into patches, as the model's recipe says. The patches of a model that
/// feeds each picture at a size of its own are for VisionTransformer::at(network_input.size()).
/// @code
///   const auto model = fovea::VisionTransformer::load("weights/vit_tiny_tin200");
///   fovea::Session session(model, 1);
///   const fovea::Logits logits =
///       session.run(fovea::prepare(fovea::read_image("cat.jpg"), model->info()).patches).front();
/// @endcode
/// @throws Error  kShape where the recipe cannot handle a picture of this size.
[[nodiscard]] PreparedImage prepare(const Image& image, const ModelInfo& model);
/// The same for a picture that was decoded smaller than it is.
/// @param whole  px, its own size: the geometry is that of the whole picture
[[nodiscard]] PreparedImage prepare(const Image& image, const ModelInfo& model, Size whole);

}  // namespace fovea
