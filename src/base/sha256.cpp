#include "base/sha256.hpp"

#include <nettle/sha2.h>

#include <array>
#include <cstdint>

#include "base/text.hpp"

namespace fovea {

struct Sha256::Impl {
  sha256_ctx context{};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  sha256_init(&impl_->context);
}
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  sha256_update(&impl_->context, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::string Sha256::hex() {
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
  sha256_digest(&impl_->context, digest.size(), digest.data());
  return hex_text(digest);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return hash.hex();
}

}  // namespace fovea
