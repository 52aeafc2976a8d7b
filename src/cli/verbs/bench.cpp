// fovea bench: how fast this model is on this machine, beside what the machine can do.
#include "cli/verbs/bench.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/pending_file.hpp"
#include "cli/command.hpp"
#include "cli/options/model_options.hpp"
#include "cli/options/options.hpp"
#include "cli/options/token_reduction_options.hpp"
#include "cli/terminal/json_text.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/run_note.hpp"
#include "cli/verbs/models.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/machine.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "fovea/version.hpp"
#include "pipeline/folder/outputs.hpp"
#include "report/record.hpp"

namespace fovea::cli {
namespace {

double gflops(const BenchReport& report) {
  return report.gflop_per_image / report.forward.median * 1e3;
}

std::string folder_text(const FolderTiming& folder, std::size_t threads) {
  return fmt::format(
      "folder        {} images, {:.1f} images/s: {:.1f} % of {:.1f}, which is {} threads / "
      "({:.2f} ms decode and resample + {:.2f} ms forward on one core); it had {:.2f} cores\n",
      folder.images, folder.images_per_second, 100 * folder.images_per_second / folder.limit_images_per_second,
      folder.limit_images_per_second, threads, folder.decode_core_ms, folder.forward_core_ms, folder.cores_used);
}

/// "keep 0.7, drawn at random, mean of 4 draws"
std::string name_of(const MapPlan& plan) {
  const TokenReduction& reduction = plan.reduction;
  std::string text =
      reduction.merge > 0 ? fmt::format("merge {}", reduction.merge) : fmt::format("keep {}", reduction.keep);
  if (reduction.sample) text += ", drawn at random";
  if (plan.draws > 1) text += fmt::format(", mean of {} draws", plan.draws);
  return text;
}

std::string reduced_text(const BenchPlan& plan, const ReducedForward& reduced) {
  std::string text = fmt::format(
      "reduced       {}: {:.2f} ms an image beside {:.2f} of the whole model, {:.2f} times as fast; tokens {}\n",
      name_of(*plan.hard_attention), reduced.ms, reduced.whole_ms, reduced.speedup, fmt::join(reduced.tokens, ", "));
  if (!reduced.agreement) return text;
  const Agreement& agreement = *reduced.agreement;
  text += fmt::format(
      "              same class on {} of {} images{}, {:.1f} %; largest difference of a probability {:.3f}\n",
      agreement.same_top1, agreement.images,
      agreement.found > agreement.images ? fmt::format(" out of {}", agreement.found) : "", 100 * agreement.share(),
      agreement.largest_difference);
  return text;
}

std::string text_of(const BenchPlan& plan, const BenchReport& report) {
  const MachineInfo machine = machine_info();
  const ModelInfo& model = plan.model->info();
  std::string text = fmt::format("model         {}, {:.1f} M parameters, {:.2f} GFLOP an image, weights {:.1f} MB {}\n",
                                 model.name.empty() ? model.architecture.name : model.name,
                                 static_cast<double>(model.parameters) / 1e6, report.gflop_per_image,
                                 static_cast<double>(model.weight_bytes) / 1e6, model.dtype);
  text += fmt::format("machine       {}, {} cores, {}\n", machine.cpu, machine.cores, machine.isa);
  text += fmt::format("versions      fovea {} ({}, {}, {}), {}\n", FOVEA_VERSION, FOVEA_COMMIT, FOVEA_COMPILER,
                      FOVEA_BUILD_TYPE, machine.backend);
  text += fmt::format("setting       {} threads, batch {}, {}, {} runs\n\n", plan.threads, plan.batch,
                      name(model.precision), report.runs);
  text += fmt::format("forward       {:.2f} ms an image (median), p90 {:.2f}, min {:.2f}, max {:.2f}\n",
                      report.forward.median, report.forward.p90, report.forward.min, report.forward.max);
  text += fmt::format(
      "              {:.1f} images/s, {:.0f} GFLOP/s: {:.0f} % of the FMA peak, {:.0f} % of the matmul peak\n",
      1000 / report.forward.median, gflops(report), 100 * gflops(report) / report.fma_peak_gflops,
      100 * gflops(report) / report.matmul_peak_gflops);
  text += fmt::format("peaks         FMA {:.0f} GFLOP/s, matmul {:.0f} GFLOP/s, measured now\n", report.fma_peak_gflops,
                      report.matmul_peak_gflops);
  text += fmt::format("stages        decode {:.2f} ms, preprocess {:.2f} ms ({})\n", report.decode_ms,
                      report.preprocess_ms, report.image);
  for (const MethodCost& cost : report.methods) {
    text += fmt::format("              {} +{:.2f} ms: {:.2f} forward passes in all\n", cost.method, cost.added_ms,
                        cost.forwards);
  }
  text += fmt::format("              draw and encode {:.2f} ms\n", report.encode_ms);
  text += fmt::format("memory        peak RSS {:.1f} MB after the forward passes\n", report.peak_rss_mb);
  if (report.reduced) text += reduced_text(plan, *report.reduced);
  if (report.fast_decode) text += fast_decode_text(*report.fast_decode);
  if (report.folder) text += folder_text(*report.folder, plan.threads);
  if (report.roofline) text += roofline_text(*report.roofline);
  return text;
}

JsonObject folder_json(const FolderTiming& folder) {
  JsonObject json;
  json.add("images", folder.images).add("images_per_second", folder.images_per_second);
  json.add("cores_used", folder.cores_used);
  json.add("decode_core_ms", folder.decode_core_ms).add("forward_core_ms", folder.forward_core_ms);
  json.add("limit_images_per_second", folder.limit_images_per_second);
  json.add("share_of_limit", folder.images_per_second / folder.limit_images_per_second);
  return json;
}

JsonObject reduced_json(const MapPlan& plan, const ReducedForward& reduced) {
  JsonObject json;
  json.add("keep", plan.reduction.keep).add("merge", plan.reduction.merge);
  json.add("sample", plan.reduction.sample).add("draws", plan.draws).add("seed", plan.reduction.seed);
  json.add_raw("tokens", fmt::format("[{}]", fmt::join(reduced.tokens, ", ")));
  json.add("ms_per_image", reduced.ms).add("whole_ms_per_image", reduced.whole_ms).add("speedup", reduced.speedup);
  if (!reduced.agreement) return json;
  JsonObject agreement;
  agreement.add("images", reduced.agreement->images).add("images_found", reduced.agreement->found);
  agreement.add("same_top1", reduced.agreement->same_top1).add("share", reduced.agreement->share());
  agreement.add("largest_probability_difference", reduced.agreement->largest_difference);
  json.add("agreement", agreement);
  return json;
}

std::string json_of(const BenchPlan& plan, const BenchReport& report) {
  const MachineInfo machine = machine_info();
  const ModelInfo& model = plan.model->info();
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "bench");
  json.add("model", model.name.empty() ? model.architecture.name : model.name);
  json.add("parameters", model.parameters).add("weight_bytes", model.weight_bytes);
  JsonObject ms;
  ms.add("median", report.forward.median).add("p90", report.forward.p90);
  ms.add("min", report.forward.min).add("max", report.forward.max);
  json.add("ms_per_image", ms).add("runs", report.runs).add("images_per_second", 1000 / report.forward.median);
  json.add("gflop_per_image", report.gflop_per_image).add("gflops", gflops(report));
  json.add("fma_peak_gflops", report.fma_peak_gflops).add("matmul_peak_gflops", report.matmul_peak_gflops);
  json.add("share_of_fma_peak", gflops(report) / report.fma_peak_gflops);
  json.add("share_of_matmul_peak", gflops(report) / report.matmul_peak_gflops);
  json.add("batch", plan.batch).add("threads", plan.threads).add("precision", name(model.precision));
  json.add("isa", machine.isa).add("cpu", machine.cpu).add("cores", machine.cores);
  json.add("peak_rss_mb", report.peak_rss_mb);
  JsonObject stages;
  stages.add("decode", report.decode_ms).add("preprocess", report.preprocess_ms);
  stages.add("forward", report.forward.median)
      .add("explain", report.methods.front().added_ms)
      .add("encode", report.encode_ms);
  json.add("stages", stages).add("stages_image", report.image);
  JsonObject methods;
  for (const MethodCost& cost : report.methods) {
    JsonObject method;
    JsonObject in_all;
    in_all.add("median", cost.ms.median).add("p90", cost.ms.p90).add("min", cost.ms.min);
    method.add("ms", in_all).add("added_ms", cost.added_ms).add("forwards", cost.forwards);
    methods.add(cost.method, method);
  }
  json.add("methods", methods);
  JsonObject versions;
  versions.add("fovea", FOVEA_VERSION).add("commit", FOVEA_COMMIT).add("compiler", FOVEA_COMPILER);
  versions.add("build", FOVEA_BUILD_TYPE).add("backend", machine.backend);
  json.add("versions", versions);
  if (report.reduced) json.add("hard_attention", reduced_json(*plan.hard_attention, *report.reduced));
  if (report.fast_decode) json.add("fast_decode", fast_decode_json(*report.fast_decode));
  if (report.folder) json.add("folder", folder_json(*report.folder));
  if (report.roofline) json.add("roofline", roofline_json(*report.roofline));
  return json.lines();
}

class Bench : public Command {
 public:
  explicit Bench(CLI::App& app) : app_(app) {
    app.add_option("--arch", arch_, "a random model of timm's name instead of a file")->type_name("NAME");
    app.add_option("--seconds", seconds_, "how long to measure the forward pass")
        ->capture_default_str()
        ->type_name("S")
        ->check(CLI::Range(0.1, 3600.0).description(""));
    app.add_option("--folder", folder_, "also the throughput over the images of this folder")->type_name("DIR");
    app.add_option("--method", methods_, "also what this explanation costs; may be given more than once")
        ->allow_extra_args(false)
        ->take_all()
        ->default_str(std::string(explain_methods().front().name))
        ->type_name("{" + joined(registry_names(explain_methods()), "|") + "}");
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
    BenchPlan plan;
    plan.model = load();
    RunNote(common).loaded(plan.model->info());
    plan.threads = common.threads;
    plan.batch = common.batch;
    plan.seconds = seconds_;
    for (const std::string& method : methods_) plan.methods.push_back(&explain_method(method));
    if (methods_.empty()) plan.methods.push_back(&explain_methods().front());
    if (!operands.empty()) plan.image = operands.front();
    if (!folder_.empty()) plan.folder = folder_;
    const MapPlan hard = hard_attention(plan.model->info());
    if (app_.count("--keep") + app_.count("--merge") > 0) plan.hard_attention = hard;
    plan.decode = decode_options(decode_, plan.model->info().recipe);
    plan.roofline = roofline_ || !svg_.empty();
    std::optional<PendingFile> picture;
    if (!svg_.empty()) check_not_input(svg_, list_inputs(operands, {}));
    if (!svg_.empty()) picture.emplace(svg_);  // a place that cannot be written is found before the work
    const BenchReport report = run_bench(plan);
    if (picture) {
      picture->append(roofline_svg(*report.roofline));
      picture->commit();
    }
    print(format_ == "json" ? json_of(plan, report) : text_of(plan, report));
    return 0;
  }

 private:
  [[nodiscard]] std::shared_ptr<const VisionTransformer> load() const {
    const LoadOptions options = load_options(model_);
    if (arch_.empty()) return VisionTransformer::load(find_model(common.model), options);
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

  [[nodiscard]] MapPlan hard_attention(const ModelInfo& model) const {
    MapPlan plan;
    apply_token_reduction_flags(hard_, plan);
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
  bool roofline_ = false;
  std::string svg_;
  std::vector<std::string> methods_;
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
