// What all writers share: checked output, and numbers that read back exactly.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

namespace fovea {

/// Writes and flushes, so that a record either arrives whole or raises an error.
/// @throws Error  kOutput if the stream fails.
void emit(std::ostream& out, std::string_view text);

/// The shortest decimal that reads back as the same float: "0.452", not "0.45199999213218689".
[[nodiscard]] std::string shortest(float value);

}  // namespace fovea
