// fovea audit: what is wrong with labelled pictures, and what a model makes of them that it should not.
#include "pipeline/audit/audit.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/output/folder_lock.hpp"
#include "base/pending_file.hpp"
#include "cli/command.hpp"
#include "cli/options/backbone.hpp"
#include "cli/options/models.hpp"
#include "cli/options/options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "pipeline/audit/directions.hpp"
#include "pipeline/folder/run_files.hpp"
#include "pipeline/learn/decisions.hpp"
#include "pipeline/learn/provenance.hpp"
#include "pipeline/learn/thumbnails.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

class Audit : public Command {
 public:
  explicit Audit(CLI::App& app) {
    app.add_option("-m,--model", common.model,
                   "the model: its own head is audited if it knows all classes of DIR, else one that is learned")
        ->default_str(CommonOptions().model)
        ->type_name("MODEL")
        ->group("General");
    app.add_option("-o,--output", output_, "write audit.html, audit.json and what is learned into this folder")
        ->type_name("DIR");
    add_fold_options(app, learn_);
    app.add_option("--val", validation_, "another folder of the same classes, such as the one that you measure on")
        ->type_name("DIR");
    app.add_option("--decisions", decisions_,
                   "obey a table of what to keep, drop and relabel, as the report's page writes it")
        ->type_name("FILE.csv");
    add_count(app, "--maps", options_.maps, 0, "how many pictures of each class are looked at with a map");
    add_count(app, "--budget", budget_, 0, "forward passes for experiments, the strongest findings first");
    app.add_option("--drop", drop_,
                   "write dropped.safetensors, the learned model without the K-th direction of what a class's score is "
                   "made of, and say what becomes of the pictures")
        ->type_name("CLASS:K");
    app.add_option("--only", only_, "compare everything, and try and tell one finding alone, as its command in a report does")
        ->type_name("CLASS:WHAT");
    add_count(app, "--seed", options_.seed, 0, "of all random draws");
    app.add_option("--cache", cache_, "folder for the features, which later runs use; default: in the output")
        ->type_name("DIR");
    add_choice(app, "-f,--format", format_, {"text", "json"}, "what to print");
  }

  int run() override {
    check_flags();
    LabelledPictures pictures = list_labelled(operands[0]);
    if (!decisions_.empty()) (void)apply_decisions(pictures, decisions_);
    if (!validation_.empty()) add_validation(pictures, operands[0], validation_);
    if (!only_.empty()) options_.only = parse_only(only_, pictures);
    if (!drop_.empty()) dropped_ = parse_direction(drop_, pictures);
    check_places(pictures);
    claim_threads(common);
    const FolderLock lock(output_, false);
    const std::optional<FolderLock> cache_lock =
        cache_.empty() ? std::nullopt : std::optional<FolderLock>(std::in_place, cache_, false);
    PendingFile page(place("audit.html"));  // a place that cannot be written is found before the work
    PendingFile json(place("audit.json"));
    const std::vector<std::string> hashes = hash_files(pictures.inputs);
    std::vector<Backbone> backbones;
    std::shared_ptr<const VisionTransformer> model = load_backbone(common.model, common, backbones);
    EmbeddedPictures embedded = embed(model, backbones.front(), pictures, hashes);
    if (embedded.interrupted) return features_interrupted(common);
    AuditReport report = look(std::move(model), backbones.front(), pictures, embedded);
    if (interrupt_exit_code() != 0) return interrupted();
    begin_last_writes();
    const std::map<std::string, std::string> thumbnails =
        thumbnails_of(pictured_paths(report), pictures.inputs, report.learned.remarks, 2 * kPagePictures);
    const std::string record = audit_json(report);
    json.append(record);
    json.commit();
    page.append(audit_html(report, thumbnails));
    page.commit();
    say(report);
    print(format_ == "json" ? record : audit_text(report));
    return report.failures.empty() ? 0 : 1;
  }

