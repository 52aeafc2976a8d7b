// The binary interface between the library and the module that links OpenCV's imgcodecs: plain C, no exceptions.
#pragma once

#include <cstddef>

extern "C" {

enum FoveaReadMode {
  kFoveaReadColor = 0,     // 8-bit BGR
  kFoveaReadAsStored = 1,  // whatever depth and channels the file has, blue first
  kFoveaReadGdal = 2,      // 8-bit BGR through GDAL, the only reader of GIF
};

enum FoveaDepth { kFoveaU8 = 0, kFoveaU16 = 1, kFoveaS16 = 2, kFoveaS32 = 3, kFoveaF32 = 4, kFoveaF64 = 5 };

struct FoveaRaster {
  int rows;
  int cols;
  int channels;
  int depth;  // FoveaDepth
  const void* pixels;
  std::size_t row_stride;  // bytes
  void* owner;             // for fovea_imgcodecs_release
};

/// @return 1 and a raster, or 0 and a sentence in `message`.
using FoveaDecodeFunction = int(const unsigned char* file, std::size_t size, int mode, struct FoveaRaster* raster,
                                char* message, std::size_t message_capacity);
using FoveaReleaseFunction = void(void* owner);

}  // extern "C"

#define FOVEA_IMGCODECS_MODULE "fovea_imgcodecs.so"
#define FOVEA_IMGCODECS_DECODE "fovea_imgcodecs_decode"
#define FOVEA_IMGCODECS_RELEASE "fovea_imgcodecs_release"
