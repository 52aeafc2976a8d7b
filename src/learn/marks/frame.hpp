// A frame of one colour around a picture: a border, or the bars of a letterbox.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "learn/marks/small_pictures.hpp"

namespace fovea::learn {

/// The constant rows and columns at each edge: top, right, bottom, left.
struct Frame {
  std::array<std::size_t, 4> width{};                   // px of the small picture; 0: that edge has none
  std::array<std::array<std::uint8_t, 3>, 4> colour{};  // of the edges that have one

  [[nodiscard]] std::size_t edges() const noexcept;  // that have one
};
/// Rows from the edge in are of the frame while at least kFlatShare of their pixels are within kFlatLevels of the
/// median colour of the outermost row. Where the frame ends the picture has to begin: in the row after next, at least
/// kRimShare of the pixels between the corners differ. A white background ends at the outline of what stands before it
/// and so is no frame. At most a quarter of the picture is a frame.
/// @param picture  [side, side, 3]
[[nodiscard]] Frame frame_of(std::span<const std::uint8_t> picture, std::size_t side);
inline constexpr int kFlatLevels = 24;
inline constexpr double kFlatShare = 0.9;
inline constexpr double kRimShare = 0.4;

/// Whether both have the same edges, with widths that differ by at most a pixel and colours by at most kFlatLevels.
[[nodiscard]] bool same_frame(const Frame& a, const Frame& b);

/// The frame that most of the examples have, if any has one at two edges or more.
/// @param frames  [n]
[[nodiscard]] std::optional<Frame> common_frame(std::span<const Frame> frames, std::span<const std::size_t> examples);

}  // namespace fovea::learn
