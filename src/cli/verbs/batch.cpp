// fovea batch: rows, overlays, tables and a gallery of whole folders, to be stopped and continued at will.
#include "pipeline/folder/batch.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/files.hpp"
#include "cli/command.hpp"
#include "cli/options/class_options.hpp"
#include "cli/options/load_model.hpp"
#include "cli/options/map_options.hpp"
#include "cli/options/model_options.hpp"
#include "cli/options/options.hpp"
#include "cli/options/token_reduction_options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/rows.hpp"
#include "cli/terminal/run_note.hpp"
#include "cli/verbs/models.hpp"
#include "fovea/model.hpp"
#include "fovea/version.hpp"
#include "report/record.hpp"

namespace fovea::cli {
namespace {

class Batch : public Command {
 public:
  explicit Batch(CLI::App& app) {
    input_.recurse = true;
    app.add_option("-o,--output", output_, "folder for the results")->type_name("OUT");
    app.add_flag("--fresh", fresh_, "do everything again, whatever is there");
    app.add_flag("--no-recurse", no_recurse_, "only the folders themselves");
    app.add_option("--save-logits", save_logits_, "write raw scores, float32 [inputs, classes], NaN where one failed")
        ->type_name("FILE.npy");
    add_map_options(app, maps_);
    add_token_reduction_options(app, hard_);
    add_report_options(app, format_);
    add_input_options(app, input_);
    add_class_options(app, classes_);
    add_model_options(app, model_);
    add_decode_options(app, decode_);
  }

  int run() override {
    if (output_.empty()) {
      throw Error(ErrorCode::kUsage, "-o is missing, expected a folder for the results", "for example: -o out");
    }
    const std::atomic<bool>& stop = watch_signals();
    input_.recurse = !no_recurse_;
    std::vector<Input> inputs = collect_inputs(operands, input_, output_);
    PictureOptions pictures = picture_options();
    check_outputs(pictures.layout, inputs);
    if (!save_logits_.empty()) check_not_input(save_logits_, inputs);

    BatchOptions options;
    options.model = find_model(common.model);
    options.load = classifier_options(model_, classes_);
    RunNote note(common);
    const auto model = load_classifier(common, model_, classes_, decode_, note, pictures);
    const ModelInfo& info = model->info();
    apply_map_flags(maps_, info, pictures);
    options.labels_source = pictures.maps.zero_shot ? classes_.text_embeddings : info.labels_source;
    options.fresh = fresh_;
    if (!save_logits_.empty()) options.save_logits = save_logits_;
    set_option_texts(pictures, info, options);
    options.version = FOVEA_VERSION;
    Rows rows(inputs.size(), format_, classes_.top_k, common);
    const BatchOutcome outcome = run_batch_folder(
        model, inputs, pictures, common.threads, common.batch, options,
        [&](const Record& record) { rows.write(record); }, &stop);
    rows.finish(outcome.counts.interrupted);
    if (!common.quiet) say_where(outcome);
    return rows.exit_code();
  }

 private:
  [[nodiscard]] PictureOptions picture_options() const {
    PictureOptions pictures;
    pictures.layout.folder = output_;
    pictures.layout.maps = "overlays/";
    pictures.layout.thumbnails = true;
    pictures.stamp_sources = true;
    apply_map_flags(maps_, pictures);
    apply_token_reduction_flags(hard_, pictures.maps);
    return pictures;
  }

  /// summary.json has the flags as given; the fingerprint of the run what they came to.
  void set_option_texts(const PictureOptions& pictures, const ModelInfo& model, BatchOptions& options) const {
    auto common_texts = option_texts(maps_, pictures);
    common_texts.merge(option_texts(decode_));
    common_texts.merge(option_texts(hard_));
    options.result_options = common_texts;
    options.result_options.merge(resolved_texts(classes_));
    options.result_options.merge(resolved_texts(model));
    options.all_options = common_texts;
    options.all_options.merge(option_texts(classes_));
    options.all_options.merge(option_texts(model_));
    options.all_options["threads"] = std::to_string(common.threads);
    options.all_options["batch"] = std::to_string(common.batch);
  }

  void say_where(const BatchOutcome& outcome) const {
    const std::string kept = outcome.skipped > 0 ? fmt::format(" ({} kept from before)", outcome.skipped) : "";
    const std::string rest = outcome.counts.interrupted ? "; interrupted: the same command goes on from here" : "";
    Messages(use_color(common.color, STDERR_FILENO))
        .note(fmt::format("{} done{}, {} failed, {:.1f} s; look at {}{}", outcome.counts.succeeded, kept,
                          outcome.counts.failed, outcome.seconds,
                          printable(std::filesystem::path(output_) / "index.html"), rest));
  }

  InputFlags input_;
  ClassFlags classes_;
  ModelFlags model_;
  DecodeFlags decode_;
  MapFlags maps_;
  TokenReductionFlags hard_;
  std::string format_ = "text";
  std::string output_;
  std::string save_logits_;
  bool fresh_ = false;
  bool no_recurse_ = false;
};

}  // namespace

const Verb batch_verb = {"batch",
                         "Classify and explain whole folders, with a gallery; goes on where it was stopped",
                         "PATH...",
                         "folders, read with their sub-folders, or image files",
                         {"fovea batch photos -o out          # then open out/index.html",
                          "fovea batch photos -o out          # again: only what is new or changed",
                          "fovea batch photos -o out --fresh --method attention --save-logits out/logits.npy"},
                         false,
                         [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Batch>(app); }};

}  // namespace fovea::cli
