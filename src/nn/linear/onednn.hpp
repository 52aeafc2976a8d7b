// The door to oneDNN: engine, execution, errors, and everything that differs between its versions 2 and 3.
// Only files of src/nn/ that end in .cpp include this.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "base/page_arena.hpp"
#include "base/process/foreign_call.hpp"
#include "fovea/precision.hpp"
#include "nn/linear/workspace.hpp"

namespace fovea::nn {

[[nodiscard]] const dnnl::engine& cpu_engine();

/// More than oneDNN takes for the code of one primitive: up to some 50 kernels of 256 KB each.
inline constexpr std::size_t kMemoryForCode = std::size_t{16} << 20;

/// Runs `body`; a dnnl::error leaves it as Error kBackend that says what was attempted. Memory for what oneDNN compiles
/// has to be there before, because oneDNN does not check that it is.
template <typename Body>
auto translate_errors(const char* attempt, Body&& body);
[[noreturn]] void throw_backend_error(const char* attempt, const dnnl::error& error);

template <typename Body>
auto translate_errors(const char* attempt, Body&& body) {
  require_memory(kMemoryForCode);
  const ForeignCall inside(attempt);
  try {
    return std::forward<Body>(body)();
  } catch (const dnnl::error& error) {
    throw_backend_error(attempt, error);
  }
}

struct Workspace::Impl {
  dnnl::stream stream;
  AlignedBuffer<std::byte> scratch;
};

/// A compiled primitive with its scratch size; create once, run many times.
class Primitive {
 public:
  template <typename PrimitiveDesc>
  Primitive(dnnl::primitive primitive, const PrimitiveDesc& desc, Workspace& workspace)
      : primitive_(std::move(primitive)),
        scratch_(desc.scratchpad_desc(), cpu_engine(), nullptr),
        workspace_(workspace) {
    workspace_.reserve_scratch(desc.scratchpad_desc().get_size());
  }
  struct Argument {
    int role;
    dnnl::memory& memory;
    const float* values;  // nullptr: the memory has its own
  };
  void execute(std::initializer_list<Argument> arguments);

 private:
  dnnl::primitive primitive_;
  dnnl::memory scratch_;
  Workspace& workspace_;
};

/// Memory of its own for weights, which lie in it in the layout of the kernels that read them.
class PackedMemory : public dnnl::memory {
 public:
  /// @param values  laid out as `stored` says; read only here
  PackedMemory(const dnnl::memory::desc& layout, const dnnl::memory::desc& stored, const void* values)
      : PackedMemory(layout, take_pages(layout.get_size())) {
    fill(stored, values);
  }

 private:
  PackedMemory(const dnnl::memory::desc& layout, std::shared_ptr<std::byte> pages)
      : dnnl::memory(layout, cpu_engine(), pages.get()), pages_(std::move(pages)) {}
  void fill(const dnnl::memory::desc& stored, const void* values);

  std::shared_ptr<std::byte> pages_;
};

/// oneDNN's sizes are signed.
[[nodiscard]] constexpr dnnl::memory::dim dim(std::size_t size) noexcept {
  return static_cast<dnnl::memory::dim>(size);
}
/// A row-major f32 array of these sizes, without memory of its own.
[[nodiscard]] dnnl::memory::desc dense(const dnnl::memory::dims& sizes);
[[nodiscard]] dnnl::memory unbound(const dnnl::memory::desc& desc);

/// dst = src · weights + bias, then the post-ops of `attr`. `bias` may be null.
[[nodiscard]] dnnl::matmul::primitive_desc matmul_desc(const dnnl::memory::desc& src, const dnnl::memory::desc& weights,
                                                       const dnnl::memory::desc* bias, const dnnl::memory::desc& dst,
                                                       const dnnl::primitive_attr& attr);
/// Attributes with the scratch memory given by us: the primitive may then run on any thread.
[[nodiscard]] dnnl::primitive_attr user_scratchpad();

}  // namespace fovea::nn
