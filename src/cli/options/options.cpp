#include "cli/options/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "base/files.hpp"
#include "base/process/input_stream.hpp"
#include "base/process/threads.hpp"
#include "base/text.hpp"
#include "cli/options/models.hpp"
#include "fovea/error.hpp"
#include "fovea/machine.hpp"
#include "pipeline/archive/archive_inputs.hpp"
#include "report/writer.hpp"

namespace fovea::cli {
namespace {

/// Options of one call only: what it reads, writes or asks. They have no environment variable.
constexpr std::string_view kOneCallOnly[] = {"include",    "offline",     "endpoint",
                                             "insecure",   "help",        "version",
                                             "config",     "output",      "save-logits",
                                             "files-from", "fresh",       "list-methods",
                                             "folder",     "null",        "tensor",
                                             "dump-input", "dump-pixels", "compare",
                                             "roofline",   "svg",         "to",
                                             "calibrate",  "report",      "append",
                                             "share",      "shard",       "shards",
                                             "group-by",   "from",        "confusion",
                                             "maps",       "label-table", "against-precision",
                                             "test"};

/// Because CLI11 takes -1 for the largest number that there is.
void require_count(CLI::Option* option, std::size_t least, std::size_t most) {
  option->type_name("N");
  option->check(
      [option, least, most](const std::string& text) -> std::string {
        std::size_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = error == std::errc() && end == text.data() + text.size();
        if (whole && value >= least && value <= most) return {};
        throw Error(ErrorCode::kUsage, fmt::format("{} is '{}', expected a whole number from {}{}", option->get_name(),
                                                   text, least, most == kNoMost ? "" : fmt::format(" to {}", most)));
      },
      "");
}

/// The entries of --files-from.
std::vector<std::string> entries_of(const std::string& list, const InputFlags& flags) {
  if (!flags.nul && list.find('\0') != std::string::npos) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: the list has NUL bytes, expected one path a line",
                            flags.files_from == kStandardInput ? "standard input" : printable(flags.files_from)),
                "-0 reads lists whose paths end with NUL, as those of `find -print0` do");
  }
  return split_list(list, flags.nul);
}

}  // namespace

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

CLI::Option* add_choice(CLI::App& app, const std::string& flags, std::string& value,
                        const std::vector<std::string>& choices, const std::string& about) {
  CLI::Option* option = app.add_option(flags, value, about)->capture_default_str();
  option->type_name("{" + joined(choices, "|") + "}");
  option->check(
      [option, choices](const std::string& word) -> std::string {
        if (std::find(choices.begin(), choices.end(), word) != choices.end()) return {};
        throw Error(ErrorCode::kUsage,
                    fmt::format("{} is '{}', expected one of {}", option->get_name(), word, joined(choices, ", ")),
                    did_you_mean(word, choices));
      },
      "");
  return option;
}

CLI::Option* add_count(CLI::App& app, const std::string& flags, std::size_t& value, std::size_t least,
                       const std::string& about, std::size_t most) {
  CLI::Option* option = app.add_option(flags, value, about)->capture_default_str();
  require_count(option, least, most);
  return option;
}

CLI::Option* add_count(CLI::App& app, const std::string& flags, std::optional<std::size_t>& value,
                       const std::string& about, std::size_t least) {
  CLI::Option* option = app.add_option(flags, value, about);
  require_count(option, least, kNoMost);
  return option;
}

std::optional<double> finite_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

CLI::Option* require_number(CLI::Option* option, const NumberRange& range) {
  return option->check(
      [option, range](const std::string& text) -> std::string {
        const std::optional<double> number = finite_number(text);
        const bool high_enough = number && (range.open_least ? *number > range.least : *number >= range.least);
        const bool low_enough = number && (range.open_most ? *number < range.most : *number <= range.most);
        if (high_enough && low_enough) return {};
        throw Error(ErrorCode::kUsage, fmt::format("{} is '{}', expected a number {} {} {} {}", option->get_name(),
                                                   text, range.open_least ? "above" : "from", range.least,
                                                   range.open_most ? "to below" : "to", range.most));
      },
      "");
}

