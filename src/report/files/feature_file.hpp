// Writes the features of many inputs as one array, row by row: .npy, or safetensors with a tensor `features`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/pending_file.hpp"

namespace fovea {

/// The output of `embed`. Holds one row at a time; `path` does not exist until finish().
class FeatureFile {
 public:
  /// @param path       ends in .npy or .safetensors
  /// @param row_shape  [D] or [T, D]
  /// @param most_rows  upper limit of the number of rows
  /// @param metadata   texts for the header of safetensors; .npy cannot store them
  /// @throws Error     kUsage for another extension, kOutput.
  FeatureFile(const std::filesystem::path& path, std::vector<std::size_t> row_shape, std::size_t most_rows,
              std::map<std::string, std::string> metadata);

  /// @param row      one row's values; empty for a failed input, whose row becomes NaN
  /// @throws Error   kOutput.
  void append(std::span<const float> row);
  /// Writes the number of rows into the header, [rows, ...row_shape], and renames the file into place.
  /// @throws Error  kOutput.
  void finish();

  /// @throws Error  kUsage if the extension names no supported format.
  static void check_name(const std::filesystem::path& path);

 private:
  [[nodiscard]] std::string header(std::size_t rows, std::size_t least_bytes) const;

  bool safetensors_;
  std::vector<std::size_t> row_shape_;
  std::map<std::string, std::string> metadata_;
  std::size_t most_rows_;
  std::size_t header_bytes_;
  std::vector<float> missing_;  // a row of NaN
  std::size_t rows_ = 0;
  PendingFile file_;
};

}  // namespace fovea
