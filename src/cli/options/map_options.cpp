#include "cli/options/map_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "cli/options/options.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

constexpr std::string_view kSheetMethod = "attention";
constexpr std::size_t kLongestOverlay = 1'000'000;  // px

/// An option whose value lies in 0..1.
template <typename Value>
CLI::Option* add_share(CLI::App& app, const std::string& flag, Value& value, const std::string& about,
                       const NumberRange& range = {}) {
  return require_number(app.add_option(flag, value, about), range)->type_name("0..1");
}

// All but 0 or all but 1: nothing would be left of the map at that end.
constexpr NumberRange kBelowOne{0, 1, false, true};
constexpr NumberRange kAboveZero{0, 1, true, false};

void add_style_options(CLI::App& app, MapFlags& flags) {
  const std::string group = "Maps";
  add_choice(
      app, "--style", flags.map_style, {"heat", "contour", "mask"},
      "heat: the map's colours over the picture; contour: lines around the highest half, quarter and tenth of the "
      "patches; mask: only the parts of the picture where the map is high")
      ->group(group);
  add_share(app, "--mask-threshold", flags.style.mask_threshold,
            "mask: values above this share of the map's range count as high")
      ->capture_default_str()
      ->group(group);
  add_share(app, "--alpha", flags.style.alpha, "heat: opacity; 0 shows only the picture, 1 only the map")
      ->capture_default_str()
      ->group(group);
  const std::vector<std::string> colormaps(colormap_names().begin(), colormap_names().end());
  add_choice(app, "--colormap", flags.style.colormap, colormaps, "colours of the map")->group(group);
  app.add_flag("--side-by-side", flags.style.side_by_side, "put the original picture beside the overlay")->group(group);
  app.add_flag("--panel", flags.panel, "also write one picture with all maps side by side, NAME.panel.png")
      ->group(group);
  app.add_flag("--sheet", flags.sheet,
               "attention: also write one picture with all blocks and heads, NAME.attention.sheet.png")
      ->group(group);
  const std::vector<std::string> pictures(picture_format_names().begin(), picture_format_names().end());
  add_choice(app, "--overlay-format", flags.overlay_format, pictures,
             "format of overlays, panels and sheets: png keeps every pixel, webp and jpeg make smaller files")
      ->group(group);
  add_count(app, "--overlay-size", flags.overlay_size, 0,
            "shrink a picture whose longer side has more px than this before the map is drawn on it; 0: never",
            kLongestOverlay)
      ->group(group);
  app.add_flag("--no-caption", flags.no_caption, "leave out the strip with label, probability and scale")->group(group);
  app.add_flag("--save-map", flags.save_map, "also write the raw map, float32 [rows, cols], as .npy")->group(group);
  app.add_option(
         "--map-format", flags.map_formats,
         "write the raw map in this format: npy, png16 (grey, minimum to maximum) or json (the best patches as boxes "
         "in the picture); may be repeated, or separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("{npy|png16|json}")
      ->check(
          [](const std::string& format) -> std::string {
            const std::vector<std::string> formats{"npy", "png16", "json"};
            if (std::find(formats.begin(), formats.end(), format) != formats.end()) return {};
            throw Error(ErrorCode::kUsage,
                        fmt::format("--map-format is '{}', expected one of {}", format, joined(formats, ", ")),
                        did_you_mean(format, formats));
          },
          "")
      ->group(group);
  add_count(app, "--top-patches", flags.top_patches, 1, "json: number of patches")->group(group);
}

PatchPosition parse_query(const std::string& text) {
  PatchPosition query;
  const char* const end = text.data() + text.size();
  const auto row = std::from_chars(text.data(), end, query.row);
  if (row.ec == std::errc() && row.ptr != end && *row.ptr == ',') {
    const auto col = std::from_chars(row.ptr + 1, end, query.col);
    if (col.ec == std::errc() && col.ptr == end) return query;
  }
  throw Error(ErrorCode::kUsage, fmt::format("--query is '{}', expected row,col in patches, such as 3,7", text));
}

ExplainOptions explain_options(const MapFlags& flags) {
  ExplainOptions options = flags.options;
  options.head_fusion = flags.head_fusion == "max"   ? HeadFusion::kMax
                        : flags.head_fusion == "min" ? HeadFusion::kMin
                                                     : HeadFusion::kMean;
  options.compat = flags.compat == "chefer"        ? RolloutCompat::kChefer
                   : flags.compat == "vit-explain" ? RolloutCompat::kVitExplain
                                                   : RolloutCompat::kPaper;
  options.gradients = flags.gradients == "libra" ? Gradients::kLibra : Gradients::kTrue;
  if (flags.gamma) options.gamma = static_cast<float>(*flags.gamma);
  if (flags.discard) options.discard = static_cast<float>(*flags.discard);
  if (flags.mass) options.mass = static_cast<float>(*flags.mass);
  options.residual = static_cast<float>(flags.residual);
  if (!flags.query.empty()) options.query = parse_query(flags.query);
  return options;
}

}  // namespace

