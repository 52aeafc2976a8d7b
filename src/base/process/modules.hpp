// Modules: shared objects of fovea's own, each linked with a library that only some runs need and that drags others
// along. A module is loaded when it is first used.
#pragma once

#include <string>
#include <string_view>

namespace fovea {

/// What a module is linked with, as the system that built it has it.
struct ModuleLibrary {
  std::string_view soname;   // "libtiff.so.6"
  std::string_view package;  // "libtiff6"; empty where no Debian built it
};

/// What to do where a module's library is missing or of another version.
/// @param use       "TIFF is read by"
/// @param built_on  "Debian 12": packages of other releases have other names
[[nodiscard]] std::string library_hint(std::string_view use, const ModuleLibrary& library, std::string_view built_on);

/// The one function of a module, from the first of the places that has it: lib/fovea beside the program or below the
/// library, or where it was to be installed. The module stays loaded until the end. Any thread may call this.
/// @param file     "fovea_tiff.so"
/// @param symbol   of the function; a module of another version lacks it
/// @param hint     says where the library comes from
/// @throws Error   kBackend where the module or its library is missing.
[[nodiscard]] void* module_function(const char* file, const char* symbol, const std::string& hint);

}  // namespace fovea
