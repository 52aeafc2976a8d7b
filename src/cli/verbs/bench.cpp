// fovea bench: how fast this model is on this machine, beside what the machine can do.
#include "pipeline/bench/bench.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/files.hpp"
#include "base/pending_file.hpp"
#include "cli/command.hpp"
#include "cli/options/map_options.hpp"
#include "cli/options/model_options.hpp"
#include "cli/options/models.hpp"
#include "cli/options/options.hpp"
#include "cli/options/token_reduction_options.hpp"
#include "cli/terminal/bench_output.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/run_note.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/precision.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/folder/run_files.hpp"
#include "report/files/roofline.hpp"

namespace fovea::cli {
namespace {

class Bench : public Command {
 public:
  explicit Bench(CLI::App& app) : app_(app) {
    app.add_option("--arch", arch_, "a random model of timm's name instead of a file")->type_name("NAME");
    require_number(app.add_option("--seconds", seconds_, "how long to measure the forward pass"), {0.1, 3600})
        ->capture_default_str()
        ->type_name("S");
    app.add_option("--folder", folder_, "also the throughput over the images of this folder")->type_name("DIR");
    add_methods(app, "--method", methods_, "also what this explanation costs; may be repeated, or separated by commas")
        ->default_str(std::string(explain_methods().front().name));
    add_gamma(app, gamma_);
    app.add_flag("--faithfulness", faithfulness_,
                 "also what --faithfulness of the first of these costs, beside as many plain forward passes");
    app.add_flag("--roofline", roofline_, "also each kind of layer's rate beside the machine's peak and bandwidth");
    app.add_option("--svg", svg_, "the roofline as a picture; implies --roofline")->type_name("FILE");
    add_choice(app, "-f,--format", format_, {"text", "json"}, "what to print");
    add_token_reduction_options(app, hard_);
    add_model_options(app, model_);
    add_decode_options(app, decode_);
  }

  int run() override {
    if (operands.size() > 1) {
      throw Error(ErrorCode::kUsage, fmt::format("{} images are given, expected at most one", operands.size()));
    }
    if (!operands.empty() && is_model(operands.front())) {
      throw Error(ErrorCode::kUsage, fmt::format("{}: is a model, expected a picture", printable(operands.front())),
                  hint_for_model(operands.front()));
    }
    claim_threads(common);
    check_place();
    BenchPlan plan;
    plan.model = load();
    RunNote(common).loaded(plan.model->info());
    if (plan.model->quick() && !folder_.empty()) plan.full = load_full();
    plan.threads = common.threads;
    plan.batch = common.batch;
    plan.seconds = seconds_;
    for (const std::string& method : methods_) plan.methods.push_back(&explain_method(method));
    if (methods_.empty()) plan.methods.push_back(&explain_methods().front());
    plan.options.gamma = static_cast<float>(gamma_.value_or(0.0));
    if (!operands.empty()) plan.image = operands.front();
    if (!folder_.empty()) plan.folder = folder_;
    const MapPlan hard = hard_attention(plan.model->info());
    if (app_.count("--keep") + app_.count("--merge") > 0) plan.hard_attention = hard;
    plan.decode = decode_options(decode_, plan.model->info().recipe);
    plan.faithfulness = faithfulness_;
    plan.roofline = roofline_ || !svg_.empty();
    std::optional<PendingFile> picture;
    if (!svg_.empty()) picture.emplace(svg_);  // a place that cannot be written is found before the work
    const BenchReport report = run_bench(plan);
    if (picture) {
      picture->append(roofline_svg(*report.roofline));
      picture->commit();
    }
    print(format_ == "json" ? bench_json(plan, report) : bench_text(plan, report));
    return 0;
  }

 private:
  /// Nothing that the run reads is written over.
  void check_place() const {
    if (svg_.empty()) return;
    std::vector<std::string> pictures = operands;
    if (!folder_.empty()) pictures.push_back(folder_);
    RunFiles files;
    files.reads(list_inputs(pictures, {.recurse = true, .output_folder = {}}));
    files.reads(common.config, "configuration");
    if (arch_.empty()) files.reads_model(find_model(common.model, common.quiet));
    files.writes(svg_);
  }

  [[nodiscard]] std::shared_ptr<const VisionTransformer> load() const {
    const LoadOptions options = load_options(model_);
    if (arch_.empty()) return VisionTransformer::load(find_model(common.model, common.quiet), options);
    Architecture architecture = timm_architecture(arch_);
    if (options.image_size) architecture.image_size = *options.image_size;
    const auto [height, width] = architecture.image_size;
    const auto patch = static_cast<int>(architecture.patch_size);
    if (height % patch != 0 || width % patch != 0) {
      throw Error(ErrorCode::kUsage, fmt::format("--image-size is {}x{}, expected multiples of the patch size, {} px",
                                                 height, width, patch));
    }
    if (options.num_heads) architecture.num_heads = *options.num_heads;
    if (architecture.embed_dim % architecture.num_heads != 0) {
      throw Error(ErrorCode::kUsage, fmt::format("--heads is {}, expected a divisor of the width {}",
                                                 architecture.num_heads, architecture.embed_dim));
    }
    return VisionTransformer::random(architecture, 1, options.precision.value_or(fastest_full_precision()));
  }

  /// The model that a cascade's file holds beside the quick form.
  [[nodiscard]] std::shared_ptr<const VisionTransformer> load_full() const {
    LoadOptions options = load_options(model_);
    options.cascade = false;
    return VisionTransformer::load(find_model(common.model, common.quiet), options);
  }

  [[nodiscard]] MapPlan hard_attention(const ModelInfo& model) const {
    MapPlan plan;
    plan.reduction = token_reduction(hard_);
    plan.draws = hard_.draws;
    check_plan(plan, model);
    return plan;
  }

  const CLI::App& app_;  // knows which flags were given
  TokenReductionFlags hard_;
  ModelFlags model_;
  DecodeFlags decode_;
  std::string arch_;
  double seconds_ = 3;
  std::string folder_;
  bool faithfulness_ = false;
  bool roofline_ = false;
  std::string svg_;
  std::vector<std::string> methods_;
  std::optional<double> gamma_;
  std::string format_ = "text";
};

}  // namespace

const Verb bench_verb = {
    "bench",
    "Measure speed and memory beside the machine's own peak",
    "[IMAGE]",
    "what decoding and preprocessing are measured on; else a synthetic JPEG",
    {"fovea bench                                   # the default model",
     "fovea bench --keep 0.7 --folder photos        # hard attention: how fast, and how often the same class",
     "fovea bench --arch vit_base_patch16_224 --folder photos  # throughput against what the cores allow"},
    false,
    [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Bench>(app); }};

}  // namespace fovea::cli
