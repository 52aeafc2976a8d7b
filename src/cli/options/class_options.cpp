#include "cli/options/class_options.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "cli/options/options.hpp"
#include "cli/terminal/terminal.hpp"

namespace fovea::cli {

namespace {
constexpr const char* kClassGroup = "Classes";
}  // namespace

void add_class_options(CLI::App& app, ClassFlags& flags) {
  add_count(app, "-k,--top-k", flags.top_k, 1, "number of classes to print for each input")->group(kClassGroup);
  require_number(app.add_option("--threshold", flags.threshold, "print only classes with at least this probability"),
                 {})
      ->capture_default_str()
      ->type_name("0..1")
      ->group(kClassGroup);
  add_class_names_options(app, flags);
}

void add_class_names_options(CLI::App& app, ClassFlags& flags) {
  app.add_option("--labels", flags.labels, "class names: one per line in class order, or JSON")
      ->type_name("FILE")
      ->group(kClassGroup);
  app.add_option(
         "--text-embeddings", flags.text_embeddings,
         "zero-shot classes for a CLIP or SigLIP image tower: a tensor `embeddings` [classes, width]; the class names "
         "are a JSON array `labels` in the metadata, or come from --labels")
      ->type_name("FILE.safetensors")
      ->group(kClassGroup);
}

PredictionOptions prediction_options(const ClassFlags& flags) {
  return {flags.top_k, flags.threshold};
}

std::optional<std::filesystem::path> model_labels(const ClassFlags& flags) {
  if (flags.labels.empty() || !flags.text_embeddings.empty()) return std::nullopt;
  return flags.labels;
}

std::shared_ptr<const ZeroShotHead> zero_shot_head(const ClassFlags& flags, const ModelInfo& model,
                                                   const CommonOptions& common) {
  if (flags.text_embeddings.empty()) {
    require_classes(model);
    return nullptr;
  }
  auto head = std::make_shared<const ZeroShotHead>(read_text_embeddings(flags.text_embeddings, flags.labels), model);
  if (!model.logit_scale && !common.quiet) {
    Messages(use_color(common.color, STDERR_FILENO))
        .warning(fmt::format(
                     "{}: logit_scale is missing: assumed {}, the value at the end of CLIP's training, and a softmax",
                     printable(model.path), ZeroShotHead::kAssumedScale),
                 "the order of the classes does not depend on it, their probabilities do");
  }
  return head;
}

std::map<std::string, std::string> option_texts(const ClassFlags& flags) {
  std::map<std::string, std::string> texts{{"top-k", std::to_string(flags.top_k)}};
  if (flags.threshold > 0) texts["threshold"] = fmt::format("{}", flags.threshold);
  if (!flags.labels.empty()) texts["labels"] = flags.labels;
  if (!flags.text_embeddings.empty()) texts["text-embeddings"] = flags.text_embeddings;
  return texts;
}

std::map<std::string, std::string> resolved_texts(const ClassFlags& flags, const ClassSpace& classes) {
  std::map<std::string, std::string> texts = option_texts(flags);
  if (!flags.labels.empty()) {
    std::string names;
    for (const ClassLabel& label : classes.labels) {
      names += label.synset.value_or("") + '\t' + label.description.value_or("") + '\n';
    }
    texts["labels"] = sha256_hex(names);
  }
  if (!flags.text_embeddings.empty()) texts["text-embeddings"] = sha256_hex(read_text_file(flags.text_embeddings));
  return texts;
}

}  // namespace fovea::cli
