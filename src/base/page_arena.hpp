// Memory for what is written once and kept: packed weights.
#pragma once

#include <cstddef>
#include <memory>

namespace fovea {

/// `size` bytes on a cache line's boundary, zeroed. Neighbours in time are neighbours in memory, in regions for which
/// the kernel is asked for pages of 2 MB: 23 MB of weights are then 12 faults at start in place of 5,600, and a core
/// that streams them never waits for a page's address. A region lives as long as any part of it is held.
/// @throws std::bad_alloc
[[nodiscard]] std::shared_ptr<std::byte> take_pages(std::size_t size);

}  // namespace fovea
