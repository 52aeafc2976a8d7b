// The files of a batch besides its rows: summary.json, index.html and .npy arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/tensor.hpp"
#include "report/record.hpp"

namespace fovea {

/// What `summary.json` holds beside the counts.
struct BatchSummary {
  Summary counts;
  std::size_t skipped = 0;       // rows kept from an earlier run
  double seconds = 0;            // wall clock of this run
  double images_per_second = 0;  // done in this run
  std::string model_name;
  std::string model_path;
  std::string model_sha256;
  std::string labels_source;                           // where the class names were read; may be empty
  std::map<std::string, std::string> options;          // as given, by flag name
  std::map<std::string, std::size_t> class_histogram;  // top-1 label → inputs
  std::map<std::string, std::size_t> failures;         // code → inputs
  std::string version;
};

[[nodiscard]] std::string summary_json(const BatchSummary& summary);

/// A self-contained static page: thumbnails with predictions, filtered by label and by failure.
[[nodiscard]] std::string gallery_html(std::span<const Record> records, const BatchSummary& summary);

/// One record as one line of JSON, without the newline, and back (for a batch that is resumed). Paths that are not
/// UTF-8 come back through <key>_base64; of a failure the contract keeps neither size nor predictions.
[[nodiscard]] std::string record_to_json(const Record& record);
/// None for lines that are no whole result or error record of this schema.
[[nodiscard]] std::optional<Record> record_from_json(std::string_view line);

/// A part of a picture, in its pixels, and what a map says of it.
struct ScoredBox {
  double x = 0, y = 0;           // of the upper left corner
  double width = 0, height = 0;  // px
  float score = 0;
};
/// The patches of the highest scores as [{"x":…,"y":…,"w":…,"h":…,"score":…},…], best first, to a hundredth of a pixel;
/// of equal ones the first in reading order. Patches of the crop's padding and values that are not finite are left out.
/// @param map  [grid.rows, grid.cols]
[[nodiscard]] std::vector<ScoredBox> top_patches(MatrixView<const float> map, const CropGeometry& geometry,
                                                 std::size_t count);
[[nodiscard]] std::string top_patches_json(std::span<const ScoredBox> patches);

/// numpy's .npy, version 1.0, C order, little-endian float32.
/// @param shape  its product is values.size().
[[nodiscard]] std::string npy_f32(std::span<const float> values, std::span<const std::size_t> shape);
/// The same of bytes.
[[nodiscard]] std::string npy_u8(std::span<const std::uint8_t> values, std::span<const std::size_t> shape);
/// What stands before the values.
/// @param least_bytes  padded with spaces to no less: room for a larger shape.
[[nodiscard]] std::string npy_f32_header(std::span<const std::size_t> shape, std::size_t least_bytes = 0);

/// Such an array where it lies.
struct NpyView {
  std::vector<std::size_t> shape;
  std::span<const std::byte> values;  // float32; possibly unaligned
};
/// @throws Error  kDecode if it is not such a file.
[[nodiscard]] NpyView view_npy_f32(std::span<const std::byte> file, std::string_view name);
struct NpyArray {
  std::vector<std::size_t> shape;
  std::vector<float> values;
};
/// @throws Error  kDecode if it is not such a file.
[[nodiscard]] NpyArray parse_npy_f32(std::span<const std::byte> file, std::string_view name);

}  // namespace fovea
