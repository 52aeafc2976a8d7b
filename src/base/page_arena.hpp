// Memory for packed weights, which are written once and kept.
#pragma once

#include <cstddef>
#include <memory>

namespace fovea {

/// Returns `size` zeroed bytes aligned to a cache line. Successive calls get adjacent memory, in regions for which the
/// kernel is asked for pages of 2 MB: 23 MB of weights then cost 12 page faults at start instead of 5,600, and a core
/// that streams them never waits for an address translation. A region lives as long as any part of it is held.
/// @throws std::bad_alloc
[[nodiscard]] std::shared_ptr<std::byte> take_pages(std::size_t size);

}  // namespace fovea
