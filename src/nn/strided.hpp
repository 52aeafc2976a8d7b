// A row-major matrix inside a larger one.
#pragma once

#include <cstddef>

namespace fovea::nn {

/// Rows lie `stride` floats apart.
template <typename T>
struct Strided {
  T* values;
  std::size_t stride;
};

}  // namespace fovea::nn
