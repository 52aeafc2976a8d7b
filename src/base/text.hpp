// Helpers for strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// The candidate nearest to `word` by edit distance; none if more than a third of the word would have to change.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);
/// "did you mean 'X'?" if a candidate is near, else "one of A, B, C".
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// Natural order: "img2" before "img10"; ties are broken byte by byte, so the order is total.
[[nodiscard]] bool natural_less(std::string_view a, std::string_view b);

[[nodiscard]] bool is_utf8(std::string_view bytes);
/// Replaces each byte that is not part of a well-formed sequence by U+FFFD.
[[nodiscard]] std::string to_utf8(std::string_view bytes);
[[nodiscard]] std::string base64(std::string_view bytes);
[[nodiscard]] std::string base64(std::span<const std::byte> bytes);
/// Two lower-case digits for each byte.
[[nodiscard]] std::string hex_text(std::span<const std::uint8_t> bytes);
[[nodiscard]] std::string to_lower(std::string_view text);

}  // namespace fovea
