#include "pipeline/maps/map_files.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "base/text.hpp"
#include "explain/pixel_map.hpp"
#include "fovea/version.hpp"
#include "image/overlay/panel.hpp"
#include "pipeline/maps/captions.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

/// The range of the finite values; 0 and 0 where there are none.
struct Range {
  float low = 0;
  float high = 0;
};
Range range_of(std::span<const float> values) {
  Range range{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  return range.low <= range.high ? range : Range{};
}

/// Minimum to maximum as 0 to 65535; what is not finite as the minimum.
std::vector<std::uint16_t> gray_levels(std::span<const float> values) {
  const Range range = range_of(values);
  const double scale = range.high > range.low ? 65535.0 / (double{range.high} - double{range.low}) : 0.0;
  std::vector<std::uint16_t> levels;
  levels.reserve(values.size());
  for (const float value : values) {
    const double above = std::isfinite(value) ? double{value} - double{range.low} : 0.0;
    levels.push_back(static_cast<std::uint16_t>(std::lround(above * scale)));
  }
  return levels;
}

/// 0 as 32768, and the largest absolute value 32767 from it; what is not finite as 0.
std::vector<std::uint16_t> signed_gray_levels(std::span<const float> values) {
  const Range range = range_of(values);
  const double largest = std::max(std::abs(double{range.low}), std::abs(double{range.high}));
  const double scale = largest > 0 ? 32767.0 / largest : 0.0;
  std::vector<std::uint16_t> levels;
  levels.reserve(values.size());
  for (const float value : values) {
    const double away = std::isfinite(value) ? double{value} * scale : 0.0;
    levels.push_back(static_cast<std::uint16_t>(32768 + std::lround(away)));
  }
  return levels;
}

std::string numbered_class(std::size_t index, const std::optional<std::string>& label) {
  return label ? fmt::format("{} {}", index, *label) : std::to_string(index);
}

}  // namespace

void PictureFiles::write(const std::string& name, std::span<const std::byte> content) {
  replace_file(folder_ / name, content);
  sizes_[to_utf8(name)] = content.size();
}

MapRecord MapFiles::map_record(const ExplainedMap& map) const {
  MapRecord record;
  record.method = map.method->name;
  record.variant = map.method->variant(options_.maps.options);
  if (map.target) record.target = described(*map.target, class_space(model_, options_));
  record.constant = is_constant(map.heatmap.values);
  record.sum = map.sum;
  record.faithfulness = map.faithfulness;
  return record;
}

MapRecord MapFiles::write(const ExplainedPicture& picture, const ExplainedMap& map) const {
  const OutputLayout& layout = options_.layout;
  const Heatmap& heatmap = map.heatmap;
  MapRecord record = map_record(map);
  if (layout.folder.empty()) return record;
  const std::string stem = layout.stem(record.method, record.target);
  const std::vector<PictureText> texts = map_texts(record, heatmap);

  OverlayCaption caption =
      map_caption(*map.method, record, picture.predictions, picture.probabilities, picture.unknown);
  if (picture.outliers) caption.variant += fmt::format("; {} outlier tokens", picture.outliers->patches);
  const Heatmap drawn = drawn_map(heatmap, picture.picture.grid);
  const Image overlay =
      draw_overlay(picture.picture.original, {drawn.values, drawn.grid.rows, drawn.grid.cols}, picture.picture.geometry,
                   options_.style, caption, picture.kept, map.method->is_signed);
  record.overlay = overlay_name(layout, picture.input, stem);
  files_.write(*record.overlay, encode_picture(overlay, layout.format, texts));
  if (layout.save_maps) {
    record.map = map_name(layout, picture.input, stem);
    const std::size_t shape[] = {heatmap.grid.rows, heatmap.grid.cols};
    files_.write(*record.map, npy_f32(heatmap.values, shape));
  }
  if (layout.save_gray_maps) {
    record.gray_map = gray_map_name(layout, picture.input, stem);
    const Size size{static_cast<int>(heatmap.grid.rows), static_cast<int>(heatmap.grid.cols)};
    const auto levels = map.method->is_signed ? signed_gray_levels(heatmap.values) : gray_levels(heatmap.values);
    files_.write(*record.gray_map, encode_png(levels, size, texts));
  }
  if (layout.save_top_patches) {
    record.top_patches = top_patches_name(layout, picture.input, stem);
    const Heatmap sums = patch_sums(heatmap, picture.picture.grid);
    const std::vector<ScoredBox> patches =
        top_patches({sums.values, sums.grid.rows, sums.grid.cols}, picture.picture.geometry, options_.top_patches);
    files_.write(*record.top_patches, top_patches_json(patches));
  }
  return record;
}

