// Remembers what a pure function returned.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

namespace fovea {

/// Values by key, for any number of threads. It forgets all of them when it is full.
template <typename Key, typename Value>
class Memo {
 public:
  explicit Memo(std::size_t most) : most_(most) {}

  /// The value of this key. `make` runs where the value is not there; two threads that ask at once may both run it.
  template <typename Make>
  std::shared_ptr<const Value> get(const Key& key, const Make& make) {
    if (auto found = find(key)) return found;
    auto made = std::make_shared<const Value>(make());
    const std::lock_guard lock(mutex_);
    if (values_.size() >= most_) values_.clear();
    return values_.emplace(key, std::move(made)).first->second;
  }

 private:
  std::shared_ptr<const Value> find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : found->second;
  }

  std::size_t most_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Value>> values_;
};

}  // namespace fovea
