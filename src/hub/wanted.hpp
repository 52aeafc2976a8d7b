// Which files of a model are needed to load it: those that fovea would read in a folder that had all of them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hub/cache.hpp"

namespace fovea {

struct WantedFiles {
  std::string checkpoint;           // its name; empty: there is none that is certain
  std::vector<std::string> paths;   // with the checkpoint, without the shards that it names
  std::vector<std::string> absent;  // configurations that the model does not have
};

/// @param paths     all files of the model
/// @param include   patterns of further files: `*` matches slashes, too
/// @throws Error    kNotFound where several checkpoints, or none, could be meant, and no pattern chooses one; kUsage
/// for a
///                  pattern that no file matches
[[nodiscard]] WantedFiles wanted_files(const std::string& repo, std::span<const std::string> paths,
                                       std::span<const std::string> include);

/// Programs and scripts: they are never downloaded.
[[nodiscard]] bool is_code(std::string_view path);

/// What the cache has of a commit.
enum class Cached {
  kNothing,   // a file is missing that is known to be needed
  kProbably,  // it can be loaded; whether the model has a further configuration is not known
  kAll,
};
[[nodiscard]] Cached look_into(const HubCache& cache, const std::string& repo, const std::string& commit);

}  // namespace fovea
