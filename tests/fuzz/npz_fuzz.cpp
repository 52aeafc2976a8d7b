// A whole zip archive of arrays: directory, members' headers, DEFLATE streams, .npy headers.
#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/tensors.hpp"

namespace fovea::fuzz {

bool accepts(std::span<const std::byte> input) {
  const ScratchFile file(input);
  try {
    const auto checkpoint = open_checkpoint(file.path());
    std::size_t total = 0;
    for (const TensorView& tensor : checkpoint->tensors()) total += tensor.stored_bytes();
    require(total / 1032 <= input.size(), "tensors hold no more bytes than DEFLATE can pack into the file");
    read_all(*checkpoint);
    return true;
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kCheckpoint, "a damaged checkpoint is a checkpoint error");
    return false;
  }
}

}  // namespace fovea::fuzz
