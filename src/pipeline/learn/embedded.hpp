// From labelled pictures to the table that is learned from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "image/preprocess/view.hpp"
#include "learn/matrix.hpp"
#include "pipeline/folder/scheduler.hpp"
#include "pipeline/learn/feature_cache.hpp"
#include "pipeline/learn/labelled.hpp"
#include "pipeline/pictures.hpp"
#include "report/record.hpp"

namespace fovea {

/// The SHA-256 of each input's file, on all threads. Where a file cannot be read, its hash is empty and its input says
/// why: a picture without a hash has no place in the cache, even if a second try could read it.
[[nodiscard]] std::vector<std::string> hash_files(std::span<Input> inputs);

/// Pictures that can be learned from, in an order that depends on what they are, not on how their files are called: by
/// class, then by content.
struct EmbeddedPictures {
  std::vector<std::size_t> inputs;    // [n] index of each
  std::vector<std::size_t> classes;   // [n]
  std::vector<std::uint64_t> hashes;  // [n] difference hashes
  learn::Matrix features;             // [n, D]
  learn::Matrix averaged;             // [n, D] means over several views; none: the features are all there is
  std::vector<Record> failures;       // of all other inputs
  std::size_t computed = 0;           // pictures that the cache did not have
  bool interrupted = false;           // some are missing
};

/// The inputs whose features have to be computed: one of each content, and those that have failed, so that the run
/// tells of them.
/// @param sha256  [inputs], of hash_files()
[[nodiscard]] std::vector<std::size_t> missing_pictures(const LabelledPictures& pictures,
                                                        std::span<const std::string> sha256, const FeatureCache& cache);

/// Called in the calling thread for each picture that is computed.
using EmbedProgress = std::function<void(const Record&)>;

/// @param todo     of missing_pictures()
/// @param view     what is seen of each; the cache has to be the view's
/// @param give_up  as Engine::run()
/// @throws Error   kOutput.
[[nodiscard]] EmbeddedPictures embed_labelled(Engine& engine, const LabelledPictures& pictures,
                                              std::span<const std::string> sha256, std::span<const std::size_t> todo,
                                              FeatureCache& cache, const View& view, const Schedule& schedule,
                                              const EmbedProgress& progress, const GiveUp& give_up);

/// One backbone's pictures from those of its views: the features of the first, and the means of all.
[[nodiscard]] EmbeddedPictures average_views(std::vector<EmbeddedPictures> views);

/// Leaves of each backbone's pictures those that all backbones have; failures become those of any.
void keep_common(std::vector<EmbeddedPictures>& embedded);

}  // namespace fovea
