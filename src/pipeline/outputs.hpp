// What the files made from an input are called, and that none of them hits another or an input.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inputs.hpp"

namespace fovea {

/// Which files are made for each input, all below one folder.
struct OutputLayout {
  std::filesystem::path folder;
  std::string maps;                        // folder of overlays and maps below it, with a slash; may be empty
  std::vector<std::string> methods;        // an overlay for each
  std::vector<std::string> class_methods;  // of these one for each class that is explained
  bool save_maps = false;                  // and the raw map beside it
  bool thumbnails = false;
};

/// "rollout", "generic.32", "generic.32-967"
[[nodiscard]] std::string map_stem(std::string_view method, const std::optional<MapTarget>& target);
/// Relative to the layout's folder: "overlays/cats/tom.jpg.rollout.png".
[[nodiscard]] std::string overlay_name(const OutputLayout& layout, const Input& input, std::string_view stem);
/// "overlays/cats/tom.jpg.rollout.npy"
[[nodiscard]] std::string map_name(const OutputLayout& layout, const Input& input, std::string_view stem);
/// "thumbs/cats/tom.jpg.jpg"
[[nodiscard]] std::string thumbnail_name(const Input& input);
/// All files of this input whose names do not depend on what the model says, relative to the layout's folder.
[[nodiscard]] std::vector<std::string> output_names(const OutputLayout& layout, const Input& input);

/// Before anything is written. An input whose output name no file system takes becomes a failure of its own.
/// @throws Error  kUsage if two inputs would make one file, or a file would be written over an input.
void check_outputs(const OutputLayout& layout, std::vector<Input>& inputs);
/// @throws Error  kUsage if `output` is one of the inputs, whatever it is called there.
void check_not_input(const std::filesystem::path& output, std::span<const Input> inputs);

}  // namespace fovea
