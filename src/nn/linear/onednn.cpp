#include "nn/linear/onednn.hpp"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <mutex>

#include "fovea/error.hpp"

namespace fovea::nn {

using dnnl::memory;

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

void throw_backend_error(const char* attempt, const dnnl::error& error) {
  throw Error(ErrorCode::kBackend,
              fmt::format("oneDNN: {} failed: {} (status {})", attempt, error.what(), static_cast<int>(error.status)));
}

Workspace::Workspace()
    : impl_(translate_errors("making a stream", [] {
        return std::make_unique<Impl>(Impl{dnnl::stream(cpu_engine()), {}});
      })) {}
Workspace::~Workspace() = default;

void Workspace::reserve_scratch(std::size_t bytes) {
  if (bytes > impl_->scratch.size()) impl_->scratch = AlignedBuffer<std::byte>(bytes);
}

void Primitive::execute(std::initializer_list<Argument> arguments) {
  constexpr std::size_t kMaxArguments = 8;
  assert(arguments.size() < kMaxArguments);
  std::array<dnnl_exec_arg_t, kMaxArguments> list{};
  std::size_t count = 0;
  for (const Argument& argument : arguments) {
    // oneDNN writes only to what is named as a destination; its handles know no const.
    if (argument.values != nullptr) argument.memory.set_data_handle(const_cast<float*>(argument.values));
    list[count++] = {argument.role, argument.memory.get()};
  }
  Workspace::Impl& workspace = workspace_.impl();
  scratch_.set_data_handle(workspace.scratch.data());
  list[count++] = {DNNL_ARG_SCRATCHPAD, scratch_.get()};
  // The C call takes a plain array: the C++ one builds a hash map and a vector each time.
  const dnnl_status_t status =
      dnnl_primitive_execute(primitive_.get(), workspace.stream.get(), static_cast<int>(count), list.data());
  if (status != dnnl_success) throw_backend_error("running a primitive", dnnl::error(status, "execution"));
}

void PackedMemory::fill(const memory::desc& stored, const void* values) {
  // oneDNN's handles know no const.
  memory source(stored, cpu_engine(), const_cast<void*>(values));
  const dnnl::reorder reorder = [&] {
    // oneDNN 2.6 looks reorders of bf16 and s8 up with map[key], which adds what is missing to a map that all threads
    // share: two of them at once can break it.
    static std::mutex mutex;
    const std::scoped_lock lock(mutex);
    require_memory(kMemoryForCode);
    return dnnl::reorder(source, *this);
  }();
  dnnl::stream stream(cpu_engine());
  reorder.execute(stream, source, *this);
  stream.wait();
}

memory::desc dense(const memory::dims& sizes) {
  memory::dims strides(sizes.size(), 1);
  for (std::size_t i = sizes.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * sizes[i];
  return {sizes, memory::data_type::f32, strides};
}

memory unbound(const memory::desc& desc) {
  return {desc, cpu_engine(), nullptr};
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

#if DNNL_VERSION_MAJOR >= 3

dnnl::matmul::primitive_desc matmul_desc(const memory::desc& src, const memory::desc& weights, const memory::desc* bias,
                                         const memory::desc& dst, const dnnl::primitive_attr& attr) {
  if (bias == nullptr) return {cpu_engine(), src, weights, dst, attr};
  return {cpu_engine(), src, weights, *bias, dst, attr};
}

#else

dnnl::matmul::primitive_desc matmul_desc(const memory::desc& src, const memory::desc& weights, const memory::desc* bias,
                                         const memory::desc& dst, const dnnl::primitive_attr& attr) {
  if (bias == nullptr) return {dnnl::matmul::desc(src, weights, dst), attr, cpu_engine()};
  return {dnnl::matmul::desc(src, weights, *bias, dst), attr, cpu_engine()};
}

#endif

}  // namespace fovea::nn
