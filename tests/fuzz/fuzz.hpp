// What each target of this folder is: one function that takes hostile bytes. The fuzzers and the replay test share it.
#pragma once

#include <cstddef>
#include <span>

namespace fovea::fuzz {

/// Whether the bytes are accepted. Refusing them means throwing fovea::Error inside; every other exception escapes,
/// and every broken promise of the result aborts.
[[nodiscard]] bool accepts(std::span<const std::byte> input);

/// Aborts, with the sentence on stderr: neither the fuzzer nor the sanitizers would see a wrong result.
void require(bool condition, const char* promise);

}  // namespace fovea::fuzz
