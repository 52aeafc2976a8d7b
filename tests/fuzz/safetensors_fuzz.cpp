// A whole checkpoint file: its header decides where tensors lie.
#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/scratch_file.hpp"

namespace fovea::fuzz {

bool accepts(std::span<const std::byte> input) {
  const ScratchFile file(input);
  try {
    const auto checkpoint = open_checkpoint(file.path());
    std::size_t total = 0;
    unsigned touched = 0;
    for (const TensorView& tensor : checkpoint->tensors()) {
      require(tensor.numel() * item_size(tensor.dtype) == tensor.bytes.size(), "a tensor's bytes fit its shape");
      for (const std::byte byte : tensor.bytes) touched += std::to_integer<unsigned>(byte);
      total += tensor.bytes.size();
      require(checkpoint->find(tensor.name) == &tensor, "find() finds each tensor by its name");
    }
    require(total <= input.size(), "tensors hold no more bytes than the file");
    require(touched <= total * 255U, "every byte can be read");
    return true;
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kCheckpoint, "a damaged checkpoint is a checkpoint error");
    return false;
  }
}

}  // namespace fovea::fuzz
