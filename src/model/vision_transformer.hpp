// The inside of VisionTransformer, for this layer's own files.
#pragma once

#include <functional>
#include <mutex>

#include "fovea/model.hpp"
#include "model/weights.hpp"

namespace fovea {

struct VisionTransformer::Impl {
  ModelInfo info;
  Precision precision = Precision::kF32;
  ModelWeights weights;
  std::function<ModelWeights()> pack_backward;  // reads the checkpoint again: few runs need it

  /// Packed at first use, by whoever comes first.
  [[nodiscard]] const ModelWeights& backward_weights() const {
    std::call_once(backward_packed_, [this] { backward_ = pack_backward(); });
    return backward_;
  }

 private:
  mutable std::once_flag backward_packed_;
  mutable ModelWeights backward_;
};

}  // namespace fovea
