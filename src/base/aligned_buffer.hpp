// Uninitialised memory aligned to a cache line, for activations and packed weights.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace fovea {

inline constexpr std::size_t kCacheLine = 64;  // bytes; also the width of the widest vector register

template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : values_(static_cast<T*>(::operator new[](size * sizeof(T), std::align_val_t{kCacheLine}))), size_(size) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T* data() noexcept { return values_.get(); }
  [[nodiscard]] const T* data() const noexcept { return values_.get(); }
  [[nodiscard]] std::span<T> span() noexcept { return {values_.get(), size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {values_.get(), size_}; }
  [[nodiscard]] std::span<T> first(std::size_t count) noexcept { return span().first(count); }

 private:
  struct Free {
    void operator()(T* p) const noexcept { ::operator delete[](p, std::align_val_t{kCacheLine}); }
  };
  std::unique_ptr<T[], Free> values_;
  std::size_t size_ = 0;
};

}  // namespace fovea
