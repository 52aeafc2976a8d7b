#include "fuzz/scratch_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/fuzz.hpp"

namespace fovea::fuzz {

ScratchFile::ScratchFile(std::span<const std::byte> content) : descriptor_(::memfd_create("fovea_fuzz", MFD_CLOEXEC)) {
  require(descriptor_ >= 0, "memfd_create gives a file");
  require(::write(descriptor_, content.data(), content.size()) == static_cast<ssize_t>(content.size()),
          "the scratch file takes all bytes");
}

ScratchFile::~ScratchFile() {
  ::close(descriptor_);
}

std::filesystem::path ScratchFile::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor_);
}

}  // namespace fovea::fuzz
