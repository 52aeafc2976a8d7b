// The overlay's inner loops as vector code, chosen at run time for the machine's instruction set.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fovea {

/// Luma: red, green and blue weighted as the eye perceives them.
[[nodiscard]] inline std::uint32_t brightness(const std::uint8_t* pixel) noexcept {
  return (77U * pixel[0] + 150U * pixel[1] + 29U * pixel[2]) >> 8;
}

/// A channel of a pixel in the margin: dark and nearly grey, but recognisable.
inline constexpr std::uint16_t kDimGray = 75;
inline constexpr std::uint16_t kDimColor = 32;
[[nodiscard]] inline std::uint8_t dimmed(const std::uint8_t* pixel, std::size_t channel) noexcept {
  return static_cast<std::uint8_t>((kDimGray * brightness(pixel) + kDimColor * pixel[channel]) >> 8);
}

/// How a level of heat changes a pixel, per channel: (pixel * keep + gray * keep_gray + add) >> 16, where gray is the
/// pixel's brightness. For every channel the result is below 256.
struct Blend {
  std::uint32_t keep = 0;
  std::uint32_t keep_gray = 0;
  std::array<std::uint32_t, 4> add{};  // the last is not used: four lanes are loaded at once
};
inline constexpr std::size_t kBlendLevels = 1024;  // finer than 8 bits, so that large smooth maps show no bands
using BlendTable = std::vector<Blend>;             // [kBlendLevels], from heat 0 to heat 1

/// Blends `count` pixels.
/// @param heat      [count], 0..1; rounded to the nearest level
/// @param from, to  RGB triples
void blend_pixels(const BlendTable& table, const float* heat, const std::uint8_t* from, std::size_t count,
                  std::uint8_t* to);

/// Each channel of `count` pixels dimmed().
void dim_pixels(const std::uint8_t* from, std::size_t count, std::uint8_t* to);

/// heat[x] = clamp(sum over i of weights[i] * rows[i][x], 0, 1), added in the order of i.
void interpolate_rows(const std::array<const float*, 4>& rows, const std::array<float, 4>& weights, std::size_t count,
                      float* heat);

}  // namespace fovea
