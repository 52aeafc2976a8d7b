// fovea classify: the best labels of each picture.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <limits>

#include "base/files.hpp"
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
    app.add_flag("-r,--recurse", flags_.input.recurse, "read sub-folders, too");
    add_input_options(app, flags_.input);
    add_tensor_option(app, flags_.input);
    add_class_options(app, flags_.classes);
    add_token_reduction_options(app, flags_.reduction);
    add_model_options(app, flags_.model);
    add_decode_options(app, flags_.decode);
  }

  int run() override {
    const std::atomic<bool>& stop = watch_signals();
    NamedPictures pictures = name_pictures(operands, flags_.input);
    const std::vector<Input>& inputs = pictures.inputs;
    check_outputs_are_no_inputs(inputs);
    // A folder that cannot be written is reported before the work, not after it.
    make_folders(std::filesystem::path(output_).parent_path());
    make_folders(std::filesystem::path(save_logits_).parent_path());
    RunNote note(common);
    const auto [model, options] = set_up(flags_, {}, pictures, common, note);
    Engine engine(model);
    const Schedule schedule = plan_schedule(inputs.size(), common.threads, common.batch);
    const ClassSpace space = class_space(model->info(), options);
    const bool values = space.function == ScoreFunction::kNone;
    Rows rows(inputs.size(), format_, flags_.classes.top_k, common, output_, false, values);
    const std::size_t classes = space.labels.size();
    std::vector<float> logits(save_logits_.empty() ? 0 : inputs.size() * classes,
                              std::numeric_limits<float>::quiet_NaN());
    std::atomic<bool> ended{false};  // by a signal, or because standard output is closed
    const std::size_t done = engine.run(
        inputs, every(inputs.size()), options, schedule,
        [&](const PictureOutcome& outcome) {
          rows.write(outcome.record);
          if (!logits.empty()) {
            std::copy(outcome.logits.begin(), outcome.logits.end(),
                      logits.begin() + static_cast<std::ptrdiff_t>(outcome.record.index * classes));
          }
          if (stop || (rows.closed() && logits.empty())) ended = true;
        },
        &ended);
    rows.finish(stop && done < inputs.size());
    if (!save_logits_.empty()) {
      const std::size_t shape[] = {inputs.size(), classes};
      replace_file(save_logits_, npy_f32(logits, shape));
    }
    note.done(rows.summary(), schedule);
    return rows.exit_code();
  }

 private:
  void check_outputs_are_no_inputs(const std::vector<Input>& inputs) const {
    for (const std::string& output : {output_, save_logits_}) {
      if (!output.empty() && output != "-") check_not_input(output, inputs);
    }
  }

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
