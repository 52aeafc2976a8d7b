// A whole zip archive of arrays: directory, members' headers, DEFLATE streams, .npy headers.
#include "fuzz/fuzz.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/tensors.hpp"

namespace fovea::fuzz {

bool accepts(std::span<const std::byte> input) {
  const ScratchFile file(input);
  return accepts_checkpoint(file.path(), [&](const Checkpoint& checkpoint) {
    require(stored_bytes(checkpoint) / 1032 <= input.size(),
            "tensors hold no more bytes than DEFLATE can pack into the file");
  });
}

}  // namespace fovea::fuzz
