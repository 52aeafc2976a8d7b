#include "checkpoint/checkpoint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>

#include "base/numerics.hpp"
#include "fovea/error.hpp"

namespace fovea {

std::string_view name(DType dtype) noexcept {
  switch (dtype) {
    case DType::kF64: return "F64";
    case DType::kF32: return "F32";
    case DType::kF16: return "F16";
    case DType::kBF16: return "BF16";
    case DType::kI64: return "I64";
    case DType::kI32: return "I32";
    case DType::kI16: return "I16";
    case DType::kI8: return "I8";
    case DType::kU8: return "U8";
    case DType::kBool: return "BOOL";
  }
  return "?";
}

std::size_t item_size(DType dtype) noexcept {
  switch (dtype) {
    case DType::kF64:
    case DType::kI64: return 8;
    case DType::kF32:
    case DType::kI32: return 4;
    case DType::kF16:
    case DType::kBF16:
    case DType::kI16: return 2;
    case DType::kI8:
    case DType::kU8:
    case DType::kBool: return 1;
  }
  return 1;
}

std::size_t TensorView::numel() const noexcept {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::string shape_text(std::span<const std::size_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void to_float(const TensorView& tensor, std::span<float> out) {
  assert(out.size() == tensor.numel());
  // The file does not promise alignment: 16-bit values are copied out in blocks before they are converted.
  constexpr std::size_t kBlock = 4096;
  const auto convert_16_bit = [&](void (*convert)(std::span<const std::uint16_t>, std::span<float>)) {
    std::uint16_t block[kBlock];
    for (std::size_t at = 0; at < out.size(); at += kBlock) {
      const std::size_t count = std::min(kBlock, out.size() - at);
      std::memcpy(block, tensor.bytes.data() + at * 2, count * 2);
      convert({block, count}, out.subspan(at, count));
    }
  };
  switch (tensor.dtype) {
    case DType::kF32:
      if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), out.size_bytes());
      return;
    case DType::kF64:
      for (std::size_t i = 0; i < out.size(); ++i) {
        double value = 0;
        std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
        out[i] = static_cast<float>(value);
      }
      return;
    case DType::kF16: return convert_16_bit(half_to_float);
    case DType::kBF16: return convert_16_bit(bfloat16_to_float);
    default:
      throw Error(ErrorCode::kCheckpoint, fmt::format("tensor '{}' is {}, expected floating point (F64 F32 F16 BF16)",
                                                      tensor.name, name(tensor.dtype)));
  }
}

std::vector<float> to_float(const TensorView& tensor) {
  std::vector<float> values(tensor.numel());
  to_float(tensor, values);
  return values;
}

const TensorView* Checkpoint::find(std::string_view name) const noexcept {
  const auto all = tensors();
  const auto at = std::lower_bound(all.begin(), all.end(), name,
                                   [](const TensorView& tensor, std::string_view key) { return tensor.name < key; });
  return at != all.end() && at->name == name ? &*at : nullptr;
}

}  // namespace fovea
