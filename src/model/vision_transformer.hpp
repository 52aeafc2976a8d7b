// The inside of VisionTransformer, for this layer's own files.
#pragma once

#include "fovea/model.hpp"
#include "model/weights.hpp"

namespace fovea {

struct VisionTransformer::Impl {
  ModelInfo info;
  Precision precision = Precision::kF32;
  ModelWeights weights;
};

}  // namespace fovea
