// What is promised of every checkpoint that is accepted.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>

#include "checkpoint/checkpoint.hpp"

namespace fovea::fuzz {

/// Opens a file and reads all of it; aborts where a promise is broken or the refusal is no checkpoint error.
/// @param promise  what else is checked of a checkpoint that is accepted
/// @return         whether it was
[[nodiscard]] bool accepts_checkpoint(const std::filesystem::path& file,
                                      const std::function<void(const Checkpoint&)>& promise);

/// The bytes of all tensors together.
[[nodiscard]] std::size_t stored_bytes(const Checkpoint& checkpoint);

/// Reads all tensors in every way there is; aborts where a promise is broken.
/// @throws Error  if a deflated member is damaged, which shows only now.
void read_all(const Checkpoint& checkpoint);

}  // namespace fovea::fuzz
