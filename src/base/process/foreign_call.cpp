#include "base/process/foreign_call.hpp"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace fovea {
namespace {

thread_local const char* inside = nullptr;

}  // namespace

ForeignCall::ForeignCall(const char* what) noexcept : before_(std::exchange(inside, what)) {}

ForeignCall::~ForeignCall() {
  inside = before_;
}

const char* ForeignCall::current() noexcept {
  return inside;
}

void require_memory(std::size_t bytes) {
  void* const mapping = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  ::munmap(mapping, bytes);
}

}  // namespace fovea
