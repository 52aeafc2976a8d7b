// What the modules share: failures as exceptions inside a module, as a status outside of it.
#pragma once

#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>

#include "image/module/module_interface.hpp"

namespace fovea::module {

struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Stopped {};

/// Room for the picture's pixels, [height, width, 3].
/// @throws Stopped  where the picture is too large.
inline unsigned char* allocate(const FoveaDecodeRequest& request, std::uint64_t width, std::uint64_t height) {
  unsigned char* rgb = request.allocate(request.context, width, height);
  if (rgb == nullptr) throw Stopped{};
  return rgb;
}

/// Runs a decoder that throws the above.
template <typename Decode>
int status_of(const FoveaDecodeRequest& request, const Decode& decode) noexcept {
  const auto failed = [&](FoveaDecodeStatus status, std::string_view message) {
    while (!message.empty() && message.back() <= ' ')
      message.remove_suffix(1);  // some libraries end theirs with a line
    std::snprintf(request.message, request.message_capacity, "%.*s", static_cast<int>(message.size()), message.data());
    for (char* c = request.message; *c != '\0'; ++c) *c = *c == '\n' ? ' ' : *c;
    return status;
  };
  try {
    decode(request);
    return kFoveaDecoded;
  } catch (const Stopped&) {
    return kFoveaStopped;
  } catch (const Unsupported& error) {
    return failed(kFoveaUnsupported, error.what());
  } catch (const std::bad_alloc&) {
    return failed(kFoveaDamaged, "it needs more memory than there is");
  } catch (const std::exception& error) {
    return failed(kFoveaDamaged, error.what());
  }
}

}  // namespace fovea::module

/// The module's one symbol.
#define FOVEA_EXPORT_DECODER(decode)                                                                             \
  extern "C" __attribute__((visibility("default"))) int FOVEA_MODULE_DECODE(const FoveaDecodeRequest* request) { \
    return fovea::module::status_of(*request, decode);                                                           \
  }
