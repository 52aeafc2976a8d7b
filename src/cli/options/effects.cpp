#include "cli/options/effects.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "pipeline/maps/map_plan.hpp"

namespace fovea::cli {
namespace {

/// The options of a call, whether the command line, the environment, a configuration file or the default sets them.
class Call {
 public:
  Call(const CLI::App& app, std::size_t operands) : app_(app), operands_(operands) {}

  [[nodiscard]] std::size_t operands() const { return operands_; }
  [[nodiscard]] bool verb_is(std::initializer_list<std::string_view> verbs) const {
    return std::find(verbs.begin(), verbs.end(), app_.get_name()) != verbs.end();
  }
  [[nodiscard]] bool has(const std::string& option) const {
    const CLI::Option* const found = app_.get_option_no_throw("--" + option);
    return found != nullptr && found->count() > 0;
  }
  [[nodiscard]] std::string value(const std::string& option) const {
    const CLI::Option* const found = app_.get_option_no_throw("--" + option);
    if (found == nullptr) return {};
    return found->count() > 0 ? found->results().back() : found->get_default_str();
  }
  /// All values, also where one lists several: a,b.
  [[nodiscard]] std::vector<std::string> values(const std::string& option) const {
    std::vector<std::string> all;
    if (!has(option)) return all;
    for (const std::string& list : app_.get_option("--" + option)->results()) {
      for (std::string& value : CLI::detail::split(list, ',')) all.push_back(std::move(value));
    }
    return all;
  }
  [[nodiscard]] bool has_value(const std::string& option, const std::string& wanted) const {
    const std::vector<std::string> all = values(option);
    return std::find(all.begin(), all.end(), wanted) != all.end();
  }
  /// Whether this method is among those that run: the named ones, or the verb's default.
  [[nodiscard]] bool runs(const ExplainMethod& method) const {
    const std::string name(method.name);
    if (has("why") && (name == "libra" || (verb_is({"batch"}) && name == "rollout"))) return true;
    if (has("method") || has("compare")) return has_value("method", name) || has_value("compare", name);
    if (has("test-methods"))
      return std::find(kTestedMethods.begin(), kTestedMethods.end(), name) != kTestedMethods.end();
    if (verb_is({"explore"})) return !method.needs.relevance && !method.needs.reruns && !method.needs.subsets;
    return !has("why") && name == default_method(has("target") || has("against")).name;
  }

