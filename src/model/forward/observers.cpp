#include "model/forward/observers.hpp"

#include <algorithm>

namespace fovea {

void Observers::after(const LayerCall& layer) {
  switch (layer.kind) {
    case LayerKind::kPatchEmbed:
      if (request_.tokens) show_tokens(layer.image, 0, layer.out);
      break;
    case LayerKind::kAttention:
      if (request_.attention) show_attention(layer);
      break;
    case LayerKind::kTokenReduction:
      for (std::size_t image = 0; request_.reduced && image < reducer_->images(); ++image) {
        request_.reduced(image, reducer_->map(image).seen_after(layer.block));
      }
      break;
    case LayerKind::kReadOut:
      if (request_.pool_attention && !layer.attention.empty()) {
        const std::size_t heads = a_.pool_heads();
        request_.pool_attention(layer.image, {layer.attention, heads, layer.attention.size() / heads});
      }
      break;
    default: break;
  }
  if (!layer.ends_block || layer.leading_only || !request_.tokens) return;
  const std::size_t size = (reducer_ != nullptr ? reducer_->tokens() : a_.tokens()) * a_.embed_dim;  // N·D
  for (std::size_t image = 0; image < layer.out.size() / size; ++image) {
    show_tokens(image, layer.block + 1, layer.out.subspan(image * size, size));
  }
}

void Observers::show_attention(const LayerCall& layer) {
  std::span<const float> attention = layer.attention;  // [H, N, N], or fused [N, N]
  const std::size_t matrix = a_.tokens() * a_.tokens();
  if (reducer_ != nullptr) {
    const std::span<float> whole = room(a_.num_heads * matrix);
    reducer_->map(layer.image).unmerge_attention(a_.num_heads, attention, whole);  // [H, N', N'] → [H, N, N]
    attention = whole;
  }
  request_.attention(layer.image, {layer.block, attention.size() / matrix, a_.tokens(), attention});
}

void Observers::show_tokens(std::size_t image, std::size_t block, std::span<const float> tokens) {
  if (reducer_ != nullptr) {
    const std::span<float> whole = room(a_.tokens() * a_.embed_dim);
    reducer_->map(image).unmerge_tokens(a_.embed_dim, tokens, whole);  // [N', D] → [N, D]
    tokens = whole;
  }
  request_.tokens(image, block, {tokens, a_.tokens(), a_.embed_dim});
}

std::span<float> Observers::room(std::size_t values) {
  if (room_.size() < values) room_ = AlignedBuffer<float>(values);
  return room_.first(values);
}

}  // namespace fovea
