// fovea inspect: describes a checkpoint without running it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/files.hpp"
#include "base/json_text.hpp"
#include "cli/command.hpp"
#include "cli/options/model_options.hpp"
#include "cli/options/models.hpp"
#include "cli/options/options.hpp"
#include "cli/options/recipe_options.hpp"
#include "cli/terminal/output_stream.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "model/config/checkpoint_folder.hpp"
#include "model/forward/layer_cost.hpp"
#include "report/record.hpp"

namespace fovea::cli {
namespace {

std::string first_labels(const ModelInfo& model) {
  if (model.labels_source.empty()) return "none";
  std::string text;
  for (std::size_t c = 0; c < std::min<std::size_t>(model.labels.size(), 5); ++c) {
    text += fmt::format("{}{}", c == 0 ? "" : ", ", class_name(model.labels[c].label(), c));
  }
  return model.labels.size() > 5 ? text + ", ..." : text;
}

std::string_view rope_name(Rope rope) {
  switch (rope) {
    case Rope::kNone: return "none";
    case Rope::kEva02: return "eva02";
    case Rope::kDinoV3: return "dinov3";
    case Rope::kMixed: return "mixed";
  }
  return "";
}

std::string grid_text(const Architecture& a) {
  if (a.max_patches > 0) {
    return fmt::format("each picture in its own grid, at most {} patches of {} px", a.max_patches, a.patch_size);
  }
  return fmt::format("{}x{} px, patches of {} px, grid {}x{}", a.image_size.height, a.image_size.width, a.patch_size,
                     a.grid().rows, a.grid().cols);
}

std::string tokens_text(const Architecture& a) {
  if (a.max_patches > 0) return fmt::format("of a square picture {}, patches only", a.tokens());
  if (a.num_prefix_tokens == 0) return fmt::format("{}, patches only", a.tokens());
  return fmt::format("{}, {} before the patches{}", a.tokens(), a.num_prefix_tokens,
                     a.num_register_tokens > 0 ? fmt::format(" ({} registers)", a.num_register_tokens) : "");
}

/// What a block computes, where families differ.
std::string block_text(const Architecture& a) {
  std::string text = fmt::format("{}, eps {}, {}", a.rms_norm ? "RMSNorm" : "layer norm", a.norm_eps,
                                 a.gated_mlp ? "gated MLP (SwiGLU)" : name(a.activation));
  if (a.embed_norm) text += ", norm of the patches";
  if (a.norm_pre) text += ", norm before the first";
  if (a.norm_after) text += ", norms after attention and MLP";
  if (a.parallel_mlp) text += ", MLP parallel to the attention";
  if (a.differential_attention) text += ", differential attention";
  if (!a.kv_dims.empty()) text += ", keys and values shared by several heads";
  if (a.qk_norm) text += ", norm of queries and keys";
  if (a.attention_norm) text += ", norm inside the attention";
  if (a.mlp_norm) text += ", norm inside the MLP";
  return text;
}

std::string positions_text(const Architecture& a) {
  std::vector<std::string> kinds;
  if (a.pos_embed) {
    const PatchGrid trained = a.trained_grid();
    kinds.push_back(fmt::format("learned for {}x{} patches{}", trained.rows, trained.cols,
                                a.max_patches > 0     ? ", resampled to each picture's grid"
                                : trained == a.grid() ? ""
                                                      : ", resampled"));
  }
  if (a.relative_position_bias) kinds.emplace_back("relative position bias");
  if (a.rope != Rope::kNone) kinds.push_back(fmt::format("rotary ({})", rope_name(a.rope)));
  return kinds.empty() ? "none" : fmt::format("{}", fmt::join(kinds, "; "));
}

std::string read_out_text(const Architecture& a) {
  std::string text{name(a.read_out)};
  if (a.read_out_blocks > 1) text += fmt::format(" (class token of the last {} blocks)", a.read_out_blocks);
  if (!a.final_norm) text += ", no final norm before it";
  if (a.fc_norm) text += ", normalised";
  if (a.projection_dim > 0) text += fmt::format(", projected to {}", a.projection_dim);
  return text + (a.num_classes > 0 ? fmt::format(", {} classes", a.num_classes) : ", no head: features only");
}

std::string scores_text(const ModelInfo& model) {
  std::string text;
  if (model.logit_scale) text = fmt::format("logit scale {}", *model.logit_scale);
  if (model.logit_bias) text += fmt::format(", bias {}", *model.logit_bias);
  if (model.multi_label) text += text.empty() ? "sigmoid: multi-label" : ", sigmoid: multi-label";
  if (model.regression) text = "values: regression";
  if (!model.learned.empty()) text = fmt::format("softmax, temperature {:.3g}", model.temperature);
  if (model.unknown) {
    text +=
        fmt::format("; unknown by {} above {:.4g}",
                    model.unknown->by == UnknownRule::By::kEnergy ? "energy" : "distance", model.unknown->threshold);
  }
  return text;
}

std::string tensors_text(const std::vector<TensorInfo>& tensors) {
  std::string text = fmt::format("{} tensors\n", tensors.size());
  for (const TensorInfo& tensor : tensors) {
    text += fmt::format("  {:<5}{:<24}{}\n", tensor.dtype, fmt::format("[{}]", fmt::join(tensor.shape, ", ")),
                        printable(tensor.name));
  }
  return text;
}

std::string text_of(const ModelInfo& model, bool verbose) {
  const Architecture& a = model.architecture;
  const PreprocessRecipe& recipe = model.recipe;
  std::string text;
  const auto row = [&](std::string_view key, const std::string& value) {
    text += fmt::format("{:<14}{}\n", key, value);
  };
  row("name", model.name);
  row("file", printable(model.path));
  row("format",
      fmt::format("{}, {}, {:.1f} MB", model.format, model.dtype, static_cast<double>(model.weight_bytes) / 1e6));
  if (const auto& c = model.cascade) {
    row("cascade", fmt::format("{} first; scores nearer than {:.3f} again in full (measured on {} pictures)",
                               name(c->quick), c->margin(), c->pictures));
  }
  if (!model.weights_key.empty()) row("weights", "under " + printable(model.weights_key));
  if (!model.stripped.empty()) row("", "names without " + model.stripped);
  for (const std::string& key : model.ignored_config) row("ignored", printable(key) + " of its config");
  row("family", a.name.empty() ? a.family : fmt::format("{} ({})", a.family, a.name));
  row("parameters", fmt::format("{}", model.parameters));
  row("input", grid_text(a));
  row("tokens", tokens_text(a));
  row("positions", positions_text(a));
  row("size", fmt::format("width {}, depth {}, heads {}, MLP {}", a.embed_dim, a.depth, a.num_heads, a.mlp_hidden_dim));
  row("blocks", block_text(a));
  row("work", fmt::format("{:.2f} GFLOP {}", gflop_per_image(a), a.max_patches > 0 ? "a square image" : "an image"));
  row("read-out", read_out_text(a));
  if (const std::string scores = scores_text(model); !scores.empty()) row("scores", scores);
  row("preprocessing", recipe.name);
  for (const std::string& line : describe(recipe)) row("", line);
  row("", "from " + model.recipe_source);
  row("labels", first_labels(model));
  if (!model.labels_source.empty()) row("", "from " + model.labels_source);
  if (!model.learned.empty()) row("learned", "by fovea learn: -f json says how");
  for (const std::string& assumption : model.assumptions) row("assumed", assumption);
  if (!verbose) return text;
  text += "\n" + tensors_text(model.tensors);
  return text;
}

template <typename Numbers>
std::string numbers(const Numbers& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

std::string labels_json(const ModelInfo& model) {
  std::vector<std::string> labels;
  for (const ClassLabel& label : model.labels) {
    JsonObject one;
    const auto short_label = label.label();
    one.add_raw("label", short_label ? json_quoted(*short_label) : "null");
    if (label.description) one.add("description", *label.description);
    if (label.synset) one.add("synset", *label.synset);
    labels.push_back(one.line());
  }
  return json_array(labels);
}

/// Adds the properties in which families differ.
void add_kinds(const Architecture& a, JsonObject& json) {
  json.add("norm", a.rms_norm ? "rms" : "layer").add("norm_eps", a.norm_eps).add("norm_pre", a.norm_pre);
  json.add("qk_norm", a.qk_norm).add("activation", name(a.activation)).add("gated_mlp", a.gated_mlp);
  json.add("mlp_norm", a.mlp_norm).add("pos_embed", a.pos_embed);
  json.add_raw("pos_embed_grid", fmt::format("[{}, {}]", a.pos_embed_grid.rows, a.pos_embed_grid.cols));
  json.add("relative_position_bias", a.relative_position_bias).add("rope", rope_name(a.rope));
  json.add("read_out", name(a.read_out)).add("read_out_blocks", a.read_out_blocks).add("final_norm", a.final_norm);
  json.add("fc_norm", a.fc_norm).add("projection_dim", a.projection_dim);
}

std::string json_of(const ModelInfo& model, bool verbose) {
  const Architecture& a = model.architecture;
  const PreprocessRecipe& recipe = model.recipe;
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "model").add("name", model.name).add("path", model.path.string());
  json.add("format", model.format).add("family", a.family).add("architecture", a.name).add("dtype", model.dtype);
  json.add_raw("weights", model.weights_key.empty() ? "null" : json_quoted(model.weights_key));
  json.add_raw("stripped", model.stripped.empty() ? "null" : json_quoted(model.stripped));
  std::vector<std::string> ignored;
  for (const std::string& key : model.ignored_config) ignored.push_back(json_quoted(key));
  json.add_raw("ignored_config", json_array(ignored));
  json.add("parameters", model.parameters).add("weight_bytes", model.weight_bytes);
  if (const auto& c = model.cascade) {
    JsonObject cascade;
    cascade.add("precision", name(c->quick)).add("margin", c->margin()).add("pictures", c->pictures);
    json.add("cascade", cascade.add("largest", c->largest).add("rms", c->rms).add("risk", c->risk));
  }
  json.add_raw("image_size", fmt::format("[{}, {}]", a.image_size.height, a.image_size.width));
  if (a.max_patches > 0) json.add("max_patches", a.max_patches);
  json.add("patch_size", a.patch_size).add("embed_dim", a.embed_dim).add("depth", a.depth);
  json.add("num_heads", a.num_heads).add("mlp_hidden_dim", a.mlp_hidden_dim).add("num_classes", a.num_classes);
  json.add("num_prefix_tokens", a.num_prefix_tokens).add("num_register_tokens", a.num_register_tokens);
  json.add("tokens", a.tokens()).add("feature_dim", a.feature_dim());
  add_kinds(a, json);
  json.add_raw("logit_scale", model.logit_scale ? json_number(*model.logit_scale) : "null");
  json.add_raw("logit_bias", model.logit_bias ? json_number(*model.logit_bias) : "null");
  json.add("multi_label", model.multi_label).add("regression", model.regression);
  json.add("gflop_per_image", gflop_per_image(a));
  const JsonObject preprocessing = recipe_json(recipe, model.recipe_source);
  json.add("preprocessing", preprocessing).add_raw("labels", labels_json(model));
  json.add_raw("labels_source", model.labels_source.empty() ? "null" : json_quoted(model.labels_source));
  if (!model.learned.empty()) json.add_raw("learned", model.learned).add("temperature", model.temperature);
  if (model.unknown) json.add("unknown_threshold", model.unknown->threshold);
  std::vector<std::string> assumptions;
  for (const std::string& assumption : model.assumptions) assumptions.push_back(json_quoted(assumption));
  json.add_raw("assumptions", json_array(assumptions));
  if (verbose) {
    std::vector<std::string> tensors;
    for (const TensorInfo& tensor : model.tensors) {
      JsonObject one;
      one.add("name", tensor.name).add("dtype", tensor.dtype).add_raw("shape", numbers(tensor.shape));
      tensors.push_back(one.line());
    }
    json.add_raw("tensors", json_array(tensors));
  }
  return json.lines();
}

class Inspect : public Command {
 public:
  explicit Inspect(CLI::App& app) {
    add_choice(app, "-f,--format", format_, {"text", "json"}, "what to print");
    app.add_option("--labels", labels_, "class names, one a line in class order, or JSON")->type_name("FILE");
    add_model_options(app, model_);
  }

