// Normalised pictures from a .npy file, in place of image files: they compare the network alone with a reference.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.hpp"
#include "fovea/image.hpp"
#include "pipeline/folder/inputs.hpp"
#include "report/files/documents.hpp"

namespace fovea {

class TensorImages {
 public:
  /// Maps the file; no value is touched.
  /// @param file    C-contiguous little-endian float32 [3, H, W] or [n, 3, H, W].
  /// @throws Error  kUsage for anything else.
  explicit TensorImages(const std::filesystem::path& file);

  [[nodiscard]] Size size() const noexcept { return size_; }  // px
  /// An input for each picture, called FILE#0, FILE#1, ...
  [[nodiscard]] std::vector<Input> inputs() const;
  /// @param chw     [3, H, W]
  /// @throws Error  kDecode if a value is NaN or infinite.
  void read(std::size_t index, std::span<float> chw) const;

 private:
  std::filesystem::path path_;
  MappedFile file_;
  NpyView array_;
  std::size_t count_;
  Size size_;
};

/// The picture that a recipe would turn into this tensor: normalisation undone, rounded, clamped to 0..255.
/// @param chw  [3, H, W]
[[nodiscard]] Image denormalized(std::span<const float> chw, Size size, const PreprocessRecipe& recipe);

}  // namespace fovea
