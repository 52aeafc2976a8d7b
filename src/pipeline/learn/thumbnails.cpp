#include "pipeline/learn/thumbnails.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "base/text.hpp"
#include "image/codec/codec.hpp"
#include "image/codec/encode.hpp"
#include "image/overlay/overlay.hpp"
#include "pipeline/archive/archive_inputs.hpp"

namespace fovea {
namespace {

constexpr int kSide = 180;    // px
constexpr int kQuality = 80;  // JPEG

std::vector<std::string> first_of(std::span<const std::string> paths, std::size_t most) {
  std::vector<std::string> first;
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    if (first.size() < most && seen.insert(path).second) first.push_back(path);
  }
  return first;
}

std::vector<Input> chosen_of(std::span<const std::string> paths, std::span<const Input> inputs) {
  std::map<std::string_view, const Input*> by_path;
  for (const Input& input : inputs) by_path.emplace(input.path, &input);
  std::vector<Input> found;
  for (const std::string& path : paths) {
    const auto known = by_path.find(path);
    found.push_back(known != by_path.end() ? *known->second : Input{path, {}, std::nullopt});
  }
  return found;
}

}  // namespace

std::map<std::string, std::string> thumbnails_of(std::span<const std::string> paths, std::span<const Input> inputs,
                                                 std::vector<std::string>& remarks, std::size_t most) {
  const std::vector<std::string> few = first_of(paths, most);
  const std::vector<Input> files = chosen_of(few, inputs);
  std::map<std::string, std::string> thumbnails;
  std::map<std::string, std::string> reasons;  // why not, by path
  std::mutex mutex;
  for_each_parallel(few.size(), [&](std::size_t i) {
    stop_if_interrupted();
    try {
      const Image picture = decode_image(read_input_file(files[i]), printable(few[i]), DecodeOptions{});
      const std::vector<std::byte> jpeg = encode_jpeg(thumbnail(picture, kSide), kQuality);
      const std::string text = base64(jpeg);
      const std::scoped_lock lock(mutex);
      thumbnails[few[i]] = text;
    } catch (const Error& error) {
      const std::scoped_lock lock(mutex);
      reasons[few[i]] = error.what();
    }
  });
  if (!reasons.empty()) {
    remarks.push_back(fmt::format("{} of the pictures could not be read a second time, for the page. The first: {}",
                                  reasons.size(), reasons.begin()->second));
  }
  return thumbnails;
}

std::map<std::string, std::string> report_thumbnails(LearnReport& report, std::span<const Input> inputs) {
  std::vector<std::string> paths;
  for (const SurprisingPicture& one : report.surprising) paths.push_back(one.path);
  for (const ConfusedPair& pair : report.confused) paths.insert(paths.end(), pair.paths.begin(), pair.paths.end());
  return thumbnails_of(paths, inputs, report.remarks);
}

std::map<std::string, std::string> report_thumbnails(EvalReport& report, std::span<const Input> inputs) {
  constexpr std::size_t kMostRight = 12;  // of a class
  std::vector<std::string> paths;
  if (report.comparison) {
    for (const FlippedPicture& flip : report.comparison->flips) paths.push_back(flip.path);
  }
  for (const EvaluatedModel& model : report.models) {
    for (const SurprisingPicture& one : model.surprising) paths.push_back(one.path);
    for (const ConfusedPair& cell : model.confusion) {
      const std::size_t most = cell.truth == cell.predicted ? kMostRight : kPagePictures;
      const auto end = cell.paths.begin() + static_cast<std::ptrdiff_t>(std::min(most, cell.paths.size()));
      paths.insert(paths.end(), cell.paths.begin(), end);
    }
  }
  return thumbnails_of(paths, inputs, report.remarks);
}

}  // namespace fovea
