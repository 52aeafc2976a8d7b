// The index of a checkpoint in several files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fovea {

/// The files beside an index that hold its tensors, by name.
/// @throws Error  kCheckpoint for what is no index, or names files of other folders; as read_text_file().
[[nodiscard]] std::vector<std::string> shard_names(const std::filesystem::path& index);

}  // namespace fovea
