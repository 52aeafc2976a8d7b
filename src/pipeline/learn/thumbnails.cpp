// The pictures in the page of `learn`.
#include <algorithm>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "base/text.hpp"
#include "image/codec/codec.hpp"
#include "image/overlay/overlay.hpp"
#include "pipeline/learn/learn.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMost = 300;
constexpr int kSide = 180;    // px
constexpr int kQuality = 80;  // JPEG

std::vector<std::string> paths_of(const LearnReport& report) {
  std::vector<std::string> paths;
  std::set<std::string> seen;
  const auto take = [&](const std::string& path) {
    if (paths.size() < kMost && seen.insert(path).second) paths.push_back(path);
  };
  for (const SurprisingPicture& one : report.surprising) take(one.path);
  for (const ConfusedPair& pair : report.confused) std::ranges::for_each(pair.paths, take);
  return paths;
}

}  // namespace

std::map<std::string, std::string> report_thumbnails(const LearnReport& report) {
  const std::vector<std::string> paths = paths_of(report);
  std::map<std::string, std::string> thumbnails;
  std::mutex mutex;
  for_each_parallel(paths.size(), [&](std::size_t i) {
    stop_if_interrupted();
    try {
      const Image picture = decode_image(read_file(paths[i]), printable(paths[i]), DecodeOptions{});
      const std::vector<std::byte> jpeg = encode_jpeg(thumbnail(picture, kSide), kQuality);
      const std::string text = base64(jpeg);
      const std::scoped_lock lock(mutex);
      thumbnails[paths[i]] = text;
    } catch (const Error&) {
      return;  // it was read before, and has gone meanwhile
    }
  });
  return thumbnails;
}

}  // namespace fovea
