// fovea batch: rows, overlays, tables and a gallery of whole folders; a run that was stopped is continued.
#include "pipeline/folder/batch.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <utility>

#include "base/files.hpp"
#include "base/output/folder_lock.hpp"
#include "cli/command.hpp"
#include "cli/options/models.hpp"
#include "cli/options/picture_options.hpp"
#include "cli/options/shard_options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/rows.hpp"
#include "cli/terminal/run_note.hpp"
#include "fovea/model.hpp"
#include "fovea/version.hpp"
#include "report/record.hpp"

namespace fovea::cli {
namespace {

class Batch : public Command {
 public:
  explicit Batch(CLI::App& app) {
    flags_.input.recurse = true;
    app.add_option("-o,--output", output_, "folder for the results")->type_name("OUT");
    app.add_flag("--fresh", fresh_, "run every picture again, whatever results are there");
    app.add_flag("--append", append_,
                 "keep the rows of pictures that this call does not name, and number new pictures after them");
    app.add_flag("--share", share_, "go on where another run is writing into OUT");
    app.add_flag("--no-sync", no_sync_,
                 "do not wait for the disk: faster on a slow one, but a power cut may lose what is finished");
    add_shard_options(app, shard_);
    app.add_flag("--no-recurse", no_recurse_, "do not read sub-folders");
    app.add_option("--save-logits", save_logits_,
                   "write the logits, float32 [inputs, classes]; NaN in the rows of failed inputs")
        ->type_name("FILE.npy");
    add_map_options(app, flags_.maps, {.with_why = {"rollout", "libra"}});
    add_token_reduction_options(app, flags_.reduction);
    add_report_options(app, format_);
    add_input_options(app, flags_.input);
    add_class_options(app, flags_.classes);
    add_model_options(app, flags_.model);
    add_decode_options(app, flags_.decode);
  }

  int run() override {
    if (output_.empty()) {
      throw Error(ErrorCode::kUsage, "-o is missing, expected a folder for the results", "for example: -o out");
    }
    if (fresh_ && append_) {
      throw Error(ErrorCode::kUsage, "--fresh and --append are given, expected one of them",
                  "--fresh drops the rows of an earlier run, --append keeps them");
    }
    const std::optional<Shard> shard = chosen_shard(shard_);
    if (shard) check_shard();
    flags_.input.recurse = !no_recurse_;
    flags_.input.flat = no_recurse_;
    NamedPictures pictures = name_pictures(operands, flags_.input, output_);
    BatchOptions options;
    if (shard) options.shard = take_part(*shard, pictures.arguments, pictures.inputs, pictures.others);
    const FolderLock lock(shard ? ShardFolder(output_, *shard).path() : std::filesystem::path(output_), share_);
    options.earlier = earlier_rows(pictures, shard);
    const std::vector<Input>& inputs = pictures.inputs;

    RunNote note(common);
    const auto [model, made] = set_up(flags_, purpose(), pictures, common, note);
    const ModelInfo& info = model->info();
    options.sync = no_sync_ ? Sync::kNo : Sync::kYes;
    options.model = find_model(common.model, common.quiet);
    options.load = load_options(flags_.model);  // without class names, which change no weight
    options.labels_source = made.maps.other_head ? flags_.classes.text_embeddings : info.labels_source;
    if (!save_logits_.empty()) options.save_logits = save_logits_;
    set_option_texts(made, info, options);
    options.version = FOVEA_VERSION;
    Engine engine(model);
    const bool values = class_space(info, made).function == ScoreFunction::kNone;
    const ReportOptions report{.top_k = flags_.classes.top_k,
                               .values = values,
                               .unknown = has_unknown_rule(info, made),
                               .verdicts = flags_.maps.faithfulness};
    Rows rows(inputs.size(), format_, report, common);
    const auto finish = [&](const BatchOutcome& outcome) {
      rows.finish(outcome.counts.interrupted);
      if (!common.quiet) say_where(outcome, options);
      return rows.exit_code();
    };
    return finish(run_batch_folder(
        engine, inputs, made, common.threads, common.batch, options, [&](const Record& record) { rows.write(record); },
        [&](const BatchOutcome& outcome) { leave_now(finish(outcome)); }));
  }

