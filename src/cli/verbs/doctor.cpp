// fovea doctor: how a picture becomes the model's input, step by step, and a script to check it in Python.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <system_error>

#include "base/files.hpp"
#include "base/json_text.hpp"
#include "base/pending_file.hpp"
#include "base/sha256.hpp"
#include "cli/command.hpp"
#include "cli/options/model_options.hpp"
#include "cli/options/models.hpp"
#include "cli/options/options.hpp"
#include "cli/terminal/output_stream.hpp"
#include "cli/terminal/preprocess_snippet.hpp"
#include "cli/terminal/run_note.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/prepare.hpp"
#include "fovea/session.hpp"
#include "image/codec/codec.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"
#include "model/config/config_files.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/folder/run_files.hpp"
#include "report/files/documents.hpp"
#include "report/record.hpp"

namespace fovea::cli {
namespace {

/// What is known about one picture and one model.
struct Diagnosis {
  std::filesystem::path model_path;
  std::optional<ModelInfo> model;  // none: there are only config files
  ResolvedRecipe resolved;
  std::filesystem::path image;
  ExifMode exif = ExifMode::kApply;
  Size stored;              // px, before the orientation is applied
  Size decoded;             // px, upright; --decode fast: fewer
  int decoded_eighths = 8;  // of each side
  Preprocessed ready;
  std::vector<float> input;  // [3, h, w]
  std::string pixels_sha256;
  std::string input_sha256;
  Logits logits;  // empty without a checkpoint
  std::string snippet;
};

std::string sha256_of(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

/// The model; null where the folder has config files but no checkpoint.
std::shared_ptr<const VisionTransformer> load_if_there(const std::filesystem::path& path, const LoadOptions& options) {
  std::error_code ignored;
  try {
    return VisionTransformer::load(path, options);
  } catch (const Error& error) {
    const bool no_checkpoint = error.code() == ErrorCode::kNotFound && std::filesystem::is_directory(path, ignored);
    if (!no_checkpoint) throw;
    return nullptr;
  }
}

/// The size of the picture as its file stores it.
Size stored_size(std::span<const std::byte> file, const std::string& name, DecodeOptions options,
                 const PreprocessRecipe& recipe) {
  options.exif = ExifMode::kIgnore;
  return decode_image(file, name, options, recipe).whole;
}

std::string shape_text(Size size) {
  return fmt::format("{}x{}", size.height, size.width);
}

std::string crop_text(const CropGeometry& g) {
  std::string text = fmt::format("{} from row {}, column {}", shape_text(g.crop), g.top, g.left);
  return g.top < 0 || g.left < 0 ? text + ": padded where negative" : text;
}

std::string orientation_text(const Diagnosis& d) {
  if (d.exif == ExifMode::kIgnore) return "as stored (--exif ignore or auto)";
  return shape_text(d.ready.geometry.original);
}

constexpr std::size_t kFirstLogits = 5;

std::string logits_text(const Diagnosis& d) {
  if (!d.model) return "none: there are config files, but no checkpoint";
  if (d.logits.empty()) return "none: the model has no head";
  const auto best = static_cast<std::size_t>(std::max_element(d.logits.begin(), d.logits.end()) - d.logits.begin());
  const std::span<const float> first(d.logits.data(), std::min(kFirstLogits, d.logits.size()));
  return fmt::format("{:.6f}{} ({} classes; largest {:.6f}, class {}{})", fmt::join(first, " "),
                     d.logits.size() > kFirstLogits ? " ..." : "", d.logits.size(), d.logits[best], best,
                     d.model->labels[best].label() ? ", " + *d.model->labels[best].label() : "");
}

std::string text_of(const Diagnosis& d) {
  std::string text;
  const auto row = [&](std::string_view key, const std::string& value) {
    text += fmt::format("{:<12}{}\n", key, value);
  };
  row("model", printable(d.model_path));
  row("recipe", d.resolved.recipe.name);
  for (const std::string& line : describe(d.resolved.recipe)) row("", line);
  row("", "from " + d.resolved.source);
  row("image", printable(d.image));
  row("stored", shape_text(d.stored) + " px (height x width)");
  row("upright", orientation_text(d));
  if (d.decoded_eighths < 8) row("decoded", fmt::format("{}, {}/8 of it", shape_text(d.decoded), d.decoded_eighths));
  row("resized", shape_text(d.ready.geometry.resized));
  row("cropped", crop_text(d.ready.geometry));
  row("pixels", d.pixels_sha256 + "  SHA-256 of uint8 [height, width, 3]");
  row("input", d.input_sha256 + "  SHA-256 of float32 [3, height, width]");
  row("logits", logits_text(d));
  if (d.snippet.empty()) {
    row("check", "no Python library has these steps together");
    return text;
  }
  return text + "check       python3 - <<'END'\n" + d.snippet + "END\n";
}

std::string json_of(const Diagnosis& d) {
  const CropGeometry& g = d.ready.geometry;
  const auto size_json = [](Size size) { return fmt::format("[{}, {}]", size.height, size.width); };
  JsonObject json;
  json.add("schema", kReportSchema).add("type", "doctor").add("model", d.model_path.string());
  json.add("image", d.image.string()).add("recipe", recipe_json(d.resolved.recipe, d.resolved.source));
  JsonObject steps;
  steps.add_raw("stored", size_json(d.stored)).add_raw("upright", size_json(g.original));
  steps.add_raw("decoded", size_json(d.decoded)).add("decoded_eighths", d.decoded_eighths);
  steps.add_raw("resized", size_json(g.resized)).add_raw("cropped", size_json(g.crop));
  steps.add("top", g.top).add("left", g.left).add("exif", d.exif == ExifMode::kApply ? "apply" : "ignore");
  json.add("steps", steps).add("pixels_sha256", d.pixels_sha256).add("input_sha256", d.input_sha256);
  std::vector<std::string> logits;
  logits.reserve(d.logits.size());
  for (const float logit : d.logits) logits.push_back(json_number(logit));
  json.add_raw("logits", d.model ? json_array(logits) : "null");
  json.add_raw("python", d.snippet.empty() ? "null" : json_quoted(d.snippet));
  return json.lines();
}

class Doctor : public Command {
 public:
  explicit Doctor(CLI::App& app) {
    add_choice(app, "-f,--format", format_, {"text", "json"}, "output format");
    app.add_option("--dump-pixels", dump_pixels_, "write the pixels before normalisation, uint8 [h, w, 3]")
        ->type_name("FILE.npy");
    app.add_option("--dump-input", dump_input_, "write the model's input, float32 [3, h, w]")->type_name("FILE.npy");
    add_model_options(app, model_);
    add_decode_options(app, decode_);
  }

  int run() override {
    if (operands.size() != 2) {
      throw Error(ErrorCode::kUsage, fmt::format("{} operands are given, expected MODEL and IMAGE", operands.size()),
                  "fovea doctor vit_tiny_tin200 photo.jpg");
    }
    if (looks_like_image(operands[0]) && !looks_like_image(operands[1])) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("the picture {} comes first, expected the model", printable(operands[0])),
                  fmt::format("fovea doctor {} {}", printable(operands[1]), printable(operands[0])));
    }
    claim_threads(common);
    const std::filesystem::path model = find_model(operands[0], common.quiet);
    check_places(model);
    std::optional<PendingFile> pixels;  // places that cannot be written are found before the work
    if (!dump_pixels_.empty()) pixels.emplace(dump_pixels_);
    std::optional<PendingFile> input;
    if (!dump_input_.empty()) input.emplace(dump_input_);
    const Diagnosis diagnosis = examine(model, operands[1]);
    const auto height = static_cast<std::size_t>(diagnosis.ready.geometry.crop.height);
    const auto width = static_cast<std::size_t>(diagnosis.ready.geometry.crop.width);
    if (pixels) write(*pixels, npy_u8(diagnosis.ready.pixels.pixels(), std::array{height, width, std::size_t{3}}));
    if (input) write(*input, npy_f32(diagnosis.input, std::array{std::size_t{3}, height, width}));
    print(format_ == "json" ? json_of(diagnosis) : text_of(diagnosis));
    return 0;
  }

