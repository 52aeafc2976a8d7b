// Radiance HDR, which Pillow does not read, through OpenCV's imgcodecs. Linking it loads 141 libraries.
#include <iostream>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <streambuf>

#include "image/module/module_side.hpp"

namespace {

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

void start_once() {
  static const bool started = [] {
    std::cerr.rdbuf(new MutableBuffer(std::cerr.rdbuf()));  // for good: std::cerr outlives everything
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    return true;
  }();
  static_cast<void>(started);
}

void decode(const FoveaDecodeRequest& request) {
  if (request.size > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw fovea::module::Unsupported("2 GB or more");
  }
  start_once();
  const Muted muted;
  // cv::Mat's pointers are not const; imdecode only reads.
  const cv::Mat bytes(1, static_cast<int>(request.size), CV_8UC1, const_cast<unsigned char*>(request.file));
  const cv::Mat image = cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  if (image.empty()) throw fovea::module::Damaged("no decoder accepts it");
  unsigned char* rgb =
      fovea::module::allocate(request, static_cast<std::uint64_t>(image.cols), static_cast<std::uint64_t>(image.rows));
  for (int y = 0; y < image.rows; ++y) {
    const auto* bgr = image.ptr<unsigned char>(y);
    for (int x = 0; x < image.cols; ++x, bgr += 3) {
      for (int c = 2; c >= 0; --c) *rgb++ = bgr[c];
    }
  }
}

}  // namespace

FOVEA_EXPORT_DECODER(decode)
