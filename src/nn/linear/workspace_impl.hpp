#pragma once

#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>

#include "base/aligned_buffer.hpp"
#include "nn/linear/workspace.hpp"

namespace fovea::nn {

struct Workspace::Impl {
  dnnl::stream stream;
  AlignedBuffer<std::byte> scratch;
};

}  // namespace fovea::nn
