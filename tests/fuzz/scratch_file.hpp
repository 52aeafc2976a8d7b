// Bytes as a file that has a path, without touching a disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace fovea::fuzz {

class ScratchFile {
 public:
  explicit ScratchFile(std::span<const std::byte> content);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  [[nodiscard]] std::filesystem::path path() const;

 private:
  int descriptor_;
};

}  // namespace fovea::fuzz