 private:
  [[nodiscard]] Diagnosis examine(const std::filesystem::path& model_path, const std::filesystem::path& image) const {
    const LoadOptions load = load_options(model_);
    const auto model = load_if_there(model_path, load);
    ConfigFiles files(model ? model->info().path : model_path);
    files.ignore(load.ignore_config);
    Diagnosis d;
    d.model_path = model_path;
    d.image = image;
    if (model) {
      d.model = model->info();
      RunNote(common).loaded(*d.model);
      const Architecture& a = d.model->architecture;
      const std::optional<Size> one_size = a.max_patches > 0 ? std::nullopt : std::optional(a.image_size);
      d.resolved = resolve_recipe(files, load.recipe, one_size, d.model->usual_recipe);
      d.resolved.recipe = d.model->recipe;  // the same, or the preset of the model's own family
      d.resolved.source = d.model->recipe_source;
    } else {
      d.resolved = resolve_recipe(files, load.recipe, load.image_size, "timm");
    }
    const std::vector<std::byte> file = read_file(image);
    const DecodeOptions decode = decode_options(decode_, d.resolved.recipe);
    const std::string name = printable(image);
    const DecodedPicture picture = decode_image(file, name, decode, d.resolved.recipe);
    d.exif = decode.exif;
    d.stored = decode.exif == ExifMode::kIgnore ? picture.whole : stored_size(file, name, decode, d.resolved.recipe);
    d.decoded = picture.image.size();
    d.decoded_eighths = picture.eighths;
    if (model) {
      const PreparedImage prepared = prepare(picture.image, *d.model, picture.whole);
      Session session(model->at(prepared.geometry.crop), 1);
      d.logits = std::move(session.run(prepared.patches).front());
    }
    d.ready = preprocess(picture.image, d.resolved.recipe, picture.whole);
    d.input.resize(d.ready.pixels.pixels().size());
    normalize(d.ready, d.resolved.recipe, d.input);
    d.pixels_sha256 = sha256_of(std::as_bytes(d.ready.pixels.pixels()));
    d.input_sha256 = sha256_of(std::as_bytes(std::span(d.input)));
    if (picture.eighths == 8) d.snippet = preprocess_snippet(d.resolved, image, decode.exif);
    return d;
  }

  /// Nothing that the run reads is written over.
  void check_places(const std::filesystem::path& model) const {
    RunFiles files;
    files.reads(operands[1], "picture");
    files.reads(common.config, "configuration");
    files.reads_model(model);
    files.writes(dump_pixels_);
    files.writes(dump_input_);
  }

  static void write(PendingFile& file, std::string_view content) {
    file.append(content);
    file.commit();
  }

  ModelFlags model_;
  DecodeFlags decode_;
  std::string dump_pixels_;
  std::string dump_input_;
  std::string format_ = "text";
};

}  // namespace

const Verb doctor_verb = {"doctor",
                          "Show how a model's pictures are prepared, with hashes to compare with timm or transformers",
                          "MODEL IMAGE",
                          "a model's folder (its config files are enough), file or name, and a picture",
                          {"fovea doctor vit_tiny_tin200 cat.jpg        # recipe, sizes, hashes, a Python script",
                           "fovea doctor path/to/model cat.jpg --dump-input x.npy",
                           "fovea doctor path/to/model cat.jpg --preprocess hf-pil -f json | jq .input_sha256"},
                          false,
                          [](CLI::App& app) -> std::unique_ptr<Command> { return std::make_unique<Doctor>(app); }};

}  // namespace fovea::cli
