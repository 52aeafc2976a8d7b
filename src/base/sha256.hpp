// SHA-256 through nettle, which uses the CPU's SHA instructions.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fovea {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::span<const std::byte> bytes);
  /// The digest in lower-case hex. Ends the computation.
  [[nodiscard]] std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The SHA-256 of these bytes, in lower-case hex.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace fovea
