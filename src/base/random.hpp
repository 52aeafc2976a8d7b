// Random numbers that depend only on the seed; the standard library's distributions differ between implementations.
#pragma once

#include <cstdint>

namespace fovea {

/// SplitMix64 (Steele, Lea, Flood 2014): 64 bits a step; every seed works.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::uint64_t bits() noexcept {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

  /// [0, 1), in steps of 2^-53.
  [[nodiscard]] double uniform() noexcept { return static_cast<double>(bits() >> 11U) * 0x1.0p-53; }

  /// An integer in 0 to end - 1; end >= 1. The bias is below 2^-32 for the small ranges that this is used for.
  [[nodiscard]] std::uint64_t below(std::uint64_t end) noexcept { return bits() % end; }

 private:
  std::uint64_t state_;
};

}  // namespace fovea
