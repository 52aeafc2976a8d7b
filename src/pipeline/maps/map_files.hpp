// The files of a picture's maps: overlays, and what can be computed with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/prediction.hpp"
#include "fovea/session.hpp"
#include "image/codec/encode.hpp"
#include "image/overlay/overlay.hpp"
#include "image/overlay/sheet.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/picture_source.hpp"
#include "pipeline/pictures.hpp"
#include "report/record.hpp"

namespace fovea {

/// The files of one picture, below one folder.
class PictureFiles {
 public:
  explicit PictureFiles(const std::filesystem::path& folder) : folder_(folder) {}
  /// @param name    relative to the folder
  /// @throws Error  kOutput.
  void write(const std::string& name, std::span<const std::byte> content);
  void write(const std::string& name, std::string_view text) { write(name, std::as_bytes(std::span(text))); }
  /// What was written: names as UTF-8, and bytes.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& sizes() const noexcept { return sizes_; }

 private:
  const std::filesystem::path& folder_;
  std::map<std::string, std::uint64_t> sizes_;
};

/// A picture that has been classified and explained.
struct ExplainedPicture {
  const Input& input;
  const LoadedPicture& picture;
  std::span<const float> probabilities;  // [C]
  std::span<const Prediction> predictions;
  std::span<const float> kept;  // [T] what token reduction left of it; empty: everything
  bool unknown = false;         // it is of none of the classes, by the model's own rule
  std::optional<OutlierTokens> outliers = {};
};

/// Writes the files that the options' layout asks for. Every PNG and every JPEG says what made it: version, model,
/// method and its variant, class, and the map's own minimum and maximum.
class MapFiles {
 public:
  /// @param model, options, files  outlive it
  MapFiles(const ModelInfo& model, const PictureOptions& options, PictureFiles& files)
      : model_(model), options_(options), files_(files) {}

  /// The overlay of one map and its values; no file where the layout has no folder.
  /// @return        what is said of the map, and the names of its files
  /// @throws Error  kOutput.
  [[nodiscard]] MapRecord write(const ExplainedPicture& picture, const ExplainedMap& map) const;
  /// All maps beside the picture.
  /// @return        its name
  /// @throws Error  kOutput.
  [[nodiscard]] std::string write_panel(const ExplainedPicture& picture, const std::vector<ExplainedMap>& maps) const;
  /// The attention of all blocks and heads.
  [[nodiscard]] std::string write_sheet(const Input& input, const MapSheet& sheet) const;

 private:
  [[nodiscard]] MapRecord map_record(const ExplainedMap& map) const;  // without the names of files
  [[nodiscard]] std::vector<PictureText> model_texts() const;
  [[nodiscard]] std::vector<PictureText> map_texts(const MapRecord& record, const Heatmap& heatmap) const;

  const ModelInfo& model_;
  const PictureOptions& options_;
  PictureFiles& files_;
};

}  // namespace fovea
