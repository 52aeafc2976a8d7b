// The flags that say which maps are made, of which classes, and how they are drawn.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "fovea/explain.hpp"
#include "image/overlay/overlay.hpp"
#include "pipeline/pictures.hpp"

namespace fovea::cli {

struct MapFlags {
  std::vector<std::string> methods;
  std::vector<std::string> targets;
  std::optional<std::string> against;
  std::string head_fusion = "mean";
  std::string compat = "paper";
  std::string gradients = "true";
  std::optional<double> gamma;
  std::string query;  // "row,col"; empty is not given
  std::optional<double> discard;
  std::optional<double> mass;
  double residual = 0.5;
  ExplainOptions options;  // those that are parsed in place
  OverlayStyle style;
  std::string map_style = "heat";
  bool no_caption = false;
  std::string overlay_format = "png";
  std::size_t overlay_size = 0;  // px; 0: pictures are drawn on as they are
  bool save_map = false;
  std::vector<std::string> map_formats;  // of the saved maps; none: .npy where save_map is given
  std::size_t top_patches = 10;
  bool panel = false;
  bool sheet = false;
  bool faithfulness = false;
  std::string substrate = "paint";
};
/// An option that takes names of methods, more than once or separated by commas.
CLI::Option* add_methods(CLI::App& app, const std::string& flag, std::vector<std::string>& methods,
                         const std::string& about);
/// The γ of libra's backward pass; none: 0.
CLI::Option* add_gamma(CLI::App& app, std::optional<double>& gamma);
/// The methods where --method is not given, as the help names them.
struct DefaultMethods {
  std::string alone = "rollout";
  std::string with_target = "libra";
  std::vector<std::string> with_why = {"libra"};  // what --why adds to the methods; empty: the verb has no such option
};
/// Which maps of which classes, without how they are drawn.
void add_explanation_options(CLI::App& app, MapFlags& flags, const DefaultMethods& defaults = {});
/// Which maps of which classes, and how they are drawn.
void add_map_options(CLI::App& app, MapFlags& flags, const DefaultMethods& defaults = {});

/// The methods and their options, without classes: those are known with the model.
/// @throws Error  kUsage for options that contradict each other.
[[nodiscard]] MapPlan map_plan(const MapFlags& flags);
[[nodiscard]] OverlayStyle overlay_style(const MapFlags& flags);
/// @param base    the folder, and what is written there beside maps
/// @return        `base` with the files of the plan's maps
/// @throws Error  kUsage for a sheet without the method that it belongs to.
[[nodiscard]] OutputLayout output_layout(const MapFlags& flags, const MapPlan& plan, OutputLayout base);

/// By flag name, as text: for summary.json and the fingerprint of a run.
[[nodiscard]] std::map<std::string, std::string> option_texts(const MapFlags& flags, const PictureOptions& pictures);

}  // namespace fovea::cli
