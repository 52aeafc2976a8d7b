#include "model/config/text_embeddings.hpp"

#include <fmt/core.h>

#include <cmath>
#include <span>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "model/config/labels.hpp"

namespace fovea {
namespace {

constexpr const char* kTensor = "embeddings";
constexpr const char* kHowToMakeThem =
    "GUIDE.md shows under 'Classes by text' how transformers and open_clip make such a file";

std::vector<ClassLabel> labels_of(const Checkpoint& checkpoint, const std::filesystem::path& labels,
                                  const std::string& file) {
  if (!labels.empty()) return read_labels(labels);
  const auto metadata = checkpoint.metadata();
  const auto found = metadata.find("labels");
  if (found == metadata.end()) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: there are no labels in its metadata, expected a JSON array", file),
                "--labels takes their names from a file");
  }
  return parse_labels(found->second, fmt::format("{}: labels", file));
}

TextEmbeddings read(const std::filesystem::path& file, const std::filesystem::path& labels) {
  const std::string shown = printable(file);
  const auto checkpoint = open_checkpoint(file);
  const TensorView* tensor = checkpoint->find(kTensor);
  if (tensor == nullptr || tensor->shape.size() != 2 || tensor->numel() == 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: tensor '{}' is {}, expected [classes, width]", shown, kTensor,
                            tensor == nullptr ? "not there" : shape_text(tensor->shape)),
                kHowToMakeThem);
  }
  TextEmbeddings text{shown, tensor->shape[1], to_float(*tensor), labels_of(*checkpoint, labels, shown)};
  check_label_count(text.labels.size(), tensor->shape[0], labels.empty() ? shown : printable(labels));
  return text;
}

}  // namespace

TextEmbeddings read_text_embeddings(const std::filesystem::path& file, const std::filesystem::path& labels) {
  try {
    return read(file, labels);
  } catch (const Error& error) {
    throw Error(ErrorCode::kUsage, error.what(), error.hint().empty() ? kHowToMakeThem : error.hint());
  }
}

TextEmbeddings with_unit_rows(TextEmbeddings text) {
  for (std::size_t c = 0; c < text.labels.size(); ++c) {
    const std::span<float> row = std::span(text.rows).subspan(c * text.width, text.width);
    double squares = 0;
    for (const float value : row) squares += static_cast<double>(value) * static_cast<double>(value);
    const double length = std::sqrt(squares);
    if (!(length > 0) || !std::isfinite(length)) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: row {} of `embeddings` has length {}, expected a finite one above 0", text.source, c,
                              length));
    }
    for (float& value : row) value = static_cast<float>(static_cast<double>(value) / length);
  }
  return text;
}

}  // namespace fovea
