// The files that a batch writes besides its records: summary.json, index.html and .npy arrays.
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

/// What a shard says about itself.
struct ShardSummary {
  std::size_t index = 0;
  std::size_t count = 1;
  std::size_t inputs = 0;     // of all shards
  std::string inputs_sha256;  // over their paths, in order
  std::string run;            // the fingerprint of model and options
};

/// The contents of `summary.json`.
struct BatchSummary {
  Summary counts;
  std::size_t skipped = 0;       // records kept from an earlier run
  std::size_t removed = 0;       // records of an earlier run whose input is gone
  double seconds = 0;            // wall clock of this run
  double images_per_second = 0;  // inputs done in this run, per second
  std::string model_name;
  std::string model_path;
  std::string model_sha256;
  std::string labels_source;                           // where the class names were read from; may be empty
  std::map<std::string, std::string> options;          // as given, by flag name
  std::map<std::string, std::size_t> class_histogram;  // top-1 label → inputs
  std::map<std::string, std::size_t> failures;         // code → inputs
  std::string version;
  std::optional<ShardSummary> shard;  // of a run over several machines
};

[[nodiscard]] std::string summary_json(const BatchSummary& summary);
/// Without what follows from the rows: the counts, the histogram, the failures and the rate.
/// @param name    of the file, for messages
/// @throws Error  kDecode if the text is no such document.
[[nodiscard]] BatchSummary summary_from_json(std::string_view text, std::string_view name);

/// A self-contained static page: thumbnails with predictions, which can be filtered by label and by failure.
[[nodiscard]] std::string gallery_html(std::span<const Record> records, const BatchSummary& summary);

/// Writes one record as one line of JSON, without the newline, and reads it back when a batch is resumed. Paths that
/// are not UTF-8 come back through <key>_base64. A failure is stored without its size and predictions.
[[nodiscard]] std::string record_to_json(const Record& record);
/// None if the line is not a complete result or error record of this schema.
[[nodiscard]] std::optional<Record> record_from_json(std::string_view line);

/// A rectangle in a picture, in its pixels, and the map's value there.
struct ScoredBox {
  double x = 0, y = 0;           // px, upper left corner
  double width = 0, height = 0;  // px
  float score = 0;
};
/// The patches with the highest scores, best first; among equal ones the first in reading order. Patches of the crop's
/// padding and values that are not finite are left out.
/// @param map  [grid.rows, grid.cols]
[[nodiscard]] std::vector<ScoredBox> top_patches(MatrixView<const float> map, const CropGeometry& geometry,
                                                 std::size_t count);
/// Formats them as [{"x":…,"y":…,"w":…,"h":…,"score":…},…], to a hundredth of a pixel.
[[nodiscard]] std::string top_patches_json(std::span<const ScoredBox> patches);

/// numpy's .npy, version 1.0, C order, little-endian float32.
/// @param shape  the product of its sizes is values.size().
[[nodiscard]] std::string npy_f32(std::span<const float> values, std::span<const std::size_t> shape);
/// The same for bytes.
[[nodiscard]] std::string npy_u8(std::span<const std::uint8_t> values, std::span<const std::size_t> shape);
/// The part of the file before the values.
/// @param least_bytes  spaces pad the header to at least this size, which leaves room for a larger shape.
[[nodiscard]] std::string npy_f32_header(std::span<const std::size_t> shape, std::size_t least_bytes = 0);

/// A view of such an array in a file's bytes.
struct NpyView {
  std::vector<std::size_t> shape;
  std::span<const std::byte> values;  // float32; possibly unaligned
};
/// @throws Error  kDecode if the bytes are not such a file.
[[nodiscard]] NpyView view_npy_f32(std::span<const std::byte> file, std::string_view name);
struct NpyArray {
  std::vector<std::size_t> shape;
  std::vector<float> values;
};
/// @throws Error  kDecode if the bytes are not such a file.
[[nodiscard]] NpyArray parse_npy_f32(std::span<const std::byte> file, std::string_view name);

}  // namespace fovea
