// The flags that say which maps are made, of which classes, and how they are drawn.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "fovea/explain.hpp"
#include "fovea/model.hpp"
#include "image/overlay/overlay.hpp"
#include "pipeline/pictures.hpp"

namespace fovea::cli {

struct MapFlags {
  std::vector<std::string> methods;
  std::vector<std::string> targets;
  std::string against;  // empty is not given
  std::string head_fusion = "mean";
  std::string compat = "paper";
  std::string query;  // "row,col"; empty is not given
  std::optional<double> discard;
  std::optional<double> mass;
  double residual = 0.5;
  ExplainOptions options;  // those that are parsed in place
  OverlayStyle style;
  std::string map_style = "heat";
  bool no_caption = false;
  bool save_map = false;
  std::vector<std::string> map_formats;  // of the saved maps; none: .npy where save_map is given
  std::size_t top_patches = 10;
  bool panel = false;
  bool sheet = false;
  bool faithfulness = false;
};
/// Which maps, of which classes; not how they are drawn.
void add_explanation_options(CLI::App& app, MapFlags& flags);
/// The same, and how they are drawn.
void add_map_options(CLI::App& app, MapFlags& flags);

/// Fills what concerns maps and can be said before the model is known: methods, style, what files are called.
/// @throws Error  kUsage for options that contradict each other.
void apply_map_flags(const MapFlags& flags, PictureOptions& options);
/// The rest: which classes are explained, and whether the options fit the model.
/// @throws Error  kUsage for a class that is none, a block or head that the model does not have, ...
void apply_map_flags(const MapFlags& flags, const ModelInfo& model, PictureOptions& options);

/// By flag name, as text: for summary.json and the fingerprint of a run.
[[nodiscard]] std::map<std::string, std::string> option_texts(const MapFlags& flags, const PictureOptions& pictures);

}  // namespace fovea::cli
