// fovea learn: a folder of labelled pictures becomes a model, and what it is worth is measured.
#include "pipeline/learn/learn.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/output/folder_lock.hpp"
#include "base/pending_file.hpp"
#include "base/process/interrupt.hpp"
#include "cli/command.hpp"
#include "cli/options/backbone.hpp"
#include "cli/options/models.hpp"
#include "cli/options/options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/run_note.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "pipeline/folder/run_files.hpp"
#include "pipeline/learn/decisions.hpp"
#include "pipeline/learn/provenance.hpp"
#include "pipeline/learn/text_start.hpp"
#include "pipeline/learn/thumbnails.hpp"
#include "pipeline/prepare_view.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

class Learn : public Command {
 public:
  explicit Learn(CLI::App& app) {
    app.add_option("-m,--model", models_,
                   "the model whose head is learned anew; may be given more than once: the best one is taken")
        ->default_str(CommonOptions().model)
        ->allow_extra_args(false)
        ->take_all()
        ->type_name("MODEL")
        ->group("General");
    app.add_option("-o,--output", output_, "write the model to this file")->type_name("FILE.safetensors");
    add_fold_options(app, options_);
    app.add_option("--val", validation_, "measure on the pictures of this folder, not on parts that are held out")
        ->type_name("DIR");
    app.add_option("--decisions", decisions_,
                   "obey a table of what to keep, drop and relabel, with the columns file_name, decision and label; "
                   "names are relative to DIR")
        ->type_name("FILE.csv");
    add_choice(
        app, "--views", views_, {"1", "2", "10"},
        "learn from the mean of so many views of a picture: 2 are the picture and its mirror image, 10 its middle, "
        "its four corners and their mirror images; measured on the picture as classify sees it");
    app.add_option("--text-embeddings", texts_,
                   "start from what texts say of the classes, for few pictures: a file as for classify, with a text for "
                   "each class, made by the text tower of the model")
        ->type_name("FILE");
    add_choice(app, "--class-weight", class_weight_, {"none", "balanced"},
               "balanced: a class of few pictures counts as much as one of many");
    app.add_option("--unknown", unknown_,
                   "let rows say that a picture is of none of the classes; this share of pictures that are may be "
                   "called so, too")
        ->type_name("SHARE");
    add_count(app, "--seed", options_.seed, 0, "which of many equally good partitions");
    app.add_option("--cache", cache_, "folder for the features, which later runs use; default: beside the output")
        ->type_name("DIR");
    app.add_option("--report", page_, "write the report as one page, with the pictures that were taken for others")
        ->type_name("FILE.html");
    add_choice(app, "-f,--format", format_, {"text", "json"}, "what to print");
  }

  int run() override {
    check_flags();
    LabelledPictures pictures = list_labelled(operands[0]);
    std::optional<DecisionReport> decisions;
    if (!decisions_.empty()) decisions = apply_decisions(pictures, decisions_);
    if (!validation_.empty()) add_validation(pictures, operands[0], validation_);
    check_places(pictures);
    claim_threads(common);
    const FolderLock lock(cache_folder(), false);
    PendingFile output(output_);  // a place that cannot be written is found before the work
    std::optional<PendingFile> page;
    if (!page_.empty()) page.emplace(page_);
    const auto begin = Clock::now();
    const std::vector<std::string> hashes = hash_files(pictures.inputs);
    std::vector<Backbone> backbones;
    std::vector<EmbeddedPictures> embedded;
    for (const std::string& model : models_) {
      const std::shared_ptr<const VisionTransformer> loaded = load_backbone(model, common, backbones);
      embedded.push_back(embed(loaded, backbones.back(), pictures, hashes));
      if (embedded.back().interrupted) return interrupted();
    }
    const double embed_seconds = seconds_since(begin);

    keep_common(embedded);
    std::vector<BackboneFeatures> features;
    for (std::size_t i = 0; i < models_.size(); ++i) {
      features.push_back({models_[i], std::move(embedded[i].features), std::move(embedded[i].averaged)});
      if (!texts_.empty()) features.back().texts = texts_of(backbones[i].path, texts_, pictures.names);
    }
    const EmbeddedPictures& first = embedded.front();
    Learned learned = learn_head({pictures, first.inputs, first.classes, first.hashes, features}, options_);
    LearnReport& report = learned.report;
    report.decisions = decisions;
    report.texts = texts_;
    report.views = std::stoul(views_);
    const Backbone& best = backbones[learned.backbone];
    write_learned(open_model(best.path), learned.head, provenance_of(best.name, best.sha256, report, options_), output);
    output.commit();
    report.folder = operands[0];
    report.output = output_;
    report.validation = validation_;
    report.failures = first.failures;
    report.embed_seconds = embed_seconds;
    report.learn_seconds = seconds_since(begin) - embed_seconds;
    if (page) {
      const std::map<std::string, std::string> thumbnails = report_thumbnails(report, pictures.inputs);
      page->append(learn_html(report, thumbnails));
      page->commit();
    }
    say(report);
    print(format_ == "json" ? learn_json(report) : learn_text(report));
    return report.failures.empty() ? 0 : 1;
  }

