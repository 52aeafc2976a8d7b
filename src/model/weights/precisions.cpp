// The precision of each part of a model, and of each layer of a block.
#include "model/weights/weights.hpp"

namespace fovea {

const nn::LinearWeights& linear_of(const EncoderBlockWeights& block, BlockLayer layer) noexcept {
  switch (layer) {
    case BlockLayer::kQkv: return *block.qkv;
    case BlockLayer::kProj: return *block.proj;
    case BlockLayer::kFc1: return *block.fc1;
    case BlockLayer::kFc2: break;
  }
  return *block.fc2;
}

Precision attention_precision(Precision precision) {
  const bool rounded = precision == Precision::kBf16 || precision == Precision::kInt8;
  return rounded && has_units(Precision::kBf16) ? Precision::kBf16 : Precision::kF32;
}

Precision read_out_precision(Precision precision) {
  if (precision == Precision::kBf16x3) return Precision::kBf16x6;
  return precision == Precision::kBf16 || precision == Precision::kInt8 ? fastest_full_precision() : precision;
}

Precision backward_precision(Precision precision) {
  return precision == Precision::kBf16 || precision == Precision::kInt8 ? Precision::kF32 : precision;
}

}  // namespace fovea
