// The sizes that the less common formats claim in their headers, read without decoding anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fovea {

struct ClaimedSize {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
};

struct OtherFormat {
  std::string_view name;
  bool (*recognises)(std::span<const std::byte> file);
  /// None where the header is cut short or makes no sense.
  std::optional<ClaimedSize> (*size)(std::span<const std::byte> file);
};

/// nullptr for a file of none of them.
[[nodiscard]] const OtherFormat* other_format(std::span<const std::byte> file);

}  // namespace fovea
