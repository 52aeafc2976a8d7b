// fovea classify: the best labels of each picture.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <optional>

#include "base/pending_file.hpp"
#include "base/process/interrupt.hpp"
#include "cli/command.hpp"
#include "cli/options/picture_options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/rows.hpp"
#include "cli/terminal/run_note.hpp"
#include "pipeline/pictures.hpp"
#include "report/files/documents.hpp"

namespace fovea::cli {
namespace {

class Classify : public Command {
 public:
  explicit Classify(CLI::App& app) {
    add_report_options(app, format_);
    app.add_option("-o,--output", output_, "write the report to this file, in one step at the end")->type_name("FILE");
    app.add_option("--save-logits", save_logits_,
                   "write the logits, float32 [inputs, classes]; NaN in the rows of failed inputs")
        ->type_name("FILE.npy");
    add_picture_options(app, flags_, true);
  }

  int run() override {
    NamedPictures pictures = name_pictures(operands, flags_.input);
    const std::vector<Input>& inputs = pictures.inputs;
    RunNote note(common);
    Purpose purpose;
    purpose.outputs = {output_, save_logits_};
    const auto [model, options] = set_up(flags_, purpose, pictures, common, note);
    Engine engine(model);
    const Schedule schedule = plan_schedule(inputs.size(), common.threads, common.batch);
    const ClassSpace space = class_space(model->info(), options);
    const bool values = space.function == ScoreFunction::kNone;
    const bool unknown = has_unknown_rule(model->info(), options);
    Rows rows(inputs.size(), format_, {.top_k = flags_.classes.top_k, .values = values, .unknown = unknown}, common,
              output_);
    std::optional<PendingFile> logits_file;
    if (!save_logits_.empty()) logits_file.emplace(save_logits_);
    const std::size_t classes = space.labels.size();
    std::vector<float> logits(save_logits_.empty() ? 0 : inputs.size() * classes,
                              std::numeric_limits<float>::quiet_NaN());
    std::atomic<bool> ended{false};  // because standard output is closed
    const auto finish = [&](std::size_t done) {
      begin_last_writes();
      rows.finish(interrupt_requested() && done < inputs.size());
      if (logits_file) {
        const std::size_t shape[] = {inputs.size(), classes};
        logits_file->append(npy_f32(logits, shape));
        logits_file->commit();
      }
      note.done(rows.summary(), schedule);
      return rows.exit_code();
    };
    const std::size_t done = engine.run(
        inputs, every(inputs.size()), options, schedule,
        [&](const PictureOutcome& outcome) {
          rows.write(outcome.record);
          if (!logits.empty()) {
            std::copy(outcome.logits.begin(), outcome.logits.end(),
                      logits.begin() + static_cast<std::ptrdiff_t>(outcome.record.index * classes));
          }
          if (rows.closed() && logits.empty()) ended = true;
        },
        &ended, [&](std::size_t written) { leave_now(finish(written)); });
    return end_early(finish(done));
  }

 private:
  PictureFlags flags_;
  std::string format_ = "text";
  std::string output_;
  std::string save_logits_;
};

}  // namespace

const Verb classify_verb = {"classify",
                            "Print the best labels of each picture",
                            "PATH...",
                            "image files, folders of them, or - for one on standard input",
                            {"fovea classify cat.jpg                    # five labels with probabilities",
                             "fovea classify -r photos -f csv -o out.csv  # every picture below a folder, as a table",
                             "find . -name '*.png' -print0 | fovea classify -0 --files-from - -f jsonl"},
                            false,
                            [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Classify>(app); }};

}  // namespace fovea::cli
