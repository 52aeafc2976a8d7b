#include "base/page_arena.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <new>

#include "base/aligned_buffer.hpp"

namespace fovea {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;  // bytes
constexpr std::size_t kRegion = 32 * kHugePage;          // of address space; memory is used only where it is touched

constexpr std::size_t round_up(std::size_t size, std::size_t unit) noexcept {
  return (size + unit - 1) / unit * unit;
}

/// Address space aligned to a huge page; parts are handed out from its front.
class Region {
 public:
  explicit Region(std::size_t size) : size_(round_up(size, kHugePage)) {
    void* const mapping =
        ::mmap(nullptr, size_ + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    mapping_ = static_cast<std::byte*>(mapping);
    void* begin = mapping_;
    std::size_t space = size_ + kHugePage;
    begin_ = static_cast<std::byte*>(std::align(kHugePage, size_, begin, space));
    // If the kernel refuses, only time is lost.
    static_cast<void>(::madvise(begin_, size_, MADV_HUGEPAGE));
  }
  ~Region() { ::munmap(mapping_, size_ + kHugePage); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  [[nodiscard]] std::byte* take(std::size_t size) noexcept {
    if (size > size_ - used_) return nullptr;
    std::byte* const part = begin_ + used_;
    used_ += std::min(round_up(size, kCacheLine), size_ - used_);
    // A single thread touches each page first: if two did so at once, the kernel would clear 2 MB for both.
    for (; touched_ < used_; touched_ += kHugePage) begin_[touched_] = std::byte{0};
    return part;
  }

 private:
  std::size_t size_;
  std::byte* mapping_ = nullptr;
  std::byte* begin_ = nullptr;
  std::size_t used_ = 0;
  std::size_t touched_ = 0;
};

}  // namespace

std::shared_ptr<std::byte> take_pages(std::size_t size) {
  static std::mutex mutex;
  static std::weak_ptr<Region> current;
  const std::scoped_lock lock(mutex);
  std::shared_ptr<Region> region = current.lock();
  std::byte* part = region ? region->take(size) : nullptr;
  if (part == nullptr) {
    region = std::make_shared<Region>(std::max(size, kRegion));
    current = region;
    part = region->take(size);
  }
  return {std::move(region), part};
}

}  // namespace fovea
