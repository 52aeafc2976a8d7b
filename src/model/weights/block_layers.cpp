#include "model/weights/block_layers.hpp"

namespace fovea {

std::string_view name(BlockLayer layer) noexcept {
  switch (layer) {
    case BlockLayer::kQkv: return "attn.qkv";
    case BlockLayer::kProj: return "attn.proj";
    case BlockLayer::kFc1: return "mlp.fc1";
    case BlockLayer::kFc2: return "mlp.fc2";
  }
  return "?";
}

LayerSize size_of(BlockLayer layer, const Architecture& a) noexcept {
  switch (layer) {
    case BlockLayer::kQkv: return {3 * a.embed_dim, a.embed_dim};
    case BlockLayer::kProj: return {a.embed_dim, a.embed_dim};
    case BlockLayer::kFc1: return {a.fc1_dim(), a.embed_dim};
    case BlockLayer::kFc2: return {a.embed_dim, a.mlp_hidden_dim};
  }
  return {};
}

std::optional<Role> norm_before(BlockLayer layer, const Architecture& a) noexcept {
  if (a.norm_after || layer == BlockLayer::kProj || layer == BlockLayer::kFc2) return std::nullopt;
  return layer == BlockLayer::kQkv || a.parallel_mlp ? Role::kNorm1 : Role::kNorm2;
}

std::optional<Role> layer_scale_of(BlockLayer layer) noexcept {
  if (layer == BlockLayer::kProj) return Role::kLayerScale1;
  return layer == BlockLayer::kFc2 ? std::optional(Role::kLayerScale2) : std::nullopt;
}

std::vector<LayerPart> weight_parts(BlockLayer layer, const Architecture& a, const TensorSource& source) {
  using enum Role;
  const std::size_t width = a.embed_dim;
  const std::size_t hidden = a.mlp_hidden_dim;
  switch (layer) {
    case BlockLayer::kQkv:
      if (source.has(kQkv, Part::kWeight)) return {{kQkv, 0, 3 * width}};
      return {{kQuery, 0, width}, {kKey, width, width}, {kValue, 2 * width, width}};
    case BlockLayer::kProj: return {{kProj, 0, width}};
    case BlockLayer::kFc1:
      if (source.has(kFc1Gate, Part::kWeight)) return {{kFc1Gate, 0, hidden}, {kFc1, hidden, hidden}};
      return {{kFc1, 0, a.fc1_dim()}};
    case BlockLayer::kFc2: return {{kFc2, 0, width}};
  }
  return {};
}

std::vector<LayerPart> bias_parts(BlockLayer layer, const Architecture& a, const TensorSource& source) {
  using enum Role;
  std::vector<LayerPart> parts = weight_parts(layer, a, source);
  if (parts.front().role == kQkv) {
    const std::size_t width = a.embed_dim;
    parts.insert(parts.end(), {{kQuery, 0, width}, {kKey, width, width}, {kValue, 2 * width, width}});
  }
  std::erase_if(parts, [&](const LayerPart& part) { return !source.has(part.role, Part::kBias); });
  return parts;
}

}  // namespace fovea