CLI::Option* add_methods(CLI::App& app, const std::string& flag, std::vector<std::string>& methods,
                         const std::string& about) {
  CLI::Option* option = app.add_option(flag, methods, about);
  option->delimiter(',')->allow_extra_args(false)->take_all();
  option->type_name("{" + joined(registry_names(explain_methods()), "|") + "}");
  option->check(
      [](const std::string& name) {
        (void)explain_method(name);  // throws, and says which is nearest
        return std::string();
      },
      "");
  return option;
}

CLI::Option* add_gamma(CLI::App& app, std::optional<double>& gamma) {
  CLI::Option* const option =
      app.add_option("--gamma", gamma,
                     "libra, and --gradients libra: in the MLPs and the head, what speaks for a value counts 1 + gamma "
                     "times as much (LRP-gamma); 0.05 is usual [default: 0]");
  return require_number(option, {0, 100})->type_name("NUMBER");
}

void add_explanation_options(CLI::App& app, MapFlags& flags, const DefaultMethods& defaults) {
  const std::string group = "Explanation";
  add_methods(app, "--method", flags.methods,
              fmt::format("explanation method; may be repeated, or separated by commas [default: {}]", defaults.alone))
      ->group(group);
  app.add_option(
         "--target", flags.targets,
         fmt::format("class to explain: top1, topK (one map for each of the K best classes), true (the class that the "
                     "picture's folder is named after), or a class index, WordNet id or name; may be repeated; the "
                     "default of --method is then {}",
                     defaults.with_target))
      ->allow_extra_args(false)
      ->take_all()
      ->default_str("top1")
      ->type_name("CLASS")
      ->group(group);
  if (!defaults.with_why.empty()) {
    const auto add_methods_of_why = [&methods = flags.methods, added = defaults.with_why] {
      for (const std::string& method : added) {
        if (std::find(methods.begin(), methods.end(), method) == methods.end()) methods.push_back(method);
      }
    };
    app.add_flag_callback("--why", add_methods_of_why,
                          fmt::format("why this class: {} of the best class, or of the one that --target names",
                                      joined(defaults.with_why, " and ")))
        ->group(group);
  }
  app.add_option("--against", flags.against,
                 "explain why the target rather than this class (topK: the K-th best class)")
      ->type_name("CLASS")
      ->group(group);
  const auto count = [&](const char* flag, std::size_t& value, std::size_t least, const char* about) {
    add_count(app, flag, value, least, about)->group(group);
  };
  add_choice(app, "--head-fusion", flags.head_fusion, {"mean", "max", "min"}, "how the heads are combined into one")
      ->group(group);
  app.add_flag("--renormalize", flags.options.renormalize,
               "rollout: divide each row by its sum, for --head-fusion max and min")
      ->group(group);
  add_share(app, "--discard", flags.discard,
            "rollout: set this share of the patches in each row, the weakest, to 0 [default: 0]", kBelowOne)
      ->group(group);
  add_share(app, "--residual", flags.residual, "rollout: weight of the residual connection", kBelowOne)
      ->capture_default_str()
      ->group(group);
  add_choice(app, "--compat", flags.compat, {"paper", "vit-explain", "chefer"},
             "rollout: reproduce the numbers of the paper, of vit-explain or of Chefer's code")
      ->group(group);
  add_choice(
      app, "--gradients", flags.gradients, {"true", "libra"},
      "generic, grad-rollout, grad-cam, legrad: which gradients they read; libra holds attention weights, norms' "
      "deviations and activations' gates constant, as the method libra does")
      ->group(group);
  add_gamma(app, flags.gamma)->group(group);
  count("--start-block", flags.options.start_block, 0, "leave out the blocks before this one");
  add_count(app, "--block", flags.options.block, "attention, token-rank: use this block [default: the last]")
      ->group(group);
  add_count(app, "--head", flags.options.head, "attention, token-rank: use this head [default: all, fused]")
      ->group(group);
  app.add_option("--query", flags.query, "attention: show what this patch attends to [default: the read-out]")
      ->type_name("ROW,COL")
      ->group(group);
  add_share(app, "--mass", flags.mass,
            "attention: keep only the fewest patches that hold this share of the attention [default: all]", kAboveZero)
      ->group(group);
  count("--window", flags.options.occlusion_window, 1, "occlusion: side of the hidden square, in patches");
  add_count(app, "--masks", flags.options.masks, "rise, tis: number of masks [default: 1000 for rise, 512 for tis]", 1)
      ->group(group);
  app.add_flag("--faithfulness", flags.faithfulness,
               "measure how far each map can be trusted: deletion and insertion beside random maps, agreement between "
               "methods")
      ->group(group);
  add_choice(app, "--substrate", flags.substrate, {"paint", "drop"},
             "--faithfulness and --compare: patches are painted over, or their tokens are left out")
      ->group(group);
  add_count(app, "--seed", flags.options.seed, 0, "seed of all random numbers")->group(group);
}

