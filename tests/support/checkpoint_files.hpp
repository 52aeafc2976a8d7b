// Writes temporary checkpoint files and reads them back.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace fovea::test {

void write_bytes(const std::filesystem::path& file, const std::string& content);
[[nodiscard]] std::string read_bytes(const std::filesystem::path& file);

/// Opens the file and reads every tensor. Returns the error's message, after checking that the error is kCheckpoint,
/// names the file and has a hint; "accepted" if there is no error.
[[nodiscard]] std::string refusal(const std::filesystem::path& file);
/// The same for a file of this content.
[[nodiscard]] std::string refusal_of(const std::string& content, const std::string& file_name);

/// The values of a tensor in row-major order, copied one by one by their coordinates: the naive twin of visit_bytes.
[[nodiscard]] std::string naive_bytes(const std::string& storage, std::size_t item_size, std::size_t offset,
                                      const std::vector<std::size_t>& shape, const std::vector<std::size_t>& strides);
/// The bytes that visit_bytes passes on.
[[nodiscard]] std::string visited_bytes(const TensorView& tensor);

}  // namespace fovea::test
