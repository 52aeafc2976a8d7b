// What all writers share: bytes that really arrive, and numbers that read back as they were.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

namespace fovea {

/// Writes and flushes, so that a record is whole on the other side, or known not to be.
/// @throws Error  kOutput if the stream fails.
void emit(std::ostream& out, std::string_view text);

/// The shortest decimal that reads back as the same float: "0.452", not "0.45199999213218689".
[[nodiscard]] std::string shortest(float value);

}  // namespace fovea
