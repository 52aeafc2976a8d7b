// Reads little-endian numbers and runs of bytes from memory, never past its end.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fovea/error.hpp"

namespace fovea {

static_assert(std::endian::native == std::endian::little, "checkpoints are little-endian and used where they lie");

class ByteReader {
 public:
  /// @param what  names the data in messages, e.g. "model.pth: data.pkl".
  ByteReader(std::span<const std::byte> bytes, std::string what) : bytes_(bytes), what_(std::move(what)) {}

  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

  /// @throws Error  kCheckpoint if fewer bytes are left.
  [[nodiscard]] std::span<const std::byte> take(std::size_t count) {
    if (count > left()) {
      throw Error(
          ErrorCode::kCheckpoint,
          fmt::format("{} ends at byte {}, expected {} more bytes after byte {}", what_, bytes_.size(), count, at_),
          "the file is damaged or cut short: download it again");
    }
    const auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  template <std::unsigned_integral T>
  [[nodiscard]] T read() {
    T value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  [[nodiscard]] std::string_view take_text(std::size_t count) {
    const auto taken = take(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  void skip(std::size_t count) { static_cast<void>(take(count)); }

 private:
  std::span<const std::byte> bytes_;
  std::string what_;
  std::size_t at_ = 0;
};

}  // namespace fovea