 private:
  void check_flags() {
    if (operands.size() != 1) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("the number of folders is {}, expected one: with a folder for each class", operands.size()),
          "for example: fovea learn photos -o mine.safetensors");
    }
    if (std::filesystem::path(output_).extension() != ".safetensors") {
      throw Error(ErrorCode::kUsage,
                  output_.empty()
                      ? std::string("-o is missing, expected a file for the model")
                      : fmt::format("{}: the output's extension is '{}', expected .safetensors", printable(output_),
                                    printable(std::filesystem::path(output_).extension())),
                  "for example: -o mine.safetensors");
    }
    options_.balanced = class_weight_ == "balanced";
    if (unknown_.empty()) return;
    options_.unknown = finite_number(unknown_);
    if (options_.unknown && *options_.unknown > 0 && *options_.unknown < 1) return;
    throw Error(ErrorCode::kUsage, fmt::format("--unknown is '{}', expected a share above 0 and below 1", unknown_),
                "0.05 rejects one of twenty pictures of the classes");
  }

  [[nodiscard]] std::filesystem::path cache_folder() const {
    if (!cache_.empty()) return cache_;
    return std::filesystem::path(output_).replace_extension(".features");
  }

  void check_places(const LabelledPictures& pictures) const {
    RunFiles files;
    files.reads(pictures.inputs);
    files.reads(common.config, "configuration");
    files.reads(decisions_, "table of decisions");
    files.reads(texts_, "text embeddings");
    for (const std::string& model : models_) files.reads_model(find_model(model, common.quiet));
    files.writes(output_);
    files.writes(page_);
  }

  [[nodiscard]] EmbeddedPictures embed(const std::shared_ptr<const VisionTransformer>& model, const Backbone& backbone,
                                       const LabelledPictures& pictures, std::span<const std::string> hashes) const {
    if (views_ == "10" && !cuts_off(model->info().recipe)) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("--views is 10, but {} sees the whole picture, so that its crops are all the same, expected "
                      "1 or 2",
                      printable(backbone.name)),
          "--views 2 adds the mirror image");
    }
    Engine engine(model);
    std::vector<EmbeddedPictures> views;
    for (const View& view : views_of(std::stoul(views_))) {
      const std::vector<Record> failed = views.empty() ? std::vector<Record>() : views.front().failures;
      views.push_back(embed_view(engine, backbone, view, {pictures, hashes, failed}, {cache_folder(), common},
                                 [this] { return interrupted(); }));
      if (views.back().interrupted) return std::move(views.back());
    }
    return average_views(std::move(views));
  }

  [[nodiscard]] int interrupted() const {
    return features_interrupted(common);
  }

  void say(const LearnReport& report) const {
    if (common.quiet) return;
    const Messages messages(use_color(common.color, STDERR_FILENO));
    for (const std::string& remark : report.remarks) messages.warning(remark);
    for (const Baseline& baseline : report.baselines) {
      if (baseline.ahead.high >= 0) continue;
      messages.warning(fmt::format("the {} is better than the learned head by {:.1f} points", baseline.name,
                                   -100 * baseline.ahead.value),
                       "the pictures may be too few, or the labels wrong: look at the most surprising ones");
    }
    if (common.verbose) {
      messages.note(
          fmt::format("features in {:.1f} s, learning in {:.1f} s", report.embed_seconds, report.learn_seconds));
    }
  }

  LearnOptions options_;
  std::vector<std::string> models_{CommonOptions().model};
  std::string output_;
  std::string views_ = "1";
  std::string class_weight_ = "none";
  std::string validation_;
  std::string decisions_;
  std::string texts_;
  std::string unknown_;
  std::string cache_;
  std::string page_;
  std::string format_ = "text";
};

}  // namespace

const Verb learn_verb = {"learn",
                         "Learn classes of your own from a folder of pictures, and measure how good they are",
                         "DIR",
                         "a folder that has a folder of pictures for each class",
                         {"fovea learn photos -o mine.safetensors   # then: fovea classify -m mine.safetensors new.jpg",
                          "fovea learn photos -o mine.safetensors --unknown 0.05",
                          "fovea learn photos -o mine.safetensors --group-by '^[^/]*/([0-9]+)_' -f json"},
                         false,
                         [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Learn>(app); }};

}  // namespace fovea::cli
