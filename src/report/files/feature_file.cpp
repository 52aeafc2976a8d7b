#include "report/files/feature_file.hpp"

#include <fmt/format.h>

#include <bit>
#include <cassert>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/files.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

constexpr std::size_t kLengthBytes = 8;  // of the field that holds the header's length, itself a multiple of 8

static_assert(std::endian::native == std::endian::little, "values are written in memory order");

bool is_safetensors(const std::filesystem::path& path) {
  FeatureFile::check_name(path);
  return path.extension() == ".safetensors";
}

std::size_t values_of(std::span<const std::size_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

/// The header's length, then JSON, then spaces (https://github.com/huggingface/safetensors).
std::string safetensors_header(const std::vector<std::size_t>& shape,
                               const std::map<std::string, std::string>& metadata, std::size_t least_bytes) {
  using Json = nlohmann::ordered_json;
  Json header;
  for (const auto& [key, text] : metadata) header["__metadata__"][key] = text;
  header["features"] = {
      {"dtype", "F32"}, {"shape", shape}, {"data_offsets", {std::size_t{0}, values_of(shape) * sizeof(float)}}};
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::size_t length = std::max(text.size(), least_bytes - std::min(least_bytes, kLengthBytes));
  text.resize((length + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
  std::string bytes;
  bytes.reserve(kLengthBytes + text.size());
  for (std::size_t i = 0; i < kLengthBytes; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xFFU);
  return bytes + text;
}

}  // namespace

FeatureFile::FeatureFile(const std::filesystem::path& path, std::vector<std::size_t> row_shape, std::size_t most_rows,
                         std::map<std::string, std::string> metadata)
    : safetensors_(is_safetensors(path)),
      row_shape_(std::move(row_shape)),
      metadata_(std::move(metadata)),
      most_rows_(most_rows),
      header_bytes_(header(most_rows, 0).size()),
      missing_(values_of(row_shape_), std::numeric_limits<float>::quiet_NaN()),
      file_(path) {
  file_.append(header(most_rows, header_bytes_));
}

void FeatureFile::append(std::span<const float> row) {
  assert(row.empty() || row.size() == missing_.size());
  file_.append(std::as_bytes(row.empty() ? std::span<const float>(missing_) : row));
  ++rows_;
}

void FeatureFile::finish() {
  // The header was sized for the most rows, so fewer rows fit. A stream can have no fewer.
  if (rows_ < most_rows_) file_.overwrite(0, header(rows_, header_bytes_));
  file_.commit();
}

void FeatureFile::check_name(const std::filesystem::path& path) {
  if (path.extension() == ".npy" || path.extension() == ".safetensors") return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: the feature file's extension is '{}', expected .npy or .safetensors", printable(path),
                          printable(path.extension())),
              "for example: -o features.npy");
}

std::string FeatureFile::header(std::size_t rows, std::size_t least_bytes) const {
  std::vector<std::size_t> shape{rows};
  shape.insert(shape.end(), row_shape_.begin(), row_shape_.end());
  return safetensors_ ? safetensors_header(shape, metadata_, least_bytes) : npy_f32_header(shape, least_bytes);
}

}  // namespace fovea
