// Files that people take for checkpoints, by what they begin with.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace fovea {

struct ForeignFile {
  std::string_view what;  // "a model in ONNX"
  std::string_view hint;  // how to come by one that is read
};

/// None for content that is no known format at all.
[[nodiscard]] std::optional<ForeignFile> foreign_file(std::span<const std::byte> file) noexcept;

}  // namespace fovea
