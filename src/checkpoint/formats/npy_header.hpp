// The header of a .npy array (numpy's NEP 1): magic, version, length, and a Python dictionary of three keys.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace fovea {

/// How much of an array npy_header_bytes needs.
constexpr std::size_t kNpyPrefixBytes = 12;

struct NpyHeader {
  DType dtype = DType::kF32;
  bool fortran_order = false;  // first axis fastest
  std::vector<std::size_t> shape;
  std::size_t bytes = 0;  // size of the header with magic and padding; the elements follow
};

/// The size of the header with its magic, read from the array's first kNpyPrefixBytes. Accepts versions 1 to 3 and, as
/// numpy itself does (numpy.lib.format, max_header_size), at most 10,000 bytes of text.
/// @param where   "model.npz: member 'cls.npy'", for messages.
/// @throws Error  kCheckpoint.
[[nodiscard]] std::size_t npy_header_bytes(std::span<const std::byte> prefix, const std::string& where);

/// Accepts little-endian floats and integers, and `V2`, as which numpy stores bfloat16.
/// @param beginning  the array's first bytes, at least npy_header_bytes of them.
/// @throws Error     kCheckpoint.
[[nodiscard]] NpyHeader parse_npy_header(std::span<const std::byte> beginning, const std::string& where);

}  // namespace fovea
