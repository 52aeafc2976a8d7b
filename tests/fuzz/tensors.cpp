#include "fuzz/tensors.hpp"

#include "fuzz/fuzz.hpp"

namespace fovea::fuzz {
namespace {

bool is_float(DType dtype) {
  return dtype == DType::kF64 || dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

}  // namespace

void read_all(const Checkpoint& checkpoint) {
  const TensorView* previous = nullptr;
  for (const TensorView& tensor : checkpoint.tensors()) {
    require(previous == nullptr || previous->name < tensor.name, "tensors are sorted, and no name is there twice");
    require(checkpoint.find(tensor.name) == &tensor, "find() finds each tensor by its name");
    require(tensor.strides.empty() || tensor.strides.size() == tensor.shape.size(), "there is a stride for each axis");
    std::size_t total = 0;
    unsigned touched = 0;
    visit_bytes(tensor, [&](std::span<const std::byte> run) {
      require(run.size() % item_size(tensor.dtype) == 0, "runs are of whole elements");
      for (const std::byte byte : run) touched += std::to_integer<unsigned>(byte);
      total += run.size();
    });
    require(total == tensor.stored_bytes(), "a tensor's bytes fit its shape");
    require(touched <= total * 255U, "every byte can be read");
    if (is_float(tensor.dtype)) require(to_float(tensor).size() == tensor.numel(), "there is a float for each element");
    previous = &tensor;
  }
}

}  // namespace fovea::fuzz
