// fovea eval: how good one or two models are on a folder of labelled pictures.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/pending_file.hpp"
#include "base/process/interrupt.hpp"
#include "cli/command.hpp"
#include "cli/options/picture_options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/run_note.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "pipeline/archive/archive_inputs.hpp"
#include "pipeline/eval/class_match.hpp"
#include "pipeline/eval/evaluate.hpp"
#include "pipeline/folder/run_files.hpp"
#include "pipeline/learn/thumbnails.hpp"

namespace fovea::cli {
namespace {

/// One of the models that run.
struct Contestant {
  PictureSetup setup;
  std::vector<std::size_t> truth;  // class of each label
  Answers answers;
};

class Eval : public Command {
 public:
  explicit Eval(CLI::App& app) {
    app.add_option("-m,--model", models_, "the model; a second one is held against it")
        ->default_str(CommonOptions().model)
        ->allow_extra_args(false)
        ->take_all()
        ->type_name("MODEL")
        ->group("General");
    std::vector<std::string> precisions;
    for (const Precision precision : kPrecisions) precisions.emplace_back(name(precision));
    // The first name is the one that the environment knows: explain's --against is a class.
    add_choice(app, "--against-precision,--against", against_, precisions,
               "hold the same model in this precision against --precision's")
        ->default_str("");
    app.add_option("--from", from_,
                   "measure rows that were saved, a results.jsonl, and run no model; a second file is held against the "
                   "first")
        ->allow_extra_args(false)
        ->take_all()
        ->type_name("FILE.jsonl");
    app.add_option("--label-table", table_,
                   "the classes are in this table, with the columns file_name, relative to DIR, and label; default: "
                   "metadata.csv or metadata.jsonl in DIR, else its folders")
        ->type_name("FILE.csv|.jsonl");
    app.add_option(
           "--label-key", label_key_,
           "where DIR is tar archives: the classes are under this key of each picture's .json; default: in its .cls")
        ->type_name("KEY");
    app.add_option("--group-by", group_by_,
                   "pictures whose names match with the same text are no independent cases, such as a series of one "
                   "object; names are relative to DIR, and the first ( ) counts")
        ->type_name("REGEX");
    add_count(app, "--seed", seed_, 0, "of the intervals' random draws");
    add_choice(app, "--maps", maps_, registry_names(explain_methods()),
               "of two models: how far the maps of this method are from each other, too")
        ->default_str("");
    app.add_option("--confusion", csv_, "write the first model's confusion as a table")->type_name("FILE.csv");
    app.add_option("--report", page_, "write the report as one page, with the pictures behind each cell")
        ->type_name("FILE.html");
    add_choice(app, "-f,--format", format_, {"text", "json"}, "what to print");
    add_class_names_options(app, flags_.classes);
    add_model_options(app, flags_.model);
    add_decode_options(app, flags_.decode);
  }

  int run() override {
    check_flags();
    std::optional<PendingFile> page;
    std::optional<PendingFile> csv;
    check_places();
    if (!page_.empty()) page.emplace(page_);  // a place that cannot be written is found before the work
    if (!csv_.empty()) csv.emplace(csv_);
    LabelledPictures pictures;
    const std::vector<Answers> all = from_.empty() ? run_models(pictures) : read_answers(pictures);
    if (interrupt_requested()) return interrupted();
    EvalReport report = measure(all, pictures, {group_by_, seed_, maps_});
    report.folder = operands[0];
    begin_last_writes();
    if (csv) {
      csv->append(confusion_csv(report.models.front()));
      csv->commit();
    }
    if (page) {
      const std::map<std::string, std::string> thumbnails = report_thumbnails(report, pictures.inputs);
      page->append(eval_html(report, thumbnails));
      page->commit();
    }
    const Messages messages(use_color(common.color, STDERR_FILENO));
    for (const std::string& remark : report.remarks) {
      if (!common.quiet) messages.warning(remark);
    }
    print(format_ == "json" ? eval_json(report) : eval_text(report));
    return end_early(report.failures.empty() ? 0 : 1);
  }

 private:
  [[noreturn]] static void refuse(const std::string& what, const std::string& hint) {
    throw Error(ErrorCode::kUsage, what, hint);
  }

  void check_flags() {
    if (operands.size() != 1) {
      refuse(fmt::format("the number of folders is {}, expected one: with a folder for each class", operands.size()),
             "for example: fovea eval photos -m mine.safetensors");
    }
    const std::size_t models = from_.empty() ? models_.size() : from_.size();
    if (models > 2) refuse(fmt::format("the number of models is {}, expected one or two", models), "name two");
    if (models == 2 && !against_.empty()) {
      refuse("--against with two models, expected one of them", "hold two models or two precisions against each other");
    }
    if (!maps_.empty() && models == 1 && against_.empty()) {
      refuse("--maps with one model, expected two", "name a second -m, or --against");
    }
    if (!label_key_.empty() && (!from_.empty() || !table_.empty() || !looks_like_tar(operands[0]))) {
      refuse("--label-key is given without archives to read it from, expected DIR to be .tar files",
             "for example: fovea eval 'shard-{000..127}.tar' --label-key label");
    }
    if (!maps_.empty()) flags_.maps.methods = {maps_};
    (void)groups_by_name({}, group_by_);  // an expression that is none is found before the work
  }

  void check_places() const {
    RunFiles files;
    for (const std::string& file : from_) files.reads(file, "file of rows");
    files.reads(table_, "table of labels");
    files.reads(flags_.classes.labels, "file of labels");
    files.reads(common.config, "configuration");
    files.writes(page_);
    files.writes(csv_);
  }

