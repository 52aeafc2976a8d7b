#include "checkpoint/checkpoint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>

#include "base/numerics.hpp"
#include "checkpoint/formats/zip_archive.hpp"
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
    case DType::kU64: return "U64";
    case DType::kU32: return "U32";
    case DType::kU16: return "U16";
    case DType::kU8: return "U8";
    case DType::kBool: return "BOOL";
  }
  return "?";
}

std::size_t item_size(DType dtype) noexcept {
  switch (dtype) {
    case DType::kF64:
    case DType::kI64:
    case DType::kU64: return 8;
    case DType::kF32:
    case DType::kI32:
    case DType::kU32: return 4;
    case DType::kF16:
    case DType::kBF16:
    case DType::kI16:
    case DType::kU16: return 2;
    case DType::kI8:
    case DType::kU8:
    case DType::kBool: return 1;
  }
  return 1;
}

std::size_t TensorView::numel() const noexcept {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

namespace {

/// Visits the elements in row-major order, in runs of up to kRun.
void visit_strided(const TensorView& tensor, std::span<const std::byte> bytes,
                   const std::function<void(std::span<const std::byte>)>& visit) {
  constexpr std::size_t kRun = 8192;
  const std::size_t item = item_size(tensor.dtype);
  std::vector<std::byte> run;
  run.reserve(kRun * item);
  std::vector<std::size_t> index(tensor.shape.size(), 0);
  std::size_t at = 0;  // position of the element at `index`
  for (std::size_t left = tensor.numel(); left > 0; --left) {
    const auto element = bytes.subspan(at * item, item);
    run.insert(run.end(), element.begin(), element.end());
    if (run.size() == kRun * item || left == 1) {
      visit(run);
      run.clear();
    }
    for (std::size_t axis = index.size(); axis-- > 0;) {
      at += tensor.strides[axis];
      if (++index[axis] < tensor.shape[axis]) break;
      at -= tensor.strides[axis] * tensor.shape[axis];
      index[axis] = 0;
    }
  }
}

// The file does not guarantee alignment, so values are copied before they are converted.
void f32_to_float(std::span<const std::byte> in, std::span<float> out) {
  std::memcpy(out.data(), in.data(), out.size_bytes());
}

void f64_to_float(std::span<const std::byte> in, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    double value = 0;
    std::memcpy(&value, in.data() + i * sizeof value, sizeof value);
    out[i] = static_cast<float>(value);
  }
}

template <void (*Convert)(std::span<const std::uint16_t>, std::span<float>)>
void f16_to_float(std::span<const std::byte> in, std::span<float> out) {
  constexpr std::size_t kBlock = 4096;
  std::array<std::uint16_t, kBlock> block{};
  for (std::size_t at = 0; at < out.size(); at += kBlock) {
    const std::size_t count = std::min(kBlock, out.size() - at);
    std::memcpy(block.data(), in.data() + at * 2, count * 2);
    Convert({block.data(), count}, out.subspan(at, count));
  }
}

auto float_converter(const TensorView& tensor) -> void (*)(std::span<const std::byte>, std::span<float>) {
  switch (tensor.dtype) {
    case DType::kF64: return f64_to_float;
    case DType::kF32: return f32_to_float;
    case DType::kF16: return f16_to_float<half_to_float>;
    case DType::kBF16: return f16_to_float<bfloat16_to_float>;
    default:
      throw Error(ErrorCode::kCheckpoint, fmt::format("tensor '{}' is {}, expected floating point (F64 F32 F16 BF16)",
                                                      tensor.name, name(tensor.dtype)));
  }
}

}  // namespace

std::string shape_text(std::span<const std::size_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void visit_bytes(const TensorView& tensor, const std::function<void(std::span<const std::byte>)>& visit) {
  if (tensor.numel() == 0) return;
  std::vector<std::byte> inflated;
  std::span<const std::byte> bytes = tensor.bytes;
  if (tensor.deflated != nullptr) {
    inflated = read_member(*tensor.deflated);
    bytes = std::span(inflated).subspan(tensor.deflated_offset);
  }
  if (tensor.strides.empty()) {
    visit(bytes.first(tensor.stored_bytes()));
  } else {
    visit_strided(tensor, bytes, visit);
  }
}

void to_float(const TensorView& tensor, std::span<float> out) {
  assert(out.size() == tensor.numel());
  const auto convert = float_converter(tensor);
  visit_bytes(tensor, [&](std::span<const std::byte> run) {
    const std::size_t count = run.size() / item_size(tensor.dtype);
    convert(run, out.first(count));
    out = out.subspan(count);
  });
}

std::vector<float> to_float(const TensorView& tensor) {
  std::vector<float> values(tensor.numel());
  to_float(tensor, values);
  return values;
}

std::span<const float> floats_in_place(const TensorView& tensor) noexcept {
  if (tensor.dtype != DType::kF32 || !tensor.strides.empty() || tensor.deflated != nullptr) return {};
  const void* const first = tensor.bytes.data();
  if (reinterpret_cast<std::uintptr_t>(first) % alignof(float) != 0) return {};
  return {static_cast<const float*>(first), tensor.numel()};
}

const TensorView* Checkpoint::find(std::string_view name) const noexcept {
  const auto all = tensors();
  const auto at = std::lower_bound(all.begin(), all.end(), name,
                                   [](const TensorView& tensor, std::string_view key) { return tensor.name < key; });
  return at != all.end() && at->name == name ? &*at : nullptr;
}

}  // namespace fovea
