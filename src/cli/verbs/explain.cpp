// fovea explain: overlays that show where the model looked, and a comparison of the methods.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <string_view>

#include "base/files.hpp"
#include "base/pending_file.hpp"
#include "base/process/interrupt.hpp"
#include "cli/command.hpp"
#include "cli/options/picture_options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/rows.hpp"
#include "cli/terminal/run_note.hpp"
#include "pipeline/truth/method_tester.hpp"
#include "pipeline/truth/planted_test.hpp"
#include "report/comparison.hpp"
#include "report/method_test/method_test.hpp"

namespace fovea::cli {
namespace {

std::string needs_text(const Evidence& needs) {
  std::vector<std::string> words;
  if (needs.attention) words.emplace_back("attention");
  if (needs.gradients) words.emplace_back("attention and its gradients");
  if (needs.layer_gradients) words.emplace_back("gradients of a score read from each block");
  if (needs.features) words.emplace_back("features of the last block and their gradient");
  if (needs.score_terms) words.emplace_back("the terms of the score at each block's input");
  if (needs.relevance) words.emplace_back("relevance propagated in double precision");
  if (needs.reruns) words.emplace_back("scores of changed pictures");
  if (needs.subsets) words.emplace_back("scores of some patches alone, and the tokens of all blocks");
  return joined(words, ", ");
}

std::string_view question_text(Question question) noexcept {
  switch (question) {
    case Question::kWhere: return "where: what the model looked at, the same for every class";
    case Question::kWhy: return "why: what the score of a class is made of";
    case Question::kWhatIf: return "what if: what happens to the score of a class where patches are hidden";
  }
  return "";
}

/// The methods that answer one question; the recommended one comes first in the registry.
std::string method_list(Question question) {
  std::string text = fmt::format("{}\n", question_text(question));
  for (const ExplainMethod& method : explain_methods()) {
    if (method.question != question) continue;
    text += fmt::format("{} - {}{}\n", method.name, method.title,
                        method.needs.class_specific() ? ", of a class (--target)" : "");
    text += fmt::format("  shows  {}\n  needs  {}\n  costs  {}\n  from   {}\n", method.shows, needs_text(method.needs),
                        method.costs, method.reference);
  }
  return text;
}

std::string method_list() {
  return method_list(Question::kWhere) + '\n' + method_list(Question::kWhy) + '\n' + method_list(Question::kWhatIf);
}

class Explain : public Command {
 public:
  explicit Explain(CLI::App& app) {
    app.add_option("-o,--output", output_, "folder for the overlays")->type_name("DIR");
    add_map_options(app, flags_.maps);
    add_compare_option(app);
    add_test_option(app);
    add_token_reduction_options(app, flags_.reduction);
    app.add_flag("--list-methods", list_methods_, "print what each method shows, and exit");
    add_report_options(app, format_);
    add_picture_options(app, flags_);
  }

  int run() override {
    if (list_methods_) {
      print(method_list());
      return 0;
    }
    if ((plant_ || !page_.empty()) && !test_methods_) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} without --test-methods, expected both", plant_ ? "--plant" : "--report"),
                  "fovea explain DIR --test-methods --plant --report page.html");
    }
    if (test_methods_) {
      choose_tested_methods();
    } else {
      choose_methods();
    }
    NamedPictures pictures = name_pictures(operands, flags_.input, output_);
    RunNote note(common);
    Purpose purpose;
    purpose.maps = true;
    purpose.layout.folder = output_;
    const auto [model, options] = set_up(flags_, purpose, pictures, common, note);
    if (test_methods_) return test_methods(model, pictures.inputs, options);
    if (comparing()) require_one_target(options.targets);
    if (!output_.empty()) check_writable(output_);  // before the work

