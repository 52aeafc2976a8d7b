// The only file that is compiled with the names of folders: the objects of all others can be shared by several clones.
#include "support/shared.hpp"

#include <cstdlib>

namespace fovea::test {

std::filesystem::path shared_dir() {
  if (const char* set = std::getenv("FOVEA_SHARED")) return set;
  return source_dir().parent_path() / "shared";
}

std::filesystem::path source_dir() {
  return FOVEA_SOURCE_DIR;
}

std::filesystem::path program_path() {
  return FOVEA_PROGRAM;
}

std::filesystem::path faults_path() {
  return FOVEA_FAULTS;
}

std::string_view sanitizers() {
  return FOVEA_SANITIZERS;
}

}  // namespace fovea::test