 private:
  const CLI::App& app_;
  std::size_t operands_;
};

/// The methods that read an option: "rollout or attention"; empty for an option that no method reads.
struct Readers {
  std::string names;
  bool one_runs = false;
};
Readers readers_of(const std::string& option, const Call& call) {
  Readers readers;
  for (const ExplainMethod& method : explain_methods()) {
    if (std::find(method.reads.begin(), method.reads.end(), option) == method.reads.end()) continue;
    readers.names += (readers.names.empty() ? "" : " or ") + std::string(method.name);
    readers.one_runs |= call.runs(method);
  }
  return readers;
}

/// What some options need to change anything.
struct Rule {
  std::vector<std::string_view> options;
  bool (*holds)(const Call&);
  std::string_view needs;
};

bool draws(const Call& call) {
  return call.has("output") || !(call.has("compare") || call.has("test-methods"));
}
bool reads_pictures(const Call& call) {
  return !call.has("tensor");
}
bool reads_model_files(const Call& call) {
  return !call.has("arch");
}
bool is_random(const Call& call) {
  return call.verb_is({"learn", "eval", "audit"}) || call.has("sample") || call.has("faithfulness") || call.has("compare") ||
         call.has("test-methods") || readers_of("seed", call).one_runs;
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table{
      {{"null"}, [](const Call& call) { return call.has("files-from"); }, "--files-from"},
      {{"alpha", "colormap", "style", "mask-threshold", "side-by-side", "no-caption", "overlay-format", "overlay-size"},
       draws,
       "-o beside --compare"},
      {{"alpha"}, [](const Call& call) { return call.value("style") == "heat"; }, "--style heat"},
      {{"colormap"},
       [](const Call& call) { return call.value("style") != "mask" || call.has("sheet"); },
       "--style heat, --style contour or --sheet"},
      {{"mask-threshold"}, [](const Call& call) { return call.value("style") == "mask"; }, "--style mask"},
      {{"top-patches"}, [](const Call& call) { return call.has_value("map-format", "json"); }, "--map-format json"},
      {{"save-map"},
       [](const Call& call) { return !call.has("map-format") || call.has_value("map-format", "npy"); },
       "--map-format npy, where a --map-format is given"},
      {{"renormalize"},
       [](const Call& call) { return call.value("head-fusion") != "mean"; },
       "--head-fusion max or min"},
      {{"head-fusion"},
       [](const Call& call) { return !call.has("head") || call.runs(explain_method("rollout")); },
       "all heads, and --head takes one"},
      {{"seed"}, is_random, "something random: --sample, --faithfulness or --method rise"},
      {{"substrate"},
       [](const Call& call) { return call.has("faithfulness") || call.has("compare"); },
       "--faithfulness or --compare"},
      {{"gamma"},
       [](const Call& call) { return call.runs(explain_method("libra")) || call.value("gradients") == "libra"; },
       "--method libra or --gradients libra"},
      {{"batch", "top-k", "threshold"},
       [](const Call& call) { return !call.has("test-methods"); },
       "rows of pictures: --test-methods prints none"},
      {{"attention-blocks"},
       [](const Call& call) { return call.value("attention") != "none"; },
       "attention in the page"},
      {{"decode", "exif", "gray16", "max-pixels", "preprocess", "crop-pct", "resize-size", "crop-size", "crop-mode",
        "interpolation", "pillow-compat"},
       reads_pictures,
       "image files: a --tensor is prepared already"},
      {{"mean", "std"},
       [](const Call& call) {
         return reads_pictures(call) || call.verb_is({"explain", "explore"});
       },
       "image files: a --tensor is prepared already"},
      {{"model", "weights", "ignore-config", "preprocess", "crop-pct", "resize-size", "crop-size", "crop-mode",
        "interpolation", "mean", "std", "pillow-compat"},
       reads_model_files,
       "a model's files: --arch has none"},
      {{"model"},
       [](const Call& call) {
         return !call.verb_is({"quantize", "doctor"});
       },
       "no MODEL before the other path"},
      {{"model"},
       [](const Call& call) { return !call.verb_is({"inspect"}) || call.operands() == 0; },
       "no other MODEL"},
      {{"model", "threads"},
       [](const Call& call) {
         return !call.verb_is({"merge", "pull", "models", "completions", "manpage"});
       },
       "a verb that runs a model"},
      {{"threads"}, [](const Call& call) { return !call.verb_is({"inspect"}); }, "a verb that runs a model"},
      {{"batch"},
       [](const Call& call) {
         return !call.verb_is({"merge", "quantize", "doctor", "inspect", "pull", "models", "completions", "manpage"});
       },
       "a verb that runs pictures together"},
      {{"calibrate"},
       [](const Call& call) { return call.value("to") == "int8" || call.has("report") || call.has("cascade"); },
       "--to int8, --report or --cascade"},
      {{"test"}, [](const Call& call) { return call.has("report"); }, "--report"},
      {{"risk"}, [](const Call& call) { return call.has("cascade"); }, "--cascade"},
      {{"model",        "threads",   "batch",     "against-precision", "maps",          "text-embeddings",
        "image-size",   "test-size", "heads",     "weights",           "ignore-config", "precision",
        "decode",       "exif",      "gray16",    "max-pixels",        "preprocess",    "crop-pct",
        "resize-size",  "crop-size", "crop-mode", "interpolation",     "mean",          "std",
        "pillow-compat"},
       [](const Call& call) { return !call.has("from"); },
       "a model that runs: --from has its answers"},
      {{"shards"}, [](const Call& call) { return call.value("shard") == "auto"; }, "--shard auto"},
      {{"pictures"}, [](const Call& call) { return call.has("calibrate"); }, "--calibrate"},
  };
  return table;
}

[[noreturn]] void refuse(const std::string& option, std::string_view needs) {
  throw Error(ErrorCode::kUsage, fmt::format("--{} has no effect here: it needs {}", option, needs),
              "leave it out; in a configuration file or the environment it may stay");
}

}  // namespace

void refuse_ignored_options(const CLI::App& app, const std::set<std::string>& given, std::size_t operands) {
  const Call call(app, operands);
  for (const std::string& option : given) {
    for (const Rule& rule : rules()) {
      const bool meant = std::find(rule.options.begin(), rule.options.end(), option) != rule.options.end();
      if (meant && !rule.holds(call)) refuse(option, rule.needs);
    }
    if (option == "seed") continue;  // read by more than methods
    const Readers readers = readers_of(option, call);
    if (!readers.names.empty() && !readers.one_runs) refuse(option, "--method " + readers.names);
  }
}

}  // namespace fovea::cli
