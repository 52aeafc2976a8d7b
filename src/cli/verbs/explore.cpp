// fovea explore: an HTML page that shows a model's attention patch by patch.
#include "pipeline/explore.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/files.hpp"
#include "base/pending_file.hpp"
#include "base/process/interrupt.hpp"
#include "cli/command.hpp"
#include "cli/options/picture_options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/rows.hpp"
#include "cli/terminal/run_note.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/architecture.hpp"
#include "report/record.hpp"

namespace fovea::cli {
namespace {

/// The most that --attention auto keeps of one picture, before compression. All attention of ViT-B at 224 px is 5.6 MB,
/// of ViT-L 14.9 MB.
constexpr std::size_t kMostBytes = 8'000'000;

/// The classes that the page explains; each costs one backward pass for all methods together.
constexpr const char* kDefaultTargets = "top3";

/// As choose_maps() has it.
constexpr const char* kDefaultMethods = "every method that takes one forward and at most one backward pass";

[[noreturn]] void refuse_blocks(const std::string& text, std::size_t depth) {
  throw Error(ErrorCode::kUsage, fmt::format("--attention-blocks is '{}', expected blocks of 0 to {} such as 0,6,9-{}",
                                             text, depth - 1, depth - 1));
}

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "0,6,9-11" to {0, 6, 9, 10, 11}; an empty text to all blocks.
std::vector<std::size_t> parse_blocks(const std::string& text, std::size_t depth) {
  std::set<std::size_t> blocks;
  std::string_view rest = text.empty() ? "0-" : std::string_view(text);
  while (true) {
    const std::string_view item = rest.substr(0, rest.find(','));
    const std::size_t dash = item.find('-');
    const std::optional<std::size_t> first = whole_number(item.substr(0, dash));
    std::optional<std::size_t> last = first;
    if (dash != std::string_view::npos) last = text.empty() ? depth - 1 : whole_number(item.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= depth) refuse_blocks(text, depth);
    for (std::size_t block = *first; block <= *last; ++block) blocks.insert(block);
    if (item.size() == rest.size()) break;
    rest.remove_prefix(item.size() + 1);
  }
  return {blocks.begin(), blocks.end()};
}

double megabytes(std::size_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

class Explore : public Command {
 public:
  explicit Explore(CLI::App& app) {
    app.add_option("-o,--output", output_, "write the page to this file")->type_name("FILE.html");
    add_explanation_options(app, flags_.maps, {kDefaultMethods, kDefaultMethods, {}});
    const std::string group = "Attention in the page";
    add_choice(app, "--attention", attention_, {"auto", "all", "mean", "none"},
               fmt::format("all: attention of every head; mean: mean over the heads; none: only maps; auto: all up to "
                           "{:.0f} MB a picture before compression, else mean",
                           megabytes(kMostBytes)))
        ->group(group);
    app.add_option("--attention-blocks", blocks_, "attention of these blocks only, e.g. 0,6,9-11")
        ->type_name("LIST")
        ->group(group);
    add_report_options(app, format_);
    add_picture_options(app, flags_);
  }

  int run() override {
    if (output_.empty()) {
      throw Error(ErrorCode::kUsage, "-o is missing, expected a file for the page", "for example: -o page.html");
    }
    choose_maps();
    NamedPictures pictures = name_pictures(operands, flags_.input);
    const std::vector<Input>& inputs = pictures.inputs;
    RunNote note(common);
    Purpose purpose;
    purpose.maps = true;
    purpose.outputs = {output_};
    PictureSetup setup = set_up(flags_, purpose, pictures, common, note);
    setup.options.page = page_options(setup.model->architecture());
    setup.options.maps.contributions = shows_contributions(setup.options.maps, *setup.options.page);

    Engine engine(setup.model);
    PendingFile page(output_);  // a place that cannot be written is found before the work
    page.append(explore_beginning(explore_heading(engine.info(), *setup.options.page)));
    const Schedule schedule = plan_schedule(inputs.size(), common.threads, common.batch);
    const bool values = class_space(engine.info(), setup.options).function == ScoreFunction::kNone;
    const ReportOptions report{.top_k = flags_.classes.top_k,
                               .values = values,
                               .unknown = has_unknown_rule(engine.info(), setup.options),
                               .verdicts = flags_.maps.faithfulness};
    Rows rows(inputs.size(), format_, report, common);
    std::size_t bytes = 0;
    const auto finish = [&](std::size_t done) {
      begin_last_writes();
      page.append(explore_end());
      page.commit();
      rows.finish(done < inputs.size());
      say_size(bytes, rows.summary());
      note.done(rows.summary(), schedule);
      return rows.exit_code();
    };
    const std::size_t done = engine.run(
        inputs, every(inputs.size()), setup.options, schedule,
        [&](const PictureOutcome& outcome) {
          page.append(outcome.page_section);
          bytes += outcome.page_section.size();
          rows.write(outcome.record);
        },
        nullptr, [&](std::size_t written) { leave_now(finish(written)); });
    return finish(done);
  }

 private:
  /// Without --method: all maps that a forward and a backward pass give, of the best classes.
  void choose_maps() {
    MapFlags& maps = flags_.maps;
    if (!maps.methods.empty()) return;
    for (const ExplainMethod& method : explain_methods()) {
      if (!method.needs.relevance && !method.needs.reruns && !method.needs.subsets)
        maps.methods.emplace_back(method.name);
    }
    if (maps.targets.empty() && !maps.against) maps.targets = {kDefaultTargets};
  }

  [[nodiscard]] PageOptions page_options(const Architecture& architecture) const {
    PageOptions page;
    if (attention_ == "none" || architecture.differential_attention) return page;
    page.blocks = parse_blocks(blocks_, architecture.depth);
    const std::size_t all = attention_bytes(architecture, page.blocks.size(), false);
    page.mean_heads = attention_ == "mean" || (attention_ == "auto" && all > kMostBytes);
    if (!page.mean_heads || attention_ == "mean" || common.quiet) return page;
    Messages(use_color(common.color, STDERR_FILENO))
        .warning(fmt::format("attention of all {} heads would be {:.1f} MB a picture before compression, expected at "
                             "most {:.0f}: the page has the mean over the heads",
                             architecture.num_heads, megabytes(all), megabytes(kMostBytes)),
                 "--attention all keeps every head, --attention-blocks fewer blocks");
    return page;
  }

  /// Where the page is large, or with -v.
  void say_size(std::size_t bytes, const Summary& summary) const {
    const std::size_t pictures = summary.succeeded + summary.failed;
    if (common.quiet || (!common.verbose && bytes < 2'000'000 * pictures && bytes < 50'000'000)) return;
    Messages(use_color(common.color, STDERR_FILENO))
        .note(fmt::format("{} is {:.1f} MB, {:.2f} MB a picture", printable(output_), megabytes(bytes),
                          megabytes(bytes) / static_cast<double>(std::max<std::size_t>(1, pictures))));
  }

  PictureFlags flags_;
  std::string attention_ = "auto";
  std::string blocks_;
  std::string format_ = "text";
  std::string output_;
};

}  // namespace

const Verb explore_verb = {"explore",
                           "Make an HTML page that shows the attention of every patch, block and head",
                           "PATH...",
                           "image files, folders of them, or - for one on standard input",
                           {"fovea explore cat.jpg -o cat.html           # open it in any browser, send it to anyone",
                            "fovea explore photos -r -o photos.html --method rollout",
                            "fovea explore cat.jpg -o cat.html -m vit_large --attention-blocks 20-23 --attention all"},
                           false,
                           [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Explore>(app); }};

}  // namespace fovea::cli
