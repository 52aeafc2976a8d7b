// What is inside a VisionTransformer, for src/model only.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fovea/model.hpp"
#include "model/relevance/weights.hpp"
#include "model/weights/weights.hpp"

namespace fovea {

/// Weights that few runs need: read at first use, by the first thread that asks.
template <typename Weights>
class LazyWeights {
 public:
  explicit LazyWeights(std::function<Weights()> read) : read_(std::move(read)) {}
  [[nodiscard]] const Weights& operator()() const {
    std::call_once(done_, [this] { weights_ = read_(); });
    return weights_;
  }

 private:
  std::function<Weights()> read_;
  mutable std::once_flag done_;
  mutable Weights weights_;
};

/// What does not depend on the size that pictures are fed at.
struct SharedWeights {
  /// @param read  calls a function with the source of the weights and gives what it returns; for any thread
  template <typename Read>
  SharedWeights(const Architecture& a, Precision precision, const Read& read)
      : backward_weights([a, precision, read] {
          return read([&](const TensorSource& source) {
            return pack_backward_weights(a, backward_precision(precision), source);
          });
        }),
        value_weights([a, precision, read] {
          return read(
              [&](const TensorSource& source) { return pack_value_weights(a, backward_precision(precision), source); });
        }),
        pixel_weights([a, precision, read] {
          return read([&](const TensorSource& source) { return pack_pixel_weights(a, kPatchEmbedPrecision, source); });
        }),
        absolute_weights([a, precision, read] {
          return read([&](const TensorSource& source) {
            return pack_absolute_weights(a, backward_precision(precision), source);
          });
        }),
        relevance_weights([a, read] {
          return read([&](const TensorSource& source) { return read_relevance_weights(a, source); });
        }) {}

  ModelWeights weights;
  LazyWeights<ModelWeights> backward_weights;
  LazyWeights<ValueWeights> value_weights;          // for libra's backward pass
  LazyWeights<PixelWeights> pixel_weights;          // for gradients of pixels
  LazyWeights<AbsoluteWeights> absolute_weights;    // for LRP-γ
  LazyWeights<RelevanceWeights> relevance_weights;  // in double
};

struct VisionTransformer::Impl {
  Impl(ModelInfo model, std::shared_ptr<const SharedWeights> weights)
      : info(std::move(model)),
        shared(std::move(weights)),
        pos_embed(positions_at(info.architecture, shared->weights.pos_embed)) {}

  ModelInfo info;
  std::shared_ptr<const SharedWeights> shared;
  std::vector<float> pos_embed;                    // [T, D], of the patches; empty: none
  std::shared_ptr<const VisionTransformer> quick;  // of a cascade
};

/// Before anything is made for one size.
/// @throws Error  kUsage for a model that feeds each picture at a size of its own.
void require_one_size(const ModelInfo& model);

/// The door to it.
struct ModelAccess {
  using Impl = VisionTransformer::Impl;
  [[nodiscard]] static const Impl& impl(const VisionTransformer& model) noexcept { return *model.impl_; }
  [[nodiscard]] static std::shared_ptr<const VisionTransformer> make(std::unique_ptr<Impl> impl) {
    return std::shared_ptr<const VisionTransformer>(new VisionTransformer(std::move(impl)));
  }
};

}  // namespace fovea
