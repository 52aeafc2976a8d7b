// What is inside a VisionTransformer, for src/model only.
#pragma once

#include <functional>
#include <mutex>

#include "fovea/model.hpp"
#include "model/relevance/weights.hpp"
#include "model/weights/weights.hpp"

namespace fovea {

struct VisionTransformer::Impl {
  ModelInfo info;
  ModelWeights weights;
  std::function<ModelWeights()> pack_backward;       // reads the checkpoint again: few runs need it
  std::function<RelevanceWeights()> read_relevance;  // likewise

  /// Packed at first use, by the first thread that asks.
  [[nodiscard]] const ModelWeights& backward_weights() const {
    std::call_once(backward_packed_, [this] { backward_ = pack_backward(); });
    return backward_;
  }
  /// In double; read at first use, by the first thread that asks.
  [[nodiscard]] const RelevanceWeights& relevance_weights() const {
    std::call_once(relevance_read_, [this] { relevance_ = read_relevance(); });
    return relevance_;
  }

 private:
  mutable std::once_flag backward_packed_;
  mutable ModelWeights backward_;
  mutable std::once_flag relevance_read_;
  mutable RelevanceWeights relevance_;
};

/// The door to it.
struct ModelAccess {
  using Impl = VisionTransformer::Impl;
  [[nodiscard]] static const Impl& impl(const VisionTransformer& model) noexcept { return *model.impl_; }
};

}  // namespace fovea