 private:
  void check_flags() {
    if (operands.size() != 1) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("the number of folders is {}, expected one: with a folder for each class", operands.size()),
          "for example: fovea audit photos -o audited");
    }
    if (output_.empty()) {
      throw Error(ErrorCode::kUsage, "-o is missing, expected a folder for the report", "for example: -o audited");
    }
    learn_.seed = options_.seed;
    learn_.compare = false;
    (void)groups_by_name({}, learn_.group_by);  // an expression that is none is found before the work
  }

  [[nodiscard]] fs::path place(const char* name) const { return fs::path(output_) / name; }
  [[nodiscard]] fs::path cache_folder() const { return cache_.empty() ? place("features") : fs::path(cache_); }

  void check_places(const LabelledPictures& pictures) const {
    RunFiles files;
    files.reads(pictures.inputs);
    files.reads(common.config, "configuration");
    files.reads(decisions_, "table of decisions");
    files.reads_model(find_model(common.model, common.quiet));
    for (const char* name : {"audit.html", "audit.json", "model.safetensors", "dropped.safetensors"}) {
      files.writes(place(name));
    }
  }

  [[nodiscard]] EmbeddedPictures embed(const std::shared_ptr<const VisionTransformer>& model, const Backbone& backbone,
                                       const LabelledPictures& pictures, std::span<const std::string> hashes) const {
    Engine engine(model);
    return embed_view(engine, backbone, View{}, {pictures, hashes, {}}, {cache_folder(), common},
                      [this] { return features_interrupted(common); });
  }

  /// A copy of the model with a learned head.
  void write_head(const Backbone& backbone, const Learned& learned, const LearnedHead& head, const char* name) const {
    PendingFile file(place(name));
    write_learned(open_model(backbone.path), head,
                  provenance_of(backbone.name, backbone.sha256, learned.report, learn_), file);
    file.commit();
  }

  [[nodiscard]] AuditReport look(std::shared_ptr<const VisionTransformer> model, const Backbone& backbone,
                                 const LabelledPictures& pictures, EmbeddedPictures& embedded) {
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<BackboneFeatures> features{{common.model, embedded.features, {}}};
    const Learned learned =
        learn_head({pictures, embedded.inputs, embedded.classes, embedded.hashes, features}, learn_);
    std::vector<std::size_t> of_class = own_classes(pictures, model->info());
    const bool own = !of_class.empty();
    if (own && dropped_) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("--drop is given, but {} knows all classes and its own head is audited, expected a model "
                              "whose head is learned",
                              printable(common.model)),
                  "name its backbone with -m");
    }
    if (!own) {  // it is written beside the report
      write_head(backbone, learned, learned.head, "model.safetensors");
      model = VisionTransformer::load(place("model.safetensors"));
      of_class = every(pictures.names.size());
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    AskedModel asked(std::move(model), std::move(of_class), common.threads, common.batch, budget_);
    std::optional<Progress> progress;
    AuditReport report = audit(
        {pictures, embedded, learned}, options_, asked,
        [&](std::string_view /*what*/, std::size_t steps) { progress.emplace(steps, !common.quiet && steps > 1); },
        [&] { progress->step(); }, [&](std::size_t /*written*/) { leave_now(interrupted()); });
    if (!own) describe_directions({pictures, embedded, learned}, report);
    if (dropped_) {
      write_head(backbone, learned, without(*dropped_, {pictures, embedded, learned}, report), "dropped.safetensors");
      report.dropped->output = place("dropped.safetensors").string();
    }
    report.seconds["learning"] = seconds;
    report.folder = operands[0];
    report.output = output_;
    report.model = common.model;
    report.own_head = own;
    report.audited = own ? common.model : place("model.safetensors").string();
    report.budget = budget_;
    report.failures = embedded.failures;
    report.command = command(output_);
    for (std::size_t i = 0; i < report.findings.size(); ++i) report.findings[i].command = command_of(report, i);
    return report;
  }

  /// What gives the same report again.
  [[nodiscard]] std::string command(const std::string& output) const {
    std::string text = fmt::format("fovea audit {} -m {} -o {}", shell_word(operands[0]), shell_word(common.model),
                                   shell_word(output));
    if (!common.config.empty()) text += " --config " + shell_word(common.config);
    if (!validation_.empty()) text += " --val " + shell_word(validation_);
    if (!decisions_.empty()) text += " --decisions " + shell_word(decisions_);
    if (!learn_.group_by.empty()) text += " --group-by " + shell_word(learn_.group_by);
    if (!drop_.empty()) text += " --drop " + shell_word(drop_);
    return text + fmt::format(" --folds {} --maps {} --budget {} --seed {}", learn_.folds, options_.maps, budget_,
                              options_.seed);
  }
  /// What gives one finding again, in a folder of its own and from the same features.
  [[nodiscard]] std::string command_of(const AuditReport& report, std::size_t finding) const {
    const AuditFinding& one = report.findings[finding];
    const std::string folder = place(fmt::format("finding-{}", finding + 1).c_str()).string();
    return fmt::format("{} --cache {} --only {}", command(folder), shell_word(cache_folder().string()),
                       shell_word(report.learned.classes[one.of_class].name + ":" + one.id));
  }
  /// A word as a shell reads it: in quotes where it has to be.
  static std::string shell_word(const std::string& text) {
    const bool plain = !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                               "0123456789_-./:=,@%+") == std::string::npos;
    if (plain) return printable(text);
    std::string quoted = "'";
    for (const char c : text) c == '\'' ? quoted += "'\\''" : quoted += c;
    return printable(quoted + "'");
  }

  [[nodiscard]] int interrupted() const {
    if (!common.quiet) {
      Messages(use_color(common.color, STDERR_FILENO))
          .note("interrupted: the features are kept, and no report is written");
    }
    return interrupt_exit_code();
  }

  void say(const AuditReport& report) const {
    if (common.quiet) return;
    const Messages messages(use_color(common.color, STDERR_FILENO));
    for (const std::string& remark : report.learned.remarks) messages.warning(remark);
    if (!common.verbose) return;
    for (const auto& [stage, seconds] : report.seconds) messages.note(fmt::format("{}: {:.1f} s", stage, seconds));
  }

  LearnOptions learn_;
  AuditOptions options_;
  std::size_t budget_ = 30000;
  std::string output_;
  std::string validation_;
  std::string decisions_;
  std::string drop_;
  std::string only_;
  std::optional<DroppedDirection> dropped_;  // of drop_
  std::string cache_;
  std::string format_ = "text";
};

}  // namespace

const Verb audit_verb = {"audit",
                         "Find what is wrong with labelled pictures, and what a model uses that it should not",
                         "DIR",
                         "a folder that has a folder of pictures for each class",
                         {"fovea audit photos -o audited",
                          "fovea audit photos -m mine.safetensors -o audited --val held_out",
                          "fovea audit photos -o audited -f json --budget 2000"},
                         false,
                         [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Audit>(app); }};

}  // namespace fovea::cli
