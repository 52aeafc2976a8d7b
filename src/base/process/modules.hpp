// Modules: shared objects of fovea's own, each linked with a library that only some runs need and that drags others
// along. A module is loaded when it is first used.
#pragma once

#include <string>

namespace fovea {

/// The one function of a module, from the first of the places that has it: lib/fovea beside the program or below the
/// library, or where it was to be installed. The module stays loaded until the end. Any thread may call this.
/// @param file     "fovea_tiff.so"
/// @param symbol   of the function; a module of another version lacks it
/// @param hint     says where the library comes from
/// @throws Error   kBackend where the module or its library is missing.
[[nodiscard]] void* module_function(const char* file, const char* symbol, const std::string& hint);

}  // namespace fovea