 private:
  [[nodiscard]] Purpose purpose() const {
    Purpose purpose;
    purpose.maps = true;
    purpose.layout.folder = output_;
    purpose.layout.maps = "overlays/";
    purpose.layout.thumbnails = true;
    purpose.stamp_sources = true;
    for (const char* file : kBatchFiles) purpose.outputs.push_back(std::filesystem::path(output_) / file);
    purpose.outputs.emplace_back(save_logits_);
    return purpose;
  }

  /// A shard knows a part of the inputs: what is about all of them it cannot do.
  void check_shard() const {
    for (const auto& [given, option] : {std::pair{append_, "--append"}, {!save_logits_.empty(), "--save-logits"}}) {
      if (!given) continue;
      throw Error(ErrorCode::kUsage, fmt::format("--shard and {} are given, expected one of them", option),
                  "a run without --shard takes it");
    }
  }

  [[nodiscard]] EarlierRows earlier_rows(NamedPictures& pictures, const std::optional<Shard>& shard) const {
    const std::filesystem::path results =
        shard ? ShardFolder(output_, *shard).earlier_rows() : std::filesystem::path(output_) / kBatchRows;
    if (!fresh_) return find_earlier_rows(results, pictures.arguments, append_, pictures.inputs);
    const std::size_t count = pictures.inputs.size();
    return {std::vector<std::optional<Record>>(count), std::vector<bool>(count), 0};
  }

  /// summary.json gets the flags as given, the fingerprint of the run gets the resolved values.
  void set_option_texts(const PictureOptions& pictures, const ModelInfo& model, BatchOptions& options) const {
    auto common_texts = option_texts(flags_.maps, pictures);
    common_texts.merge(option_texts(flags_.decode));
    common_texts.merge(option_texts(flags_.reduction));
    options.result_options = common_texts;
    options.result_options.merge(resolved_texts(flags_.classes, class_space(model, pictures)));
    options.result_options.merge(resolved_texts(model, options.load.cascade));
    options.all_options = common_texts;
    options.all_options.merge(option_texts(flags_.classes));
    options.all_options.merge(option_texts(flags_.model));
    options.all_options["threads"] = std::to_string(common.threads);
    options.all_options["batch"] = std::to_string(common.batch);
  }

  void say_where(const BatchOutcome& outcome, const BatchOptions& options) const {
    const std::string kept = outcome.skipped > 0 ? fmt::format(" ({} kept from before)", outcome.skipped) : "";
    const std::size_t removed = options.earlier.removed;
    const std::string gone = removed > 0 ? fmt::format(", {} removed as their files are gone", removed) : "";
    const std::string rest = outcome.counts.interrupted ? "; interrupted: the same command goes on from here" : "";
    Messages(use_color(common.color, STDERR_FILENO))
        .note(fmt::format("{} done{}, {} failed{}, {:.1f} s; {}{}", outcome.counts.succeeded, kept,
                          outcome.counts.failed, gone, outcome.seconds, what_next(options.shard), rest));
  }

  [[nodiscard]] std::string what_next(const std::optional<ShardPart>& part) const {
    if (!part) return fmt::format("look at {}", printable(std::filesystem::path(output_) / "index.html"));
    return fmt::format("shard {} of {}; after the last, `fovea merge {}`", part->shard.index, part->shard.count,
                       printable(output_));
  }

  PictureFlags flags_;
  std::string format_ = "text";
  std::string output_;
  std::string save_logits_;
  ShardFlags shard_;
  bool fresh_ = false;
  bool append_ = false;
  bool share_ = false;
  bool no_sync_ = false;
  bool no_recurse_ = false;
};

}  // namespace

const Verb batch_verb = {
    "batch",
    "Classify and explain whole folders, with a gallery; continues where it was stopped",
    "PATH...",
    "folders, read with their sub-folders, or image files",
    {"fovea batch photos -o out          # then open out/index.html",
     "fovea batch photos -o out          # again: only what is new or changed",
     "fovea batch photos -o out --shard 0/16   # the first of 16 parts; `fovea merge out` joins them"},
    false,
    [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Batch>(app); }};

}  // namespace fovea::cli
