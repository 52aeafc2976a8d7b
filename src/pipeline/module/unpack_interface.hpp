// The binary interface between the library and the module that links libarchive: plain C, no exceptions across it.
#pragma once

#include <cstddef>

extern "C" {

/// A compressed file, whose content is handed over piece by piece.
struct FoveaUnpackRequest {
  int file;  // open for reading, at its beginning

  /// @return  0: stop
  int (*take)(void* context, const unsigned char* bytes, size_t size);
  void* context;

  char* message;  // what is wrong with the file, in words
  size_t message_capacity;
};

enum FoveaUnpackStatus {
  kFoveaUnpackDone = 0,
  kFoveaUnpackDamaged = 1,
  kFoveaUnpackStopped = 2,  // by take()
};

using FoveaUnpackFunction = int(const struct FoveaUnpackRequest* request);

}  // extern "C"

#define FOVEA_MODULE_UNPACK fovea_unpack
#define FOVEA_MODULE_UNPACK_NAME "fovea_unpack"
