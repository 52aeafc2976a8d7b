#include "learn/marks/frame.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace fovea::learn {
namespace {

/// Pixels of a square picture as they lie when one of its edges is on top.
class Turned {
 public:
  Turned(std::span<const std::uint8_t> picture, std::size_t side, std::size_t edge)
      : picture_(picture), side_(side), edge_(edge) {}

  /// @param row  from the edge in
  [[nodiscard]] const std::uint8_t* pixel(std::size_t row, std::size_t along) const {
    const std::size_t far = side_ - 1 - row;
    const std::size_t y = edge_ == 0 ? row : edge_ == 2 ? far : along;
    const std::size_t x = edge_ == 3 ? row : edge_ == 1 ? far : along;
    return picture_.data() + 3 * (y * side_ + x);
  }
  /// The median of each channel over the outermost row.
  [[nodiscard]] std::array<std::uint8_t, 3> edge_colour() const {
    std::array<std::uint8_t, 3> colour{};
    std::vector<std::uint8_t> values(side_);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      for (std::size_t i = 0; i < side_; ++i) values[i] = pixel(0, i)[channel];
      const auto middle = values.begin() + static_cast<std::ptrdiff_t>(side_ / 2);
      std::ranges::nth_element(values, middle);
      colour[channel] = *middle;
    }
    return colour;
  }
  /// The share of a row's pixels, `inset` at both ends left out, that are of the colour.
  [[nodiscard]] double flat_share(std::size_t row, std::size_t inset, const std::array<std::uint8_t, 3>& colour) const {
    std::size_t flat = 0;
    for (std::size_t i = inset; i < side_ - inset; ++i) {
      int far = 0;
      for (std::size_t channel = 0; channel < 3; ++channel) {
        far = std::max(far, std::abs(int{pixel(row, i)[channel]} - int{colour[channel]}));
      }
      if (far <= kFlatLevels) ++flat;
    }
    return static_cast<double>(flat) / static_cast<double>(side_ - 2 * inset);
  }

 private:
  std::span<const std::uint8_t> picture_;
  std::size_t side_;
  std::size_t edge_;
};

}  // namespace

std::size_t Frame::edges() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(width, [](std::size_t w) { return w > 0; }));
}

Frame frame_of(std::span<const std::uint8_t> picture, std::size_t side) {
  Frame frame;
  const std::size_t most = side / 4;
  for (std::size_t edge = 0; edge < 4; ++edge) {
    const Turned turned(picture, side, edge);
    const std::array<std::uint8_t, 3> colour = turned.edge_colour();
    std::size_t width = 0;
    while (width <= most && turned.flat_share(width, 0, colour) >= kFlatShare) ++width;
    if (width == 0 || width > most) continue;
    if (1 - turned.flat_share(width + 1, width, colour) < kRimShare) continue;
    frame.width[edge] = width;
    frame.colour[edge] = colour;
  }
  return frame;
}

bool same_frame(const Frame& a, const Frame& b) {
  for (std::size_t edge = 0; edge < 4; ++edge) {
    if ((a.width[edge] > 0) != (b.width[edge] > 0)) return false;
    if (a.width[edge] == 0) continue;
    if (std::max(a.width[edge], b.width[edge]) - std::min(a.width[edge], b.width[edge]) > 1) return false;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      if (std::abs(int{a.colour[edge][channel]} - int{b.colour[edge][channel]}) > kFlatLevels) return false;
    }
  }
  return true;
}

std::optional<Frame> common_frame(std::span<const Frame> frames, std::span<const std::size_t> examples) {
  std::optional<Frame> best;
  std::size_t most = 0;
  for (const std::size_t i : examples) {
    if (frames[i].edges() < 2) continue;
    const auto alike = static_cast<std::size_t>(
        std::ranges::count_if(examples, [&](std::size_t j) { return same_frame(frames[i], frames[j]); }));
    if (alike <= most) continue;
    most = alike;
    best = frames[i];
  }
  return best;
}

}  // namespace fovea::learn
