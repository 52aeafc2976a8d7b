#include "cli/options/backbone.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/options/model_options.hpp"
#include "cli/options/models.hpp"
#include "cli/options/options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/run_note.hpp"
#include "cli/terminal/terminal.hpp"
#include "pipeline/folder/run_files.hpp"

namespace fovea::cli {

std::shared_ptr<const VisionTransformer> load_backbone(const std::string& model, const CommonOptions& common,
                                                       std::vector<Backbone>& backbones) {
  RunNote note(common);
  const std::filesystem::path path = find_model(model, common.quiet);
  std::shared_ptr<const VisionTransformer> loaded = VisionTransformer::load(path);
  const ModelInfo& info = loaded->info();
  note.loaded(info);
  Backbone& backbone = backbones.emplace_back(Backbone{path, info.name, model_sha256(path), {}});
  backbone.fingerprint = backbone.sha256;
  for (const auto& [name, value] : resolved_texts(info, false)) {
    backbone.fingerprint.append("\n").append(name).append(": ").append(value);
  }
  return loaded;
}

EmbeddedPictures embed_view(Engine& engine, const Backbone& backbone, const View& view, const EmbedTask& task,
                            const EmbedPlace& place, const std::function<int()>& interrupted) {
  std::string fingerprint = backbone.fingerprint;
  if (view != View{})
    fingerprint += fmt::format("\nview: {} {} {}", view.down, view.right, view.mirrored ? "mirrored" : "");
  FeatureCache cache(place.cache, fingerprint, feature_shape(engine.info(), FeaturePool::kHeadInput).front());
  const CommonOptions& common = place.common;
  const Messages messages(use_color(common.color, STDERR_FILENO));
  std::vector<std::size_t> todo = missing_pictures(task.pictures, task.hashes, cache);
  std::erase_if(todo,
                [&](std::size_t i) { return std::ranges::find(task.failed, i, &Record::index) != task.failed.end(); });
  Progress progress(todo.size(), !common.quiet && todo.size() > 1);
  const auto show = [&](const Record& record) {
    if (record.failure) {
      progress.erase();
      messages.error(record.failure->message, record.failure->hint);
    }
    progress.step();
  };
  return embed_labelled(engine, task.pictures, task.hashes, todo, cache, view,
                        plan_schedule(todo.size(), common.threads, common.batch), show,
                        [&](std::size_t /*written*/) { leave_now(interrupted()); });
}

void add_fold_options(CLI::App& app, LearnOptions& options) {
  add_count(app, "--folds", options.folds, 2, "in how many parts the pictures are held out in turn", 100);
  app.add_option("--group-by", options.group_by,
                 "pictures whose names match with the same text are kept together, such as a series of one object; "
                 "names are relative to DIR, and the first ( ) counts")
      ->type_name("REGEX");
}

int features_interrupted(const CommonOptions& common) {
  if (!common.quiet) {
    Messages(use_color(common.color, STDERR_FILENO))
        .note("interrupted: the features so far are kept, and the same command goes on from here");
  }
  return interrupt_exit_code();
}

}  // namespace fovea::cli