std::string environment_name(const CLI::Option& option) {
  if (option.get_lnames().empty()) return {};
  const std::string& name = option.get_lnames().front();
  if (std::find(std::begin(kOneCallOnly), std::end(kOneCallOnly), name) != std::end(kOneCallOnly)) return {};
  std::string variable = "FOVEA_";
  for (const char c : name) {
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return variable;
}

void add_common_options(CLI::App& app, CommonOptions& options) {
  options.threads = static_cast<std::size_t>(available_cores());
  const std::string group = "General";
  if (app.get_option_no_throw("--model") == nullptr) {  // a verb may take several
    app.add_option("-m,--model", options.model,
                   "model folder or checkpoint file, the name of an installed model, or hf:ORG/NAME for one of a hub")
        ->capture_default_str()
        ->type_name("MODEL")
        ->group(group);
  }
  add_count(app, "-t,--threads", options.threads, 1, "compute threads")->default_str("all cores")->group(group);
  add_count(app, "--batch", options.batch, 1, "images in one forward pass", kMostBatch)->group(group);
  app.add_flag("-q,--quiet", options.quiet, "print no progress and no summary")->group(group);
  app.add_flag("-v,--verbose", options.verbose, "print more on standard error")->group(group);
  add_choice(app, "--color", options.color, {"auto", "always", "never"}, "colour the text output")->group(group);
  app.add_option("--config", options.config, "read options from this TOML file")->type_name("FILE")->group(group);
  app.add_flag("--version", options.version, "print the version and exit; with -v also how it was built")->group(group);
}

void add_input_options(CLI::App& app, InputFlags& flags) {
  app.add_option("--files-from", flags.files_from, "read paths from this file, one per line; - is standard input")
      ->type_name("LIST");
  app.add_flag("-0,--null", flags.nul, "paths in --files-from end with NUL, not with a newline");
}

void claim_threads(const CommonOptions& options) {
  require_threads(options.threads + 1);  // the calling one waits meanwhile, and another hashes the model
  set_compute_threads(static_cast<int>(options.threads));
}

std::vector<std::string> input_arguments(std::span<const std::string> operands, const InputFlags& flags) {
  std::vector<std::string> paths;
  for (const std::string& operand : operands) {
    for (std::string& path : expand_archive_names(operand)) paths.push_back(std::move(path));
  }
  if (flags.files_from == kStandardInput) {
    if (std::find(paths.begin(), paths.end(), kStandardInput) != paths.end()) {
      throw Error(ErrorCode::kUsage, "standard input is both a picture ('-') and a list (--files-from -)");
    }
    for (std::string& path : entries_of(read_standard_input(), flags)) paths.push_back(std::move(path));
  } else if (!flags.files_from.empty()) {
    for (std::string& path : entries_of(read_named_text(flags.files_from), flags)) paths.push_back(std::move(path));
  } else if (paths.empty()) {
    throw Error(ErrorCode::kUsage, "no PATH is given, expected at least one file or folder",
                "`-` reads a picture from standard input, --files-from a list of paths");
  }
  return paths;
}

std::vector<Input> collect_inputs(std::span<const std::string> arguments, const InputFlags& flags,
                                  const std::string& output_folder, std::vector<std::string>& unread) {
  std::vector<Input> inputs = list_inputs(arguments, {flags.recurse, output_folder}, &unread);
  if (inputs.empty()) {
    const auto model = std::find_if(arguments.begin(), arguments.end(), is_model);
    if (model != arguments.end()) {
      throw Error(ErrorCode::kUsage, fmt::format("{}: is a model, expected pictures", printable(*model)),
                  hint_for_model(*model));
    }
    const std::vector<std::string> skipped = skipped_extensions(arguments, {flags.recurse, output_folder});
    const std::string others =
        skipped.empty() ? std::string{} : fmt::format(", only {} files", fmt::join(skipped, ", "));
    throw Error(
        ErrorCode::kUsage,
        arguments.empty() ? "the list of --files-from is empty" : "no image was found in what was given" + others,
        !unread.empty() ? std::string(kUnreadHint)
        : flags.recurse ? "hidden files and what lies below the output folder are skipped"
                        : "-r looks into sub-folders; hidden files are skipped");
  }
  return inputs;
}

void add_tensor_option(CLI::App& app, InputFlags& flags) {
  app.add_option(
         "--tensor", flags.tensor,
         "run this array instead of PATH: pictures that are already normalised, float32 [3, H, W] or [n, 3, H, W]")
      ->type_name("FILE.npy");
}

std::shared_ptr<const TensorImages> open_tensors(std::span<const std::string> operands, const InputFlags& flags) {
  if (flags.tensor.empty()) return nullptr;
  if (!operands.empty() || !flags.files_from.empty()) {
    throw Error(ErrorCode::kUsage, "--tensor and pictures are given, expected one of them",
                "run them in two calls: the tensor is the model's input, in place of image files");
  }
  return std::make_shared<const TensorImages>(flags.tensor);
}

void add_decode_options(CLI::App& app, DecodeFlags& flags) {
  const std::string group = "Reading images";
  add_choice(
      app, "--decode", flags.decode, {"exact", "fast"},
      "exact: decode every pixel; fast: decode a large JPEG at 1/8, 1/4 or 1/2 of each side, still at least twice the "
      "size that the model resizes to, so scores differ slightly")
      ->group(group);
  add_choice(app, "--exif", flags.exif, {"auto", "apply", "ignore"},
             "apply: turn the picture as its EXIF orientation says; ignore: take the pixels as stored; auto: as the "
             "model's own "
             "library does")
      ->group(group);
  add_choice(app, "--gray16", flags.gray16, {"clip", "scale"},
             "16-bit grey: clip values above 255, as Pillow does, or scale to 8 bits")
      ->group(group);
  add_count(app, "--max-pixels", flags.max_pixels, 1, "refuse larger pictures before decoding them")->group(group);
}

DecodeOptions decode_options(const DecodeFlags& flags, const PreprocessRecipe& recipe) {
  DecodeOptions options;
  options.mode = flags.decode == "fast" ? DecodeMode::kFast : DecodeMode::kExact;
  options.exif = flags.exif == "auto" ? recipe.exif : flags.exif == "apply" ? ExifMode::kApply : ExifMode::kIgnore;
  options.gray16 = flags.gray16 == "scale" ? Gray16::kScale : Gray16::kClip;
  options.max_pixels = flags.max_pixels;
  return options;
}

void add_report_options(CLI::App& app, std::string& format) {
  add_choice(app, "-f,--format", format, registry_names(report_formats()), "output format");
}

std::map<std::string, std::string> option_texts(const DecodeFlags& decode) {
  return {{"decode", decode.decode},
          {"exif", decode.exif},
          {"gray16", decode.gray16},
          {"max-pixels", std::to_string(decode.max_pixels)}};
}

}  // namespace fovea::cli