std::string MapFiles::write_panel(const ExplainedPicture& picture, const std::vector<ExplainedMap>& maps) const {
  std::vector<PanelMap> cells;
  cells.reserve(maps.size());
  std::vector<Heatmap> drawn;  // outlives the cells
  drawn.reserve(maps.size());
  std::string methods;
  for (const ExplainedMap& map : maps) {
    const Heatmap& values = drawn.emplace_back(drawn_map(map.heatmap, picture.picture.grid));
    const MapRecord record = map_record(map);
    cells.push_back({{values.values, values.grid.rows, values.grid.cols},
                     map_caption(*map.method, record, picture.predictions, picture.probabilities, picture.unknown),
                     map.method->is_signed});
    methods += fmt::format("{}{} ({})", methods.empty() ? "" : "; ", options_.layout.stem(record.method, record.target),
                           record.variant);
  }
  const OverlayCaption original = picture_caption(picture.predictions, picture.unknown);
  std::vector<PictureText> texts = model_texts();
  texts.push_back({"fovea:maps", methods});
  std::string name = panel_name(options_.layout, picture.input);
  const Image panel =
      draw_panel(picture.picture.original, picture.picture.geometry, cells, options_.style, original, picture.kept);
  files_.write(name, encode_picture(panel, options_.layout.format, texts));
  return name;
}

std::string MapFiles::write_sheet(const Input& input, const MapSheet& sheet) const {
  const auto& query = options_.maps.options.query;
  std::vector<PictureText> texts = model_texts();
  texts.push_back({"fovea:method", "attention"});
  texts.push_back({"fovea:variant", "all blocks and heads, of " +
                                        (query ? fmt::format("patch {},{}", query->row, query->col) : "the read-out")});
  std::string name = attention_sheet_name(options_.layout, input);
  const Image image = draw_sheet(sheet, options_.style.colormap);
  files_.write(name, encode_picture(image, options_.layout.format, texts));
  return name;
}

/// Reading a checkpoint through for its hash takes longer than explaining a picture: only `batch`, which needs the hash
/// anyway, has one. The file's name and the number of parameters tell the models of a folder apart.
std::vector<PictureText> MapFiles::model_texts() const {
  std::vector<PictureText> texts{{"Software", "fovea " FOVEA_VERSION},
                                 {"fovea:model", to_utf8(model_.name)},
                                 {"fovea:checkpoint", to_utf8(model_.path.filename().string())},
                                 {"fovea:parameters", std::to_string(model_.parameters)}};
  if (options_.model_sha256.valid()) texts.push_back({"fovea:model_sha256", options_.model_sha256.get()});
  return texts;
}

std::vector<PictureText> MapFiles::map_texts(const MapRecord& record, const Heatmap& heatmap) const {
  std::vector<PictureText> texts = model_texts();
  texts.push_back({"fovea:method", record.method});
  texts.push_back({"fovea:variant", record.variant});
  if (record.target) {
    texts.push_back({"fovea:target", numbered_class(record.target->class_index, record.target->label)});
    if (const auto& against = record.target->against) {
      texts.push_back({"fovea:against", numbered_class(against->class_index, against->label)});
    }
  }
  const Range range = range_of(heatmap.values);
  texts.push_back({"fovea:map_min", fmt::format("{}", range.low)});  // as few digits as read back to the same float
  texts.push_back({"fovea:map_max", fmt::format("{}", range.high)});
  return texts;
}

}  // namespace fovea
