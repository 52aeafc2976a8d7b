// The header of a .npy array (numpy's NEP 1): magic, version, length, and a Python dictionary of three keys.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace fovea {

/// What numpy itself reads at most of a header (numpy.lib.format, max_header_size), and what stands before it.
constexpr std::size_t kMaxNpyHeaderBytes = 10'000 + 12;

struct NpyHeader {
  DType dtype = DType::kF32;
  bool fortran_order = false;  // first axis fastest
  std::vector<std::size_t> shape;
  std::size_t bytes = 0;  // of the header with magic and padding; the elements follow
};

/// Versions 1 to 3; little-endian floats and integers, and `V2`, which is how numpy stores bfloat16.
/// @param beginning  of the array, at least kMaxNpyHeaderBytes of it or all.
/// @param where      "model.npz: member 'cls.npy'", for messages.
/// @throws Error     kCheckpoint.
[[nodiscard]] NpyHeader parse_npy_header(std::span<const std::byte> beginning, const std::string& where);

}  // namespace fovea