  int run() override {
    if (operands.size() > 1) {
      throw Error(ErrorCode::kUsage, fmt::format("the number of models is {}, expected one", operands.size()));
    }
    LoadOptions options = load_options(model_);
    if (!labels_.empty()) options.labels = labels_;
    const std::filesystem::path path = find_model(operands.empty() ? common.model : operands.front(), common.quiet);
    const ModelInfo model = inspect_or_list(path, options);
    print(format_ == "json" ? json_of(model, common.verbose) : text_of(model, common.verbose));
    return 0;
  }

 private:
  /// What is no model that is known still has tensors to look at: with -v they are listed before the error.
  [[nodiscard]] ModelInfo inspect_or_list(const std::filesystem::path& path, const LoadOptions& options) const {
    try {
      return inspect_model(path, options);
    } catch (const Error& error) {
      if (common.verbose && format_ == "text" && error.code() == ErrorCode::kCheckpoint) {
        print(tensors_text(list_tensors(path, options)));
        const bool this_command = error.hint().find("inspect -v") != std::string::npos;
        throw Error(
            error.code(), error.what(),
            this_command ? "GUIDE.md lists the families that are read, and how their files look" : error.hint());
      }
      throw;
    }
  }
  ModelFlags model_;
  std::string labels_;
  std::string format_ = "text";
};

}  // namespace

const Verb inspect_verb = {"inspect",
                           "Describe a model: sizes, read-out, preprocessing, labels, tensors",
                           "[MODEL]",
                           "a model's folder, file or name, as for -m",
                           {"fovea inspect                            # the default model",
                            "fovea inspect model.safetensors -v       # with all tensors",
                            "fovea inspect path/to/model -f json | jq .preprocessing"},
                           false,
                           [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Inspect>(app); }};

}  // namespace fovea::cli
