// Writes .npy arrays for npz files.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fovea::test {

/// Magic, version and length, then any header text, padded as in numpy, then the payload.
[[nodiscard]] std::string make_npy_with(const std::string& header, const std::string& payload, unsigned version = 1);

/// @param descr  numpy's name of the type, such as "<f4".
[[nodiscard]] std::string make_npy(const std::string& descr, const std::vector<std::size_t>& shape,
                                   const std::string& payload, bool fortran_order = false, unsigned version = 1);

/// The bytes of numbers of any type.
template <typename T>
[[nodiscard]] std::string raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace fovea::test
