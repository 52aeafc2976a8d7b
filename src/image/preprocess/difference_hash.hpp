// A fingerprint of what a picture looks like.
#pragma once

#include <cstdint>

#include "fovea/image.hpp"

namespace fovea {

/// The difference hash (dHash, Krawetz 2013): the picture's brightness in 9 x 8 cells, and of each cell but the last of
/// a row whether the next one is brighter. Copies in another size or quality differ in few of the 64 bits.
[[nodiscard]] std::uint64_t difference_hash(const Image& picture);

}  // namespace fovea