    Engine engine(model);
    const std::vector<Input>& inputs = pictures.inputs;
    const Schedule schedule = plan_schedule(inputs.size(), common.threads, common.batch);
    const bool values = class_space(model->info(), options).function == ScoreFunction::kNone;
    const ReportOptions report{.top_k = flags_.classes.top_k,
                               .values = values,
                               .unknown = has_unknown_rule(model->info(), options),
                               .verdicts = flags_.maps.faithfulness,
                               .comparison = comparing()};
    Rows rows(inputs.size(), format_, report, common);
    MethodComparison comparison;
    const auto finish = [&](std::size_t done) {
      begin_last_writes();
      if (comparing()) rows.write(comparison.result());
      rows.finish(done < inputs.size());
      note.done(rows.summary(), schedule);
      return rows.exit_code();
    };
    const std::size_t done = engine.run(
        inputs, every(inputs.size()), options, schedule,
        [&](const PictureOutcome& outcome) {
          if (comparing() && !outcome.record.failure) comparison.add(outcome.record);
          rows.write(outcome.record);
        },
        nullptr, [&](std::size_t written) { leave_now(finish(written)); });
    return end_early(finish(done));
  }

 private:
  void add_compare_option(CLI::App& app) {
    add_methods(app, "--compare", compare_,
                "rank these methods over all pictures by what --faithfulness measures, with confidence intervals; "
                "without -o nothing is drawn")
        ->type_name("METHOD,METHOD...")
        ->group("Explanation");
  }

  void add_test_option(CLI::App& app) {
    app.add_flag(
           "--test-methods", test_methods_,
           "test methods with known truth, on these pictures and this model: mosaics of four pictures, deletion and "
           "insertion, single deletion; no labels are needed")
        ->group("Explanation");
    app.add_flag(
           "--plant", plant_,
           "with --test-methods: also paint a mark into the pictures, let a head learn it on the frozen features, "
           "and test whether maps find the mark")
        ->group("Explanation");
    app.add_option("--report", page_, "with --test-methods: write the test as one page, with pictures and their maps")
        ->type_name("FILE.html")
        ->group("Explanation");
  }

  void choose_tested_methods() {
    const bool writes = !output_.empty() || flags_.maps.panel || flags_.maps.sheet || flags_.maps.save_map ||
                        !flags_.maps.map_formats.empty();
    const bool asks = comparing() || flags_.maps.faithfulness || !flags_.maps.targets.empty() || flags_.maps.against;
    if (writes || asks || format_ == "csv") {
      throw Error(
          ErrorCode::kUsage,
          "--test-methods with files to write, --compare, --faithfulness, a class or -f csv, expected none of them",
          "the test draws nothing, and the model's own answers name the classes");
    }
    if (flags_.maps.methods.empty()) flags_.maps.methods.assign(kTestedMethods.begin(), kTestedMethods.end());
  }

  [[nodiscard]] int test_methods(const std::shared_ptr<const VisionTransformer>& model,
                                 const std::vector<Input>& inputs, const PictureOptions& options) const {
    require_probabilities(model->info(), class_space(model->info(), options), "--test-methods");
    if (model->architecture().max_patches > 0) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("{}: each picture is fed in a shape of its own, expected one size for mosaics of pictures",
                      printable(model->info().path)),
          "--image-size HxW feeds all pictures at one size");
    }
    if (plant_) require_plantable(options.maps);
    std::optional<PendingFile> page;
    if (!page_.empty()) page.emplace(page_);  // a place that cannot be written is found before the work
    SessionPool sessions(model);
    const Runner runner = sessions.borrow(model->architecture().image_size, kRerunBatch, common.threads);
    MethodTester tester(model, runner.session, options.maps);
    tester.result().shows = page.has_value();
    PlantedTest planted(model, runner.session, options.maps);
    const Messages messages(use_color(common.color, STDERR_FILENO));
    Progress progress(inputs.size(), !common.quiet && inputs.size() > 1);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      try {
        const LoadedPicture picture =
            load_picture(inputs[i], i, options.tensors.get(), options.decode, model->info(), Keep::kNothing);
        tester.add(picture.patches, inputs[i].name);
        if (plant_) planted.add(picture.patches);
      } catch (...) {
        const Failure failure = failure_unless_fatal();
        progress.erase();
        messages.error(failure.message, failure.hint);
        tester.add_failure();
      }
      progress.step();
    }
    tester.run_mosaics();
    if (plant_) planted.run(tester.result(), stop_if_interrupted);
    progress.erase();
    begin_last_writes();
    if (page) {
      page->append(method_test_html(tester.result(), model->info().name));
      page->commit();
    }
    print(format_ == "text" ? method_test_text(tester.result()) : one_line(method_test_object(tester.result())) + '\n');
    return tester.result().failed > 0 ? 1 : 0;
  }

  [[nodiscard]] bool comparing() const { return !compare_.empty(); }

  /// Methods that are compared are judged; they are drawn only where a folder is given.
  void choose_methods() {
    const bool writes =
        flags_.maps.panel || flags_.maps.sheet || flags_.maps.save_map || !flags_.maps.map_formats.empty();
    if (output_.empty() && (!comparing() || writes)) {
      throw Error(ErrorCode::kUsage, "-o is missing, expected a folder for the overlays", "for example: -o out");
    }
    if (!comparing()) return;
    if (!flags_.maps.methods.empty()) {
      throw Error(ErrorCode::kUsage, "--compare with --method (or FOVEA_METHOD) or --why, expected one of them",
                  "--compare names all methods: --compare rollout,generic");
    }
    flags_.maps.methods = compare_;
    flags_.maps.faithfulness = true;
  }

  /// Because a map that is the same for every class is judged for a picture's first target only.
  static void require_one_target(const std::vector<TargetRule>& targets) {
    if (targets.size() == 1 && targets.front().ranks == 1) return;
    throw Error(ErrorCode::kUsage, "--compare with several targets, expected one for each picture",
                "--target top1, --target true or a class; run again for another");
  }

  PictureFlags flags_;
  std::vector<std::string> compare_;
  std::string format_ = "text";
  std::string output_;
  bool list_methods_ = false;
  bool test_methods_ = false;
  bool plant_ = false;
  std::string page_;
};

}  // namespace

const Verb explain_verb = {"explain",
                           "Draw where the model looked, over the picture itself",
                           "PATH...",
                           "image files, folders of them, or - for one on standard input",
                           {"fovea explain cat.jpg -o out --target top2           # a map for each of two classes",
                            "fovea explain photos -r -o out --method generic --target tabby --against espresso",
                            "fovea explain photos --test-methods                   # which method to trust on these"},
                           false,
                           [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Explain>(app); }};

}  // namespace fovea::cli
