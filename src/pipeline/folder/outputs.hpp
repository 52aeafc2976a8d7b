// The names of the files made from an input; no file is written over another or over an input.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/codec/encode.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/folder/run_files.hpp"
#include "report/record.hpp"

namespace fovea {

/// Which files are made for each input, all below one folder.
struct OutputLayout {
  std::filesystem::path folder;                // empty: none
  PictureFormat format = PictureFormat::kPng;  // of overlays, panels and sheets
  std::string maps;                            // folder of overlays and maps below it, with a slash; may be empty
  std::vector<std::string> methods;            // an overlay for each
  std::vector<std::string> class_methods;      // one overlay of each for each class that is explained
  bool save_maps = false;                      // and beside it the raw map,
  bool save_gray_maps = false;                 // the map as 16-bit grey,
  bool save_top_patches = false;               // a list of the best patches
  bool panel = false;                          // one picture of all maps
  bool attention_sheet = false;                // one picture of the attention of all blocks and heads
  bool thumbnails = false;
  bool libra_gradients = false;  // what methods that read gradients read: their files' names say it

  /// "rollout", "generic.32", "generic-libra.32-967"
  [[nodiscard]] std::string stem(std::string_view method, const std::optional<MapTarget>& target) const;
};

/// "rollout", "generic.32", "generic.32-967"
[[nodiscard]] std::string map_stem(std::string_view method, const std::optional<MapTarget>& target);
/// Relative to the layout's folder: "overlays/cats/tom.jpg.rollout.png", or with the ending of another format.
[[nodiscard]] std::string overlay_name(const OutputLayout& layout, const Input& input, std::string_view stem);
/// "overlays/cats/tom.jpg.rollout.npy"
[[nodiscard]] std::string map_name(const OutputLayout& layout, const Input& input, std::string_view stem);
/// "overlays/cats/tom.jpg.rollout.map.png"
[[nodiscard]] std::string gray_map_name(const OutputLayout& layout, const Input& input, std::string_view stem);
/// "overlays/cats/tom.jpg.rollout.json"
[[nodiscard]] std::string top_patches_name(const OutputLayout& layout, const Input& input, std::string_view stem);
/// "overlays/cats/tom.jpg.panel.png"
[[nodiscard]] std::string panel_name(const OutputLayout& layout, const Input& input);
/// "overlays/cats/tom.jpg.attention.sheet.png"
[[nodiscard]] std::string attention_sheet_name(const OutputLayout& layout, const Input& input);
/// "thumbs/cats/tom.jpg.jpg"
[[nodiscard]] std::string thumbnail_name(const Input& input);
/// All files of this input whose names do not depend on what the model says, relative to the layout's folder.
[[nodiscard]] std::vector<std::string> output_names(const OutputLayout& layout, const Input& input);

/// The names of all files that a record claims, relative to the layout's folder.
[[nodiscard]] std::vector<std::string> files_of(const Record& record);

/// Before anything is written. An input whose output name no file system takes becomes a failure of its own.
/// @throws Error  kUsage if two inputs would make one file, or a file would be written over one that is read.
void check_outputs(const OutputLayout& layout, std::vector<Input>& inputs, const RunFiles& files);

}  // namespace fovea
