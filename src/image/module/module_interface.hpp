// The binary interface between the library and the modules that link what only some pictures need: plain C, no
// exceptions across it.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct FoveaDecodeRequest {
  const unsigned char* file;
  std::size_t size;
  int high_byte_of_gray16;  // 0: values above 255 become 255
  /// Called once, with what the file's header says, before any pixel is decoded.
  /// @return  room for [height, width, 3] bytes of RGB; null where the picture is too large: stop.
  unsigned char* (*allocate)(void* context, std::uint64_t width, std::uint64_t height);
  void* context;
  char* message;  // what is wrong, in words
  std::size_t message_capacity;
};

enum FoveaDecodeStatus {
  kFoveaDecoded = 0,
  kFoveaDamaged = 1,      // message completes "the <format> is damaged: "
  kFoveaUnsupported = 2,  // message completes "the <format> has "
  kFoveaStopped = 3,      // allocate() returned null
};

using FoveaDecodeFunction = int(const struct FoveaDecodeRequest* request);

}  // extern "C"

#define FOVEA_MODULE_DECODE fovea_decode
#define FOVEA_MODULE_DECODE_NAME "fovea_decode"
