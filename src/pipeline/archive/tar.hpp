// Tar archives, read by offset: which files one holds, and where their bytes lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fovea {

struct TarMember {
  std::string name;          // as it is stored; any bytes
  std::uint64_t offset = 0;  // of its content in the archive, bytes
  std::uint64_t bytes = 0;
  std::string refused = {};  // why its content does not lie there: "is a link"; empty for a regular file
};

struct TarListing {
  std::vector<TarMember> members;  // in the archive's order; folders and devices are left out
  std::string damage;              // "is cut short: …", after the members before it; empty where the archive is whole
};

/// Reads the formats v7, ustar, GNU and pax (POSIX.1-2017, pax, "ustar Interchange Format"), as far as they are about
/// regular files: long names, sizes above 8 GB. Links and sparse files are members that are refused.
/// @param archive  not compressed; of a mapped file only the headers are touched
[[nodiscard]] TarListing list_tar(std::span<const std::byte> archive);

}  // namespace fovea
