// OpenCV's imgcodecs behind a C interface, as a module of its own: linking it loads 141 libraries.
#include "image/codec/imgcodecs_module.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <streambuf>
#include <string>
#include <vector>

namespace {

/// The first thing a library below OpenCV complained about during this thread's decode. OpenCV goes on after such
/// complaints and returns a picture that is partly made up.
thread_local std::string complaint;

extern "C" void note_tiff_error(const char* /*module*/, const char* format, va_list arguments) {
  if (!complaint.empty()) return;
  char text[200];
  std::vsnprintf(text, sizeof text, format, arguments);
  complaint = text;
}

extern "C" void note_gdal_error(int severity, int /*number*/, const char* text) {
  constexpr int kFailure = 3;  // CE_Failure
  if (severity >= kFailure && complaint.empty()) complaint = text;
}

template <typename Function>
Function* symbol(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

/// libtiff and GDAL are already loaded, below OpenCV; their headers are not among our dependencies.
void listen_to_libraries() {
  using TiffHandler = void (*)(const char*, const char*, va_list);
  using GdalHandler = void (*)(int, int, const char*);
  if (auto* set = symbol<TiffHandler(TiffHandler)>("TIFFSetErrorHandler")) set(note_tiff_error);
  if (auto* set = symbol<TiffHandler(TiffHandler)>("TIFFSetWarningHandler")) set(nullptr);
  if (auto* set = symbol<GdalHandler(GdalHandler)>("CPLSetErrorHandler")) set(note_gdal_error);
}

/// std::cerr's buffer, silent for a thread that asks for it: imdecode writes there whatever it is told.
class MutableBuffer : public std::streambuf {
 public:
  explicit MutableBuffer(std::streambuf* target) : target_(target) {}
  static thread_local bool muted;

 protected:
  int_type overflow(int_type c) override {
    return muted ? traits_type::not_eof(c) : target_->sputc(traits_type::to_char_type(c));
  }
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    return muted ? count : target_->sputn(text, count);
  }
  int sync() override { return muted ? 0 : target_->pubsync(); }

 private:
  std::streambuf* target_;
};
thread_local bool MutableBuffer::muted = false;

struct Muted {
  Muted() { MutableBuffer::muted = true; }
  ~Muted() { MutableBuffer::muted = false; }
  Muted(const Muted&) = delete;
  Muted& operator=(const Muted&) = delete;
};

/// OpenCV installs its own handlers when it first meets a TIFF: let it, then install ours.
void start_once() {
  static const bool started = [] {
    std::cerr.rdbuf(new MutableBuffer(std::cerr.rdbuf()));  // for good: std::cerr outlives everything
    const Muted muted;
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    const std::vector<unsigned char> hollow_tiff{'I', 'I', 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static_cast<void>(cv::imdecode(hollow_tiff, cv::IMREAD_COLOR));
    listen_to_libraries();
    return true;
  }();
  static_cast<void>(started);
}

/// A file without a name in a file system, because OpenCV hands GDAL a path.
class MemoryFile {
 public:
  MemoryFile(const unsigned char* bytes, size_t size) : descriptor_(memfd_create("image", MFD_CLOEXEC)) {
    for (size_t written = 0; descriptor_ >= 0 && written < size;) {
      const ssize_t now = write(descriptor_, bytes + written, size - written);
      if (now <= 0) return;
      written += static_cast<size_t>(now);
    }
  }
  ~MemoryFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

cv::Mat read(const unsigned char* file, size_t size, int mode) {
  if (mode == kFoveaReadGdal) {
    const MemoryFile copy(file, size);
    return cv::imread(copy.path(), cv::IMREAD_COLOR | cv::IMREAD_LOAD_GDAL);
  }
  // cv::Mat's pointers are not const; imdecode only reads.
  const cv::Mat bytes(1, static_cast<int>(size), CV_8UC1, const_cast<unsigned char*>(file));
  return cv::imdecode(
      bytes, mode == kFoveaReadAsStored ? cv::IMREAD_UNCHANGED : cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
}

int depth_of(const cv::Mat& image) {
  switch (image.depth()) {
    case CV_8U: return kFoveaU8;
    case CV_16U: return kFoveaU16;
    case CV_16S: return kFoveaS16;
    case CV_32S: return kFoveaS32;
    case CV_32F: return kFoveaF32;
    case CV_64F: return kFoveaF64;
    default: return -1;
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int fovea_imgcodecs_decode(const unsigned char* file, size_t size,
                                                                             int mode, FoveaRaster* raster,
                                                                             char* message, size_t message_capacity) {
  try {
    start_once();
    complaint.clear();
    const Muted muted;
    auto image = std::make_unique<cv::Mat>(read(file, size, mode));
    if (image->empty() || !complaint.empty()) {
      std::snprintf(message, message_capacity, "%s", complaint.empty() ? "no decoder accepts it" : complaint.c_str());
      return 0;
    }
    raster->rows = image->rows;
    raster->cols = image->cols;
    raster->channels = image->channels();
    raster->depth = depth_of(*image);
    raster->pixels = image->data;
    raster->row_stride = image->step[0];
    raster->owner = image.release();
    return 1;
  } catch (const std::exception& error) {
    std::snprintf(message, message_capacity, "%s", complaint.empty() ? error.what() : complaint.c_str());
    return 0;
  }
}

extern "C" __attribute__((visibility("default"))) void fovea_imgcodecs_release(void* owner) {
  delete static_cast<cv::Mat*>(owner);
}