  // ---- models that run

  [[nodiscard]] Contestant prepare(const std::string& model, const std::string& precision,
                                   const LabelledPictures& pictures) const {
    RunNote note(common);
    CommonOptions mine = common;
    mine.model = model;
    PictureFlags flags = flags_;
    flags.model.precision = precision;
    Purpose purpose;
    purpose.maps = !maps_.empty();
    purpose.outputs = {page_, csv_};
    NamedPictures named{pictures.inputs, nullptr, {}, {}};
    Contestant one{set_up(flags, purpose, named, mine, note), {}, {}};
    one.setup.options.keep_maps = purpose.maps;
    const ModelInfo& info = one.setup.model->info();
    const ClassSpace space = class_space(info, one.setup.options);
    require_probabilities(info, space, "eval");
    MatchedClasses matched = match_classes(pictures.names, space.labels, model);
    one.truth = std::move(matched.of_label);
    one.answers.remarks = std::move(matched.remarks);
    one.answers.model = model;
    one.answers.precision = resolved_texts(info, one.setup.model->quick() != nullptr).at("precision");
    one.answers.classes.assign(space.labels.begin(), space.labels.end());
    one.answers.function = space.function;
    return one;
  }

  void check_maps(const std::vector<Contestant>& contestants) const {
    if (maps_.empty()) return;
    const Architecture& first = contestants[0].setup.model->architecture();
    const Architecture& second = contestants[1].setup.model->architecture();
    if (first.max_patches != second.max_patches) {
      refuse(
          "--maps: only one of the models feeds each picture in a grid of its own, or with other patches, expected "
          "the same grids for both",
          "leave out --maps");
    }
    if (first.grid() == second.grid()) return;
    refuse(fmt::format("--maps: the patches are {}x{} and {}x{}, expected the same for both models", first.grid().rows,
                       first.grid().cols, second.grid().rows, second.grid().cols),
           "leave out --maps");
  }

  [[nodiscard]] std::vector<Answers> run_models(LabelledPictures& pictures) {
    std::vector<std::string> unread;
    pictures =
        label_pictures(operands[0], pictures_below(operands[0], label_key_, &unread), table_, LabelUse::kMeasure);
    remark_on_archives(unread, pictures);
    std::vector<Contestant> contestants;
    for (const std::string& model : models_) {
      contestants.push_back(prepare(model, flags_.model.precision, pictures));
    }
    if (!against_.empty()) contestants.push_back(prepare(models_[0], against_, pictures));
    check_maps(contestants);
    const Messages messages(use_color(common.color, STDERR_FILENO));
    Progress progress(pictures.inputs.size() * contestants.size(), !common.quiet);
    std::set<std::size_t> failed;
    const auto show = [&](const Record& record) {
      if (record.failure && failed.insert(record.index).second) {
        progress.erase();
        messages.error(record.failure->message, record.failure->hint);
      }
      progress.step();
    };
    std::vector<Answers> all;
    for (Contestant& one : contestants) {
      Engine engine(one.setup.model);
      ask_model(
          engine, pictures, one.truth, one.setup.options,
          plan_schedule(pictures.inputs.size(), common.threads, common.batch), show,
          [&](std::size_t /*written*/) { leave_now(interrupted()); }, one.answers);
      all.push_back(std::move(one.answers));
      if (all.back().interrupted) break;
    }
    return all;
  }

  // ---- rows that were saved

  [[nodiscard]] std::vector<Answers> read_answers(LabelledPictures& pictures) const {
    std::vector<SavedRows> files;
    for (const std::string& file : from_) files.push_back(read_saved_rows(file));
    pictures = label_pictures(operands[0], inputs_of(files.front(), operands[0]), table_, LabelUse::kMeasure);
    std::vector<Answers> all;
    for (const SavedRows& rows : files) {
      all.push_back(answers_of(rows, pictures, flags_.classes.labels));
      const std::size_t without = pictures_without_row(operands[0], rows);
      if (without == 0) continue;
      all.back().remarks.push_back(fmt::format("{}: has no row of {} of the pictures in {}", printable(rows.file),
                                               without, printable(operands[0])));
    }
    say_failures(all);
    return all;
  }

  void say_failures(const std::vector<Answers>& all) const {
    const Messages messages(use_color(common.color, STDERR_FILENO));
    std::set<std::size_t> said;
    for (const Answers& one : all) {
      for (const Record& record : one.failures) {
        if (said.insert(record.index).second) messages.error(record.failure->message, record.failure->hint);
      }
    }
  }

  [[nodiscard]] int interrupted() const {
    if (!common.quiet) {
      Messages(use_color(common.color, STDERR_FILENO)).note("interrupted: nothing is measured, and nothing is written");
    }
    return interrupt_exit_code();
  }

  PictureFlags flags_;
  std::vector<std::string> models_{CommonOptions().model};
  std::string against_;
  std::vector<std::string> from_;
  std::string table_;
  std::string label_key_;
  std::string group_by_;
  std::size_t seed_ = 0;
  std::string maps_;
  std::string csv_;
  std::string page_;
  std::string format_ = "text";
};

}  // namespace

const Verb eval_verb = {"eval",
                        "Measure how good a model is on a folder of labelled pictures, or compare two",
                        "DIR",
                        "a folder that has a folder of pictures for each class",
                        {"fovea eval photos -m mine.safetensors --report how_good.html",
                         "fovea eval photos -m both.safetensors --precision f32 --against int8 --maps rollout",
                         "fovea eval photos --from out/results.jsonl   # runs no model"},
                        false,
                        [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Eval>(app); }};

}  // namespace fovea::cli
