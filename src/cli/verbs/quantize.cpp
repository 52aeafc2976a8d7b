// fovea quantize: writes a checkpoint with fewer bits a weight.
#include "model/quantize/quantize.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "base/pending_file.hpp"
#include "base/process/interrupt.hpp"
#include "cli/command.hpp"
#include "cli/options/models.hpp"
#include "cli/options/options.hpp"
#include "cli/options/recipe_options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/quantize_output.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/quantize/cascade.hpp"
#include "pipeline/cascade.hpp"
#include "pipeline/eval/price.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/folder/run_files.hpp"
#include "pipeline/learn/labelled.hpp"
#include "pipeline/picture_source.hpp"
#include "pipeline/session_pool.hpp"

namespace fovea::cli {
namespace {

struct FedPicture {
  std::vector<float> patches;  // [T, 3·P·P]
  Size fed;                    // px
};

/// The scores of each picture: logits, or features if the model has no head.
std::vector<std::vector<float>> scores_of(const std::shared_ptr<const VisionTransformer>& model,
                                          const std::vector<FedPicture>& pictures, std::size_t threads) {
  SessionPool sessions(model);
  SizedRunner runner(sessions, 1, threads);
  std::vector<std::vector<float>> scores;
  scores.reserve(pictures.size());
  for (const FedPicture& picture : pictures) {
    ForwardResult result = std::move(runner.at(picture.fed).session->forward(picture.patches).front());
    scores.push_back(std::move(result.logits.empty() ? result.features : result.logits));
  }
  return scores;
}

Agreement compare(const std::vector<std::vector<float>>& exact, const std::vector<std::vector<float>>& rounded) {
  Agreement agreement;
  float low = exact.front().front();
  float high = low;
  float largest = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    ++agreement.pictures;
    if (top_k(exact[i], 1) == top_k(rounded[i], 1)) ++agreement.same_top1;
    for (std::size_t c = 0; c < exact[i].size(); ++c) {
      low = std::min(low, exact[i][c]);
      high = std::max(high, exact[i][c]);
      largest = std::max(largest, std::fabs(rounded[i][c] - exact[i][c]));
    }
  }
  agreement.largest_difference = high > low ? static_cast<double>(largest) / static_cast<double>(high - low) : 0.0;
  return agreement;
}

class Quantize : public Command {
 public:
  explicit Quantize(CLI::App& app) {
    app.add_option("--calibrate", calibrate_, "folder of pictures like those that the model will see; needed for int8")
        ->type_name("DIR");
    add_count(app, "--pictures", pictures_, 1, "how many calibration pictures to use, spread over the folder")
        ->default_str("64, or 600 with --cascade");
    app.add_flag("--cascade", cascade_,
                 "keep the model's own weights, too, and measure on half of the pictures how far the quick ones can be "
                 "trusted: for --precision cascade");
    require_number(
        app.add_option("--risk", risk_,
                       "cascade: how often rounding may change the distance of two scores by more than is allowed for, "
                       "estimated for normally distributed changes"),
        {0, 1, true, true})
        ->capture_default_str()
        ->type_name("0..1");
    app.add_option("--image-size", image_size_, "size of the model's input in pixels, for models that state none")
        ->type_name("N|HxW");
    // Has a second name, because FOVEA_PRECISION sets how models run.
    add_choice(app, "--to,--precision", precision_, {"int8", "bf16"},
               "int8: a quarter of float32's bits, with bf16 where int8 loses too much; bf16: half the bits");
    app.add_flag("--report", report_,
                 "print the rounding error of each layer, and what the smaller model costs: answers, probabilities and "
                 "maps that change, and right ones where folders are called as classes");
    app.add_option("--test", test_, "measure that cost on the pictures of this folder; default: those of --calibrate")
        ->type_name("DIR");
    add_choice(app, "-f,--format", format_, {"text", "json"}, "what to print");
  }

  int run() override {
    check_operands();
    const std::filesystem::path from = find_model(operands[0], common.quiet);
    const std::filesystem::path to = operands[1];
    const Precision precision = precision_ == "int8" ? Precision::kInt8 : Precision::kBf16;
    claim_threads(common);
    const std::vector<Input> inputs = calibration_inputs(precision);
    if (!test_.empty()) (void)pictures_below(test_);  // a folder that is none is found before the work
    check_place(to, from, inputs);
    PendingFile output(to);  // a place that cannot be written is found before the work
    Quantizer quantizer(from, precision, image_size());
    const ModelInfo& info = quantizer.model()->info();
    if (cascade_) {  // before the work
      require_cascade_of_classes(info);
      require_precision(precision);
    }
    const std::vector<FedPicture> pictures = load(inputs, info);
    // A cascade holds every second picture out, to be measured with.
    const std::size_t step = cascade_ ? 2 : 1;
    for (std::size_t i = 0; i < pictures.size(); i += step) quantizer.observe(pictures[i].patches, pictures[i].fed);
    for (std::size_t i = 0; i < pictures.size(); i += step) quantizer.measure(pictures[i].patches, pictures[i].fed);
    QuantizeReport report;
    if (cascade_) report.cascade = measure(quantizer, pictures);

    quantizer.write(output, report.cascade);
    output.commit();
    report.from = from;
    report.to = to;
    report.precision = precision;
    report.bytes_before = info.weight_bytes;
    report.bytes_after = output.size();
    report.layers = quantizer.layers();
    if (output.is_stream()) {
      report.no_agreement = "the output is a stream, which cannot be read again";
    } else if (report_) {
      compare_with_model(quantizer, inputs, pictures, report);
    }
    print(format_ == "json" ? json_of(report, report_) : text_of(report, report_));
    return 0;
  }

