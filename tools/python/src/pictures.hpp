// Python's pictures as the library's.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <deque>
#include <span>
#include <vector>

#include "fovea/classifier.hpp"

namespace fovea::python {

/// An array of any type and strides, in the CPU's memory.
using AnyArray = nanobind::ndarray<nanobind::ro, nanobind::device::cpu>;

/// Keeps what the pictures refer to: the Python objects, and copies of their pixels.
class Pictures {
 public:
  /// @param objects  each a tuple of one bytes (a path, whose name need not be UTF-8), a buffer of one dimension (an
  /// image file's bytes), or an array uint8[H, W, 3]
  ///                 of any strides, read-only too, by the buffer protocol or DLPack
  /// @throws         TypeError naming the place, type and shape of what is none of these.
  explicit Pictures(const nanobind::sequence& objects);
  [[nodiscard]] std::span<const Picture> all() const noexcept { return pictures_; }

 private:
  void add(const nanobind::handle& object, std::size_t place);

  std::vector<nanobind::object> objects_;
  std::vector<AnyArray> arrays_;
  std::deque<Image> images_;  // a deque, because pictures point into it
  std::vector<Picture> pictures_;
};

/// uint8[H, W, 3], which owns its pixels.
[[nodiscard]] nanobind::object array_of(Image image);
/// float32 of this shape, which owns its values.
[[nodiscard]] nanobind::object array_of(std::vector<float> values, const std::vector<std::size_t>& shape);

}  // namespace fovea::python
