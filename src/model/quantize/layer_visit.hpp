// A hook that is told of the linear layers alone.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "model/forward/forward_hook.hpp"
#include "model/weights/block_layers.hpp"

namespace fovea {

[[nodiscard]] inline std::optional<BlockLayer> block_layer(LayerKind kind) {
  switch (kind) {
    case LayerKind::kQkv: return BlockLayer::kQkv;
    case LayerKind::kProj: return BlockLayer::kProj;
    case LayerKind::kFc1: return BlockLayer::kFc1;
    case LayerKind::kFc2: return BlockLayer::kFc2;
    default: return std::nullopt;
  }
}

/// Shows each linear layer of the blocks when it is done: what it read, and the tokens that proj and fc2 added to,
/// which may be changed.
class LayerVisit final : public ForwardHook {
 public:
  using Visit =
      std::function<void(std::size_t block, BlockLayer kind, std::span<const float> in, std::span<float> out)>;
  explicit LayerVisit(Visit visit) : visit_(std::move(visit)) {}
  void after(const LayerCall& layer) override {
    if (const auto kind = block_layer(layer.kind)) visit_(layer.block, *kind, layer.in, layer.out);
  }

 private:
  Visit visit_;
};

}  // namespace fovea
