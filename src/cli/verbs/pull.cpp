// fovea pull and fovea models: brings models of a hub, and lists what is there.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/options/hub_options.hpp"
#include "cli/options/models.hpp"
#include "cli/options/options.hpp"
#include "cli/terminal/model_list.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/error.hpp"
#include "fovea/hub.hpp"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

/// As far as it can be read.
std::uint64_t bytes_at(const fs::path& model) {
  std::error_code failed;
  if (!fs::is_directory(model, failed)) {
    const auto size = fs::file_size(model, failed);
    return failed ? 0 : size;
  }
  std::uint64_t bytes = 0;
  for (fs::directory_iterator entry(model, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    std::error_code other;
    const auto size = entry->is_regular_file(other) ? entry->file_size(other) : 0;
    if (!other) bytes += size;
  }
  return bytes;
}

std::vector<ListedModel> listed_models() {
  std::vector<ListedModel> models;
  for (NamedModel& named : named_models()) {
    const std::uint64_t bytes = bytes_at(named.path);
    models.push_back({std::move(named.name), false, std::move(named.path), {}, bytes, true});
  }
  for (CachedModel& cached : cached_hub_models(hub_cache())) {
    const std::string revision = cached.model.revision == "main" ? "" : "@" + cached.model.revision;
    models.push_back({fmt::format("hf:{}{}", cached.model.repo, revision), true, std::move(cached.folder),
                      std::move(cached.commit), cached.bytes, cached.complete});
  }
  return models;
}

class Models : public Command {
 public:
  explicit Models(CLI::App& app) { add_choice(app, "-f,--format", format_, {"text", "json"}, "what to print"); }
  int run() override {
    const std::vector<ListedModel> models = listed_models();
    print(format_ == "json" ? model_list_json(models) : model_list_text(models));
    return 0;
  }

 private:
  std::string format_ = "text";
};

class PullVerb : public Command {
 public:
  explicit PullVerb(CLI::App& app) {
    app.add_option("--include", include_,
                   "download files that match this pattern, too, such as *.pth; may be given more than once")
        ->allow_extra_args(false)
        ->take_all()
        ->type_name("GLOB");
    app.add_flag("--offline", offline_, "ask no hub: check that the cache has the model");
    app.add_option("--endpoint", endpoint_, "address of the hub, in place of HF_ENDPOINT")->type_name("URL");
    app.add_flag("--insecure", insecure_, "allow plain http to another machine; the token is not sent there");
  }
  int run() override {
    if (operands.empty()) {
      throw Error(ErrorCode::kUsage, "no model is given, expected ORG/NAME or ORG/NAME@REV",
                  "for example: fovea pull google/vit-base-patch16-224");
    }
    std::vector<HubModel> models;
    for (const std::string& name : operands) models.push_back(parse_hub_model(name));
    for (const HubModel& model : models) {
      const HubSnapshot snapshot = pull_model(model, options());
      if (!common.quiet) Messages(use_color(common.color, STDERR_FILENO)).note(pull_note(model.repo, snapshot));
      print(snapshot.folder.string() + '\n');
    }
    return 0;
  }

 private:
  [[nodiscard]] HubOptions options() const {
    HubOptions options = hub_options(common.quiet);
    options.offline |= offline_;
    options.insecure = insecure_;
    options.include = include_;
    if (!endpoint_.empty()) options.endpoint = endpoint_;
    return options;
  }
  std::vector<std::string> include_;
  std::string endpoint_;
  bool offline_ = false;
  bool insecure_ = false;
};

}  // namespace

const Verb models_verb = {
    "models",
    "List the models that have a name: installed ones, and those of a hub that were downloaded",
    "",
    "",
    {"fovea models                           # names for -m, sizes and folders",
     "fovea models -f json | jq -r '.models[].name'", "fovea classify -m hf:google/vit-base-patch16-224 photo.jpg"},
    false,
    [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Models>(app); }};

const Verb pull_verb = {
    "pull",
    "Download a model of a hub, or what is new of it, and check every file's hash",
    "ORG/NAME[@REV]...",
    "models of the hub; REV is a branch, a tag or a commit",
    {"fovea pull google/vit-base-patch16-224 # prints the folder; -m hf:google/vit-base-patch16-224 finds it",
     "fovea pull facebook/dinov2-small@main --offline # is it there, and whole?",
     "fovea pull ORG/NAME --include '*.pth'  # a file that is not among those that loading needs"},
    false,
    [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<PullVerb>(app); }};

}  // namespace fovea::cli
