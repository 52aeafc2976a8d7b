// A whole checkpoint file: its header decides where tensors lie.
#include "fuzz/fuzz.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/tensors.hpp"

namespace fovea::fuzz {

bool accepts(std::span<const std::byte> input) {
  const ScratchFile file(input);
  return accepts_checkpoint(file.path(), [&](const Checkpoint& checkpoint) {
    // Archives are the business of other targets.
    require(stored_bytes(checkpoint) <= input.size() || checkpoint.format() != "safetensors",
            "tensors hold no more bytes than the file");
  });
}

}  // namespace fovea::fuzz
