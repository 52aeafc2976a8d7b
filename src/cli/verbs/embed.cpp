// fovea embed: the features of each picture, as rows of one array.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "base/files.hpp"
#include "base/pending_file.hpp"
#include "base/process/interrupt.hpp"
#include "cli/command.hpp"
#include "cli/options/picture_options.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/rows.hpp"
#include "cli/terminal/run_note.hpp"
#include "fovea/model.hpp"
#include "pipeline/pictures.hpp"
#include "report/files/documents.hpp"
#include "report/files/feature_file.hpp"

namespace fovea::cli {
namespace {

std::vector<std::string> pool_names() {
  std::vector<std::string> names;
  names.reserve(kFeaturePools.size());
  for (const FeaturePool pool : kFeaturePools) names.emplace_back(name(pool));
  return names;
}

/// The file that says which row of the array belongs to which picture: one record for each row, as JSON lines.
std::filesystem::path sidecar_of(const std::filesystem::path& features) {
  return features.native() + ".jsonl";
}

std::map<std::string, std::string> metadata_of(const ModelInfo& model, const std::string& pool) {
  return {{"model", model.name},
          {"pool", pool},
          {"image_size", input_text(model.architecture)},
          {"preprocessing", model.recipe.name}};
}

class Embed : public Command {
 public:
  explicit Embed(CLI::App& app) {
    app.add_option("-o,--output", output_,
                   "write the features to this file, float32 [inputs, width], and their paths to FILE.jsonl")
        ->type_name("FILE.npy|.safetensors");
    add_choice(app, "--pool", pool_, pool_names(),
               "head: what the head reads, projected where the model projects; cls, mean: the class token or the "
               "average patch token after the final norm; tokens: all patch tokens [inputs, patches, width]");
    add_report_options(app, format_);
    app.add_flag("-r,--recurse", flags_.input.recurse, "read sub-folders, too");
    add_input_options(app, flags_.input);
    add_tensor_option(app, flags_.input);
    add_model_options(app, flags_.model);
    add_decode_options(app, flags_.decode);
  }

  int run() override {
    if (output_.empty()) {
      throw Error(ErrorCode::kUsage, "-o is missing, expected a file for the features", "for example: -o features.npy");
    }
    FeatureFile::check_name(output_);
    NamedPictures pictures = name_pictures(operands, flags_.input);
    const std::vector<Input>& inputs = pictures.inputs;
    RunNote note(common);
    Purpose purpose;
    purpose.outputs = {output_, sidecar_of(output_)};
    purpose.features = *std::find_if(kFeaturePools.begin(), kFeaturePools.end(),
                                     [&](FeaturePool pool) { return name(pool) == pool_; });
    const auto [model, options] = set_up(flags_, purpose, pictures, common, note);
    const ModelInfo& info = model->info();

    Engine engine(model);
    FeatureFile features(output_, feature_shape(info, *options.features), inputs.size(), metadata_of(info, pool_));
    PendingFile sidecar(sidecar_of(output_));
    const Schedule schedule = plan_schedule(inputs.size(), common.threads, common.batch);
    Rows rows(inputs.size(), format_, {.top_k = 0}, common);
    const auto finish = [&](std::size_t done) {
      begin_last_writes();
      features.finish();
      sidecar.commit();
      rows.finish(done < inputs.size());
      note.done(rows.summary(), schedule);
      return rows.exit_code();
    };
    const std::size_t done = engine.run(
        inputs, every(inputs.size()), options, schedule,
        [&](const PictureOutcome& outcome) {
          features.append(outcome.features);
          sidecar.append(record_to_json(outcome.record) + "\n");
          rows.write(outcome.record);
        },
        nullptr, [&](std::size_t written) { leave_now(finish(written)); });
    return finish(done);
  }

 private:
  PictureFlags flags_;
  std::string format_ = "text";
  std::string pool_ = "head";
  std::string output_;
};

}  // namespace

const Verb embed_verb = {"embed",
                         "Write the features of each picture, for search, clustering or a classifier of your own",
                         "PATH...",
                         "image files, folders of them, or - for one on standard input",
                         {"fovea embed photos -r -o photos.npy              # row i is line i of photos.npy.jsonl",
                          "fovea embed photos -o photos.safetensors --pool cls",
                          "fovea embed cat.jpg -o patches.npy --pool tokens   # [1, patches, width]"},
                         false,
                         [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Embed>(app); }};

}  // namespace fovea::cli