 private:
  /// None: as the model's files say.
  [[nodiscard]] std::optional<Size> image_size() const {
    return image_size_.empty() ? std::nullopt : std::optional(parse_size("--image-size", image_size_));
  }

  void check_operands() const {
    if (operands.size() != 2) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("the number of paths is {}, expected two: a model and a file to write", operands.size()),
                  "for example: fovea quantize MODEL small.safetensors --calibrate photos");
    }
    if (std::filesystem::path(operands[1]).extension() == ".safetensors") return;
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: the output's extension is '{}', expected .safetensors", printable(operands[1]),
                            printable(std::filesystem::path(operands[1]).extension())));
  }

  /// Nothing that the run reads is written over: quantising again needs the original model.
  void check_place(const std::filesystem::path& output, const std::filesystem::path& model,
                   const std::vector<Input>& inputs) const {
    RunFiles files;
    files.reads(inputs);
    files.reads(common.config, "configuration");
    files.reads_model(model);
    files.writes(output);
  }

  [[nodiscard]] std::vector<Input> calibration_inputs(Precision precision) const {
    if (calibrate_.empty()) {
      if (precision == Precision::kBf16 && !report_ && !cascade_) return {};
      throw Error(ErrorCode::kUsage, "--calibrate is missing, expected a folder of pictures",
                  "a few dozen are enough: pictures like those that the model will see, or any photographs");
    }
    const std::vector<std::string> folders{calibrate_};
    const std::vector<Input> all = list_inputs(folders, {.recurse = true, .output_folder = {}});
    std::vector<Input> chosen;
    const std::size_t wanted = pictures_ > 0 ? pictures_ : cascade_ ? 600 : 64;
    const std::size_t count = std::min(wanted, all.size());
    chosen.reserve(count);
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(all[i * all.size() / count]);
    return chosen;
  }

  /// The patches of these inputs. A file that is no picture gives a warning and is left out.
  [[nodiscard]] std::vector<FedPicture> load(const std::vector<Input>& inputs, const ModelInfo& info) const {
    std::vector<FedPicture> pictures;
    pictures.reserve(inputs.size());
    for (const Input& input : inputs) {
      stop_if_interrupted();
      try {
        LoadedPicture picture = load_picture(input, 0, nullptr, {}, info, Keep::kNothing);
        pictures.push_back({std::move(picture.patches), picture.geometry.crop});
      } catch (const Error& error) {
        if (!common.quiet) Messages(use_color(common.color, STDERR_FILENO)).warning(error.what(), error.hint());
      }
    }
    if (pictures.empty() && !calibrate_.empty()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: the number of pictures to calibrate with is 0, expected at least 1", calibrate_),
                  "a few dozen are enough: pictures like those that the model will see, or any photographs");
    }
    return pictures;
  }

  /// How far the rounded model is from the model itself, on the pictures that it was not made with.
  [[nodiscard]] CascadeInfo measure(const Quantizer& quantizer, const std::vector<FedPicture>& pictures) const {
    const ModelInfo& info = quantizer.model()->info();
    std::vector<FedPicture> held_out;
    for (std::size_t i = 1; i < pictures.size(); i += 2) held_out.push_back(pictures[i]);
    if (held_out.empty()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: the number of pictures is {}, expected at least 2 for a cascade", calibrate_,
                              pictures.size()),
                  "600 are usual: half of them calibrate, and the others are measured with");
    }
    const auto quick = quantizer.rounded();
    return measure_cascade(scores_of(quantizer.model(), held_out, common.threads),
                           scores_of(quick, held_out, common.threads), info.multi_label, risk_,
                           quick->info().precision);
  }

  void compare_with_model(const Quantizer& quantizer, const std::vector<Input>& inputs,
                          const std::vector<FedPicture>& pictures, QuantizeReport& report) const {
    LoadOptions options;
    options.image_size = image_size();
    options.precision = report.precision;
    try {
      require_precision(report.precision);
    } catch (const Error& error) {
      report.no_agreement = error.what();
      return;
    }
    const auto rounded = VisionTransformer::load(report.to, options);
    report.agreement =
        compare(scores_of(quantizer.model(), pictures, common.threads), scores_of(rounded, pictures, common.threads));
    const ModelInfo& info = quantizer.model()->info();
    if (info.architecture.num_classes == 0 || info.regression) return;  // no classes, so no answers
    const std::vector<Input> tested = test_.empty() ? inputs : pictures_below(test_);
    report.price = price_of(quantizer.model(), rounded, test_.empty() ? calibrate_ : test_, tested,
                            plan_schedule(tested.size(), common.threads, common.batch),
                            [](std::size_t /*written*/) { leave_now(interrupt_exit_code()); });
  }

  std::string calibrate_;
  std::string test_;
  std::string image_size_;
  std::size_t pictures_ = 0;  // 0: not given
  bool cascade_ = false;
  double risk_ = 1e-4;
  std::string precision_ = "int8";
  bool report_ = false;
  std::string format_ = "text";
};

}  // namespace

const Verb quantize_verb = {"quantize",
                            "Write a model with fewer bits a weight: a third to a half of float32's size, and faster",
                            "MODEL OUT.safetensors",
                            "a model's folder, file or name, and the file to write, which you can then pass to -m",
                            {"fovea quantize path/to/model small.safetensors --calibrate photos",
                             "fovea quantize path/to/model both.safetensors --calibrate photos --cascade",
                             "fovea quantize path/to/model half.safetensors --precision bf16"},
                            false,
                            [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Quantize>(app); }};

}  // namespace fovea::cli