void add_map_options(CLI::App& app, MapFlags& flags, const DefaultMethods& defaults) {
  add_explanation_options(app, flags, defaults);
  add_count(app, "--shifts", flags.options.shifts, 1,
            "libra: a map of pixels instead of patches, the mean over so many shifts of the picture, down and across; "
            "an odd number, such as 3 [default: a map of patches]")
      ->group("Explanation");
  add_style_options(app, flags);
}

MapPlan map_plan(const MapFlags& flags) {
  MapPlan plan;
  const bool class_is_named = !flags.targets.empty() || flags.against;
  for (const std::string& name : flags.methods) {
    const ExplainMethod* const method = &explain_method(name);
    if (std::find(plan.methods.begin(), plan.methods.end(), method) == plan.methods.end())
      plan.methods.push_back(method);
  }
  if (plan.methods.empty()) plan.methods.push_back(&default_method(class_is_named));
  plan.options = explain_options(flags);
  plan.faithfulness = flags.faithfulness;
  plan.substrate = flags.substrate == "drop" ? Substrate::kDrop : Substrate::kPaint;
  if (class_is_named) {
    require_class_method(plan, fmt::format("--{} is given", flags.targets.empty() ? "against" : "target"));
  }
  return plan;
}

OverlayStyle overlay_style(const MapFlags& flags) {
  OverlayStyle style = flags.style;
  style.style = flags.map_style == "contour" ? MapStyle::kContour
                : flags.map_style == "mask"  ? MapStyle::kMask
                                             : MapStyle::kHeat;
  style.caption = !flags.no_caption;
  style.longest_side = static_cast<int>(flags.overlay_size);
  return style;
}

OutputLayout output_layout(const MapFlags& flags, const MapPlan& plan, OutputLayout base) {
  for (const ExplainMethod* method : plan.methods) {
    (method->needs.class_specific() ? base.class_methods : base.methods).emplace_back(method->name);
  }
  const auto saves = [&](std::string_view format) {
    return std::find(flags.map_formats.begin(), flags.map_formats.end(), format) != flags.map_formats.end();
  };
  base.format = picture_format(flags.overlay_format);
  base.libra_gradients = plan.options.gradients == Gradients::kLibra;
  base.save_maps = saves("npy") || (flags.save_map && flags.map_formats.empty());
  base.save_gray_maps = saves("png16");
  base.save_top_patches = saves("json");
  base.panel = flags.panel;
  base.attention_sheet = flags.sheet;
  if (flags.sheet && std::find(base.methods.begin(), base.methods.end(), kSheetMethod) == base.methods.end()) {
    throw Error(ErrorCode::kUsage, "--sheet without --method attention, expected both",
                "the sheet shows the attention of all blocks and heads");
  }
  return base;
}

std::map<std::string, std::string> option_texts(const MapFlags& flags, const PictureOptions& pictures) {
  std::vector<std::string> variants;  // says every option that a method reads
  for (const ExplainMethod* method : pictures.maps.methods) {
    variants.push_back(fmt::format("{} ({})", method->name, method->variant(pictures.maps.options)));
  }
  std::map<std::string, std::string> texts{{"method", joined(variants, "; ")},
                                           {"alpha", fmt::format("{}", pictures.style.alpha)},
                                           {"colormap", pictures.style.colormap},
                                           {"side-by-side", pictures.style.side_by_side ? "true" : "false"},
                                           {"caption", pictures.style.caption ? "true" : "false"},
                                           {"save-map", pictures.layout.save_maps ? "true" : "false"}};
  texts["style"] = flags.map_style;
  if (flags.overlay_format != "png") texts["overlay-format"] = flags.overlay_format;
  if (flags.overlay_size > 0) texts["overlay-size"] = std::to_string(flags.overlay_size);
  if (pictures.style.style == MapStyle::kMask) {
    texts["mask-threshold"] = fmt::format("{}", pictures.style.mask_threshold);
  }
  if (flags.panel) texts["panel"] = "true";
  if (flags.sheet) texts["sheet"] = "true";
  if (flags.faithfulness) {
    texts["faithfulness"] = fmt::format("{}, seed {}", name(pictures.maps.substrate), flags.options.seed);
  }
  if (!flags.map_formats.empty()) texts["map-format"] = joined(flags.map_formats, ",");
  if (pictures.layout.save_top_patches) texts["top-patches"] = std::to_string(flags.top_patches);
  if (!flags.targets.empty()) texts["target"] = joined(flags.targets, ",");
  if (flags.against) texts["against"] = *flags.against;
  return texts;
}

}  // namespace fovea::cli
