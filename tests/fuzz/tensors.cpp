#include "fuzz/tensors.hpp"

#include "fovea/error.hpp"
#include "fuzz/fuzz.hpp"

namespace fovea::fuzz {
namespace {

bool is_float(DType dtype) {
  return dtype == DType::kF64 || dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

}  // namespace

bool accepts_checkpoint(const std::filesystem::path& file, const std::function<void(const Checkpoint&)>& promise) {
  try {
    const auto checkpoint = open_checkpoint(file);
    promise(*checkpoint);
    read_all(*checkpoint);
    return true;
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kCheckpoint, "a damaged checkpoint is a checkpoint error");
    return false;
  }
}

std::size_t stored_bytes(const Checkpoint& checkpoint) {
  std::size_t total = 0;
  for (const TensorView& tensor : checkpoint.tensors()) total += tensor.stored_bytes();
  return total;
}

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
