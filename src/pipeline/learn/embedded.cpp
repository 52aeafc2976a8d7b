#include "pipeline/learn/embedded.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "base/sha256.hpp"
#include "fovea/error.hpp"
#include "pipeline/archive/archive_inputs.hpp"
#include "pipeline/folder/scheduler.hpp"

namespace fovea {
std::vector<std::string> hash_files(std::span<Input> inputs) {
  std::vector<std::string> hashes(inputs.size());
  constexpr std::size_t kAtATime = 64;  // files for one thread
  for_each_parallel((inputs.size() + kAtATime - 1) / kAtATime, [&](std::size_t piece) {
    stop_if_interrupted();
    for (std::size_t i = piece * kAtATime; i < std::min(inputs.size(), (piece + 1) * kAtATime); ++i) {
      if (inputs[i].failure) continue;
      try {
        const std::vector<std::byte> content = read_input_file(inputs[i]);
        hashes[i] = sha256_hex({reinterpret_cast<const char*>(content.data()), content.size()});
      } catch (const Error&) {
        inputs[i].failure = failure_of(std::current_exception());
      }
    }
  });
  return hashes;
}

std::vector<std::size_t> missing_pictures(const LabelledPictures& pictures, std::span<const std::string> sha256,
                                          const FeatureCache& cache) {
  std::vector<std::size_t> todo;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < pictures.inputs.size(); ++i) {
    const bool known = !sha256[i].empty() && !pictures.inputs[i].failure;
    if (known && (cache.find(sha256[i]) != nullptr || !seen.insert(sha256[i]).second)) continue;
    todo.push_back(i);
  }
  return todo;
}

EmbeddedPictures embed_labelled(Engine& engine, const LabelledPictures& pictures, std::span<const std::string> sha256,
                                std::span<const std::size_t> todo, FeatureCache& cache, const View& view,
                                const Schedule& schedule, const EmbedProgress& progress, const GiveUp& give_up) {
  EmbeddedPictures embedded;
  PictureOptions options;
  options.features = FeaturePool::kHeadInput;
  options.difference_hash = true;
  options.view = view;
  std::vector<std::optional<Failure>> failures(pictures.inputs.size());
  const std::size_t written = engine.run(
      pictures.inputs, todo, options, schedule,
      [&](PictureOutcome outcome) {
        const std::size_t i = outcome.record.index;
        if (outcome.record.failure) {
          failures[i] = outcome.record.failure;
        } else {
          cache.add(sha256[i], {outcome.difference_hash, std::move(outcome.features)});
          ++embedded.computed;
        }
        progress(outcome.record);
      },
      nullptr, give_up);
  embedded.interrupted = written < todo.size();
  if (embedded.interrupted) return embedded;

  for (std::size_t i = 0; i < pictures.inputs.size(); ++i) {
    if (!failures[i] && cache.find(sha256[i]) != nullptr) {
      embedded.inputs.push_back(i);
      continue;
    }
    Record& record = embedded.failures.emplace_back();
    record.index = i;
    record.path = pictures.inputs[i].path;
    // A copy of a picture that failed was not run again.
    const auto same = std::ranges::find(sha256, sha256[i]) - sha256.begin();
    record.failure = failures[i] ? failures[i] : failures[static_cast<std::size_t>(same)];
  }
  const auto place = [&](std::size_t i) { return std::tie(pictures.classes[i], sha256[i], pictures.inputs[i].name); };
  std::ranges::sort(embedded.inputs, [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  const std::size_t width = feature_shape(engine.info(), FeaturePool::kHeadInput).front();
  embedded.features = learn::Matrix{embedded.inputs.size(), width};
  for (std::size_t row = 0; row < embedded.inputs.size(); ++row) {
    const std::size_t i = embedded.inputs[row];
    const CachedPicture& picture = *cache.find(sha256[i]);
    embedded.classes.push_back(pictures.classes[i]);
    embedded.hashes.push_back(picture.difference_hash);
    std::ranges::copy(picture.features, embedded.features.row(row).begin());
  }
  return embedded;
}

EmbeddedPictures average_views(std::vector<EmbeddedPictures> views) {
  keep_common(views);
  EmbeddedPictures first = std::move(views.front());
  if (views.size() == 1) return first;
  first.averaged = first.features;
  std::vector<double>& sums = first.averaged.values;
  for (std::size_t v = 1; v < views.size(); ++v) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += views[v].features.values[i];
  }
  for (double& sum : sums) sum /= static_cast<double>(views.size());
  return first;
}

void keep_common(std::vector<EmbeddedPictures>& embedded) {
  std::map<std::size_t, std::size_t> counts;  // of backbones that have an input
  std::map<std::size_t, Record> failures;
  for (const EmbeddedPictures& one : embedded) {
    for (const std::size_t input : one.inputs) ++counts[input];
    for (const Record& record : one.failures) failures.emplace(record.index, record);
  }
  for (EmbeddedPictures& one : embedded) {
    std::vector<std::size_t> kept;
    for (std::size_t row = 0; row < one.inputs.size(); ++row) {
      if (counts[one.inputs[row]] == embedded.size()) kept.push_back(row);
    }
    one.inputs = learn::elements_of(one.inputs, kept);
    one.classes = learn::elements_of(one.classes, kept);
    one.hashes = learn::elements_of(one.hashes, kept);
    one.features = learn::rows_of(one.features, kept);
    if (one.averaged.rows > 0) one.averaged = learn::rows_of(one.averaged, kept);
    one.failures.clear();
    for (const auto& [index, record] : failures) one.failures.push_back(record);
  }
}

}  // namespace fovea
