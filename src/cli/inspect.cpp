// fovea inspect: what a checkpoint is, without running it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/files.hpp"
#include "cli/command.hpp"
#include "cli/flops.hpp"
#include "cli/json_text.hpp"
#include "cli/models.hpp"
#include "cli/options.hpp"
#include "cli/output_stream.hpp"
#include "cli/recipe_options.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

std::string first_labels(const ModelInfo& model) {
  std::string text;
  for (std::size_t c = 0; c < std::min<std::size_t>(model.labels.size(), 5); ++c) {
    text += fmt::format("{}{}", c == 0 ? "" : ", ", model.labels[c].label().value_or(fmt::format("class {}", c)));
  }
  return model.labels.size() > 5 ? text + ", ..." : text;
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
  row("family", a.name.empty() ? a.family : fmt::format("{} ({})", a.family, a.name));
  row("parameters", fmt::format("{}", model.parameters));
  row("input", fmt::format("{}x{} px, patches of {} px, grid {}x{}, {} tokens", a.image_size.height, a.image_size.width,
                           a.patch_size, a.grid().rows, a.grid().cols, a.tokens()));
  row("size", fmt::format("width {}, depth {}, heads {}, MLP {}, norm eps {}", a.embed_dim, a.depth, a.num_heads,
                          a.mlp_hidden_dim, a.norm_eps));
  row("work", fmt::format("{:.2f} GFLOP an image", gflop_per_image(a)));
  row("read-out", fmt::format("{}, {} classes", name(a.read_out), a.num_classes));
  row("preprocessing", recipe.name);
  for (const std::string& line : describe(recipe)) row("", line);
  row("", "from " + model.recipe_source);
  row("labels", first_labels(model));
  for (const std::string& assumption : model.assumptions) row("assumed", assumption);
  if (!verbose) return text;
  text += fmt::format("\n{} tensors\n", model.tensors.size());
  for (const TensorInfo& tensor : model.tensors) {
    text += fmt::format("  {:<5}{:<24}{}\n", tensor.dtype, fmt::format("[{}]", fmt::join(tensor.shape, ", ")),
                        printable(tensor.name));
  }
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

std::string json_of(const ModelInfo& model, bool verbose) {
  const Architecture& a = model.architecture;
  const PreprocessRecipe& recipe = model.recipe;
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "model").add("name", model.name).add("path", model.path.string());
  json.add("format", model.format).add("family", a.family).add("architecture", a.name).add("dtype", model.dtype);
  json.add("parameters", model.parameters).add("weight_bytes", model.weight_bytes);
  json.add_raw("image_size", fmt::format("[{}, {}]", a.image_size.height, a.image_size.width));
  json.add("patch_size", a.patch_size).add("embed_dim", a.embed_dim).add("depth", a.depth);
  json.add("num_heads", a.num_heads).add("mlp_hidden_dim", a.mlp_hidden_dim).add("num_classes", a.num_classes);
  json.add("num_prefix_tokens", a.num_prefix_tokens).add("tokens", a.tokens());
  json.add("norm_eps", a.norm_eps).add("read_out", name(a.read_out));
  json.add("gflop_per_image", gflop_per_image(a));
  const JsonObject preprocessing = recipe_json(recipe, model.recipe_source);
  json.add("preprocessing", preprocessing).add_raw("labels", labels_json(model));
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
  explicit Inspect(CLI::App& app) { add_choice(app, "-f,--format", format_, {"text", "json"}, "what to print"); }

  int run() override {
    if (operands.size() > 1) {
      throw Error(ErrorCode::kUsage, fmt::format("{} models are given, expected one", operands.size()));
    }
    const ModelInfo model = inspect_model(find_model(operands.empty() ? common.model : operands.front()));
    print(format_ == "json" ? json_of(model, common.verbose) : text_of(model, common.verbose));
    return 0;
  }

 private:
  std::string format_ = "text";
};

}  // namespace

const Verb inspect_verb = {"inspect",
                           "Say what a model is: sizes, read-out, preprocessing, labels, tensors",
                           "[MODEL]",
                           "a model's folder or file, or the name of one; as -m",
                           {"fovea inspect                            # the default model",
                            "fovea inspect model.safetensors -v       # with all tensors",
                            "fovea inspect path/to/model -f json | jq .preprocessing"},
                           false,
                           [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Inspect>(app); }};

}  // namespace fovea::cli
