// A tar archive: its headers decide where members lie.
#include <cstdint>

#include "fuzz/fuzz.hpp"
#include "pipeline/archive/tar.hpp"

namespace fovea::fuzz {

bool accepts(std::span<const std::byte> input) {
  const TarListing listing = list_tar(input);
  std::uint64_t end = 0;
  for (const TarMember& member : listing.members) {
    require(member.offset >= end, "members come one after the other");
    require(member.offset <= input.size() && member.bytes <= input.size() - member.offset,
            "members lie in the archive");
    end = member.offset + member.bytes;
  }
  return listing.damage.empty();
}

}  // namespace fovea::fuzz
