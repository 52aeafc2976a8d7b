// One row for each checkpoint format; formats.def is the list.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/mapped_file.hpp"
#include "checkpoint/checkpoint.hpp"

namespace fovea {

struct CheckpointFormat {
  std::string_view name;
  /// Decides by the file's content alone, never by its name; must not throw.
  bool (*recognises)(std::span<const std::byte> file);
  /// @param path     for messages only.
  /// @throws Error   kCheckpoint.
  std::unique_ptr<Checkpoint> (*open)(MappedFile file, const std::filesystem::path& path);
  /// The same of the weights under a key; nullptr: files of this format hold nothing else.
  std::unique_ptr<Checkpoint> (*open_under)(MappedFile file, const std::filesystem::path& path,
                                            std::string_view key) = nullptr;
};

#define FOVEA_CHECKPOINT_FORMAT(format) extern const CheckpointFormat kCheckpointFormat_##format;
#include "checkpoint/formats.def"
#undef FOVEA_CHECKPOINT_FORMAT

[[nodiscard]] std::span<const CheckpointFormat* const> checkpoint_formats();

}  // namespace fovea
