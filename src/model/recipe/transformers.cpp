// transformers' image processors: the meaning of a preprocessor_config.json, class by class (version 5.24).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/text.hpp"
#include "fovea/error.hpp"
#include "model/keys/library_keys.hpp"
#include "model/recipe/processor_values.hpp"
#include "model/recipe/recipe.hpp"
#include "model/recipe/sources.hpp"

namespace fovea {
namespace {

using nlohmann::json;
using namespace processor_values;  // NOLINT(google-build-using-namespace): how the keys below are read

/// A class's attributes: the defaults for keys that the file leaves out.
struct ProcessorClass {
  std::string_view name;
  Interpolation resample;
  std::array<float, 3> mean;
  std::array<float, 3> std;
  int size;
  bool square;            // `size` is both sides; else the shortest edge
  bool square_if_one;     // the same for `size: 224` in a file: default_to_square
  int crop_size;          // 0: the class has none
  bool center_crop;       // do_center_crop
  double crop_pct = 0.0;  // ConvNext's
  bool floats = false;    // it rescales before it resizes, and has the backend torchvision only
  int max_patches = 0;    // of 16 px: it gives each picture a size of its own
};

constexpr int kSiglip2Patch = 16;  // px
constexpr std::array kClasses{
    ProcessorClass{"ViTImageProcessor", Interpolation::kBilinear, kInceptionMean, kInceptionMean, 224, true, true, 0,
                   false},
    ProcessorClass{"DeiTImageProcessor", Interpolation::kBicubic, kInceptionMean, kInceptionMean, 256, true, true, 224,
                   true},
    ProcessorClass{"BitImageProcessor", Interpolation::kBicubic, kClipMean, kClipStd, 224, false, false, 224, true},
    ProcessorClass{"CLIPImageProcessor", Interpolation::kBicubic, kClipMean, kClipStd, 224, false, false, 224, true},
    ProcessorClass{"SiglipImageProcessor", Interpolation::kBicubic, kInceptionMean, kInceptionMean, 224, true, false, 0,
                   false},
    ProcessorClass{"BeitImageProcessor", Interpolation::kBicubic, kInceptionMean, kInceptionMean, 224, true, true, 224,
                   false},
    ProcessorClass{"Siglip2ImageProcessor", Interpolation::kBilinear, kInceptionMean, kInceptionMean, 256, true, true,
                   0, false, 0.0, false, 256},
    ProcessorClass{"DINOv3ViTImageProcessor", Interpolation::kBilinear, kImagenetMean, kImagenetStd, 224, true, true, 0,
                   false, 0.0, true},
    ProcessorClass{"ConvNextImageProcessor", Interpolation::kBicubic, kInceptionMean, kInceptionMean, 384, false, false,
                   0, false, 224.0 / 256.0},
};

// Indexed by the numbers of PIL.Image.Resampling.
constexpr std::array kPillowFilters{Interpolation::kNearest, Interpolation::kLanczos, Interpolation::kBilinear,
                                    Interpolation::kBicubic, Interpolation::kBox,     Interpolation::kHamming};

const ProcessorClass* find_class(std::string_view type) {
  const auto* const found =
      std::find_if(kClasses.begin(), kClasses.end(), [&](const ProcessorClass& known) { return known.name == type; });
  return found == kClasses.end() ? nullptr : found;
}

const ProcessorClass& class_of(std::string_view type) {
  const ProcessorClass* found = find_class(type);
  return found == nullptr ? kClasses.front() : *found;
}

/// Siglip2ImageProcessor's rule. The input size is that of a square picture.
void apply_patch_rule(PreprocessRecipe& recipe, int patch_size, int max_patches) {
  recipe.resize = ResizeRule::kMostPatches;
  recipe.patch_size = patch_size;
  recipe.max_patches = max_patches;
  recipe.center_crop = false;
  const double side = patch_size * std::floor(std::sqrt(static_cast<double>(max_patches)));
  const int whole = static_cast<int>(std::min<double>(side, std::numeric_limits<int>::max()));
  recipe.resize_size = {whole, whole};
}

/// The class's own steps and values for one backend.
PreprocessRecipe defaults_of(const ProcessorClass& type, TransformersBackend backend) {
  PreprocessRecipe recipe;
  const bool pil = backend == TransformersBackend::kPil;
  recipe.name = pil ? "hf-pil" : "hf-torchvision";
  recipe.resize = type.square ? ResizeRule::kExact : ResizeRule::kShortestEdge;
  recipe.resize_size = {type.size, type.size};
  recipe.interpolation = type.resample;
  recipe.resampler = pil ? Resampler::kPillow : Resampler::kAten;
  recipe.crop_rounding = CropRounding::kFloor;
  recipe.padding_rule = pil ? PaddingRule::kLargerHalfFirst : PaddingRule::kSmallerHalfFirst;
  recipe.crop_pct = 0.0;
  recipe.normalization = pil ? Normalization::kRescale : Normalization::kFused;
  recipe.mean = type.mean;
  recipe.std = type.std;
  recipe.exif = ExifMode::kApply;
  recipe.center_crop = type.center_crop;
  recipe.input_size = {type.crop_size, type.crop_size};
  if (type.max_patches > 0) apply_patch_rule(recipe, kSiglip2Patch, type.max_patches);
  if (!type.floats) return recipe;
  if (pil) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--preprocess is 'hf-pil', expected 'hf-torchvision', the one backend of {}", type.name));
  }
  recipe.resampler = Resampler::kAtenFloat;
  recipe.normalization = Normalization::kScaled;
  return recipe;
}

/// Below 384 px ConvNext resizes to a larger size and crops; from 384 px on it resizes to the exact size.
void apply_convnext_rule(PreprocessRecipe& recipe, double crop_pct) {
  constexpr int kWarpsFrom = 384;
  recipe.input_size = recipe.resize_size;
  recipe.center_crop = true;
  recipe.resize = ResizeRule::kExact;
  if (recipe.resize_size.height >= kWarpsFrom) return;
  recipe.resize = ResizeRule::kShortestEdge;
  recipe.resize_size = size_before_crop(recipe.input_size, crop_pct);
  recipe.crop_pct = crop_pct;
}

/// Computes the input size if nothing is cropped.
void settle_input_size(PreprocessRecipe& recipe) {
  if (!recipe.center_crop) recipe.input_size = recipe.resize_size;
}

double read_crop_pct(const ConfigReader& reader, const json& cfg, double absent) {
  const double crop_pct = reader.number(cfg, "crop_pct").value_or(absent);
  if (!(crop_pct > 0.0) || crop_pct > 2.0) reader.fail("crop_pct", cfg["crop_pct"].dump(), "a number above 0");
  return crop_pct;
}

/// The patches of Siglip2ImageProcessor. It has no use for `size` and a crop, but does not take every one.
void read_patches(const ConfigReader& reader, const json& cfg, PreprocessRecipe& recipe) {
  PreprocessRecipe unused;
  if (given(cfg, "size")) read_resize(reader, cfg["size"], true, unused);
  if (given(cfg, "crop_size")) unused.input_size = read_crop_size(reader, cfg["crop_size"]);
  if (flag(reader, cfg, "do_center_crop", false) && !given(cfg, "crop_size")) {
    reader.fail("crop_size", "absent", "a value beside do_center_crop: transformers raises an error without it");
  }
  require(reader, cfg, "patch_size", "the cutting into patches");
  require(reader, cfg, "max_num_patches", "do_resize");
  const auto number = [&](const char* key, int absent) {
    return cfg.contains(key) ? positive(reader, cfg[key], key) : absent;
  };
  apply_patch_rule(recipe, number("patch_size", recipe.patch_size), number("max_num_patches", recipe.max_patches));
  if (!flag(reader, cfg, "do_resize", true)) recipe.resize = ResizeRule::kNone;
  settle_input_size(recipe);
}

/// Applies the file's resize and crop on top of the class's defaults.
void read_steps(const ConfigReader& reader, const json& cfg, const ProcessorClass& type, PreprocessRecipe& recipe) {
  if (type.max_patches > 0) return read_patches(reader, cfg, recipe);
  const bool resizes = flag(reader, cfg, "do_resize", true);
  if (resizes) {
    require(reader, cfg, "size", "do_resize");
    require(reader, cfg, "resample", "do_resize");
  }
  const bool square_if_one = flag(reader, cfg, "default_to_square", type.square_if_one);
  if (given(cfg, "size")) read_resize(reader, cfg["size"], square_if_one, recipe);
  if (type.crop_pct > 0.0 && resizes) {
    if (recipe.resize != ResizeRule::kShortestEdge) {
      reader.fail("size", cfg["size"].dump(), fmt::format(R"({{"shortest_edge"}} for {})", type.name));
    }
    apply_convnext_rule(recipe, read_crop_pct(reader, cfg, type.crop_pct));
    return;
  }
  if (!resizes) recipe.resize = ResizeRule::kNone;
  recipe.center_crop = flag(reader, cfg, "do_center_crop", type.center_crop);
  if (recipe.center_crop) require(reader, cfg, "crop_size", "do_center_crop");
  if (given(cfg, "crop_size")) recipe.input_size = read_crop_size(reader, cfg["crop_size"]);
  if (recipe.center_crop && recipe.input_size.height == 0) {
    reader.fail("crop_size", "absent", "the size that do_center_crop cuts to");
  }
  settle_input_size(recipe);
}

Interpolation read_resample(const ConfigReader& reader, const json& cfg, const ProcessorClass& type,
                            Resampler resampler) {
  const auto number = reader.count(cfg, "resample");
  if (!number) return type.resample;
  if (*number >= kPillowFilters.size()) reader.fail("resample", cfg["resample"].dump(), "a filter of Pillow's, 0 to 5");
  const Interpolation filter = kPillowFilters.at(*number);
  if (!has_filter(resampler, filter)) {
    reader.fail("resample", fmt::format("{} ({})", *number, name(filter)),
                resampler == Resampler::kAtenFloat
                    ? fmt::format("2 or 3 for {}", type.name)
                    : "a filter of the backend torchvision: 0 to 3 (use --preprocess hf-pil, which has them all)");
  }
  return filter;
}

void read_normalization(const ConfigReader& reader, const json& cfg, PreprocessRecipe& recipe) {
  const auto rgb = [&](const char* key, const std::array<float, 3>& absent) {
    if (given(cfg, key) && cfg[key].is_number()) {  // one value for all channels
      const auto value = cfg[key].get<float>();
      return std::array{value, value, value};
    }
    return reader.rgb(cfg, key).value_or(absent);
  };
  recipe.mean = rgb("image_mean", recipe.mean);
  recipe.std = rgb("image_std", recipe.std);
  if (std::any_of(recipe.std.begin(), recipe.std.end(), [](float value) { return !(value > 0.0F); })) {
    reader.fail("image_std", cfg["image_std"].dump(), "numbers above 0");
  }
  recipe.rescale_factor = reader.number(cfg, "rescale_factor").value_or(recipe.rescale_factor);
  if (!(recipe.rescale_factor > 0.0)) reader.fail("rescale_factor", cfg["rescale_factor"].dump(), "a number above 0");
  const bool rescales = flag(reader, cfg, "do_rescale", true);
  if (rescales) require(reader, cfg, "rescale_factor", "do_rescale");
  if (!rescales) recipe.rescale_factor = 1.0;
  if (recipe.resampler == Resampler::kAtenFloat && recipe.rescale_factor == 1.0) {
    reader.fail("do_rescale", "false", "true: DINOv3ViTImageProcessor does not normalise bytes");
  }
  recipe.normalize = flag(reader, cfg, "do_normalize", true);
  if (!recipe.normalize && !rescales) {
    reader.fail("do_rescale", "false beside do_normalize: false", "one of both: the model raises an error for bytes");
  }
  if (!recipe.normalize) return;
  require(reader, cfg, "image_mean", "do_normalize");
  require(reader, cfg, "image_std", "do_normalize");
}

}  // namespace

std::string processor_type(const ConfigReader& reader, const json& cfg) {
  const char* key = "image_processor_type";
  auto stated = reader.text(cfg, key);
  if (!stated) {
    key = "feature_extractor_type";
    stated = reader.text(cfg, key);
  }
  if (!stated) return {};
  std::string type = *stated;
  // ViTFeatureExtractor and ViTImageProcessorFast are older names of the same class.
  if (const auto at = type.find("FeatureExtractor"); at != std::string::npos) type.replace(at, 16, "ImageProcessor");
  for (const std::string_view suffix : {"Fast", "Pil"}) {
    if (type.ends_with(suffix)) type.erase(type.size() - suffix.size());
  }
  if (find_class(type) == nullptr) {
    std::string known;
    for (const ProcessorClass& one : kClasses) known += (known.empty() ? "" : ", ") + std::string(one.name);
    reader.fail(key, fmt::format("'{}'", to_utf8(*stated)),
                fmt::format("one of {} (use --preprocess NAME to choose another pipeline)", known));
  }
  return type;
}

PreprocessRecipe read_transformers_recipe(const ConfigReader& reader, const json& cfg, std::string_view type,
                                          TransformersBackend backend) {
  const ProcessorClass& known = class_of(type);
  PreprocessRecipe recipe = defaults_of(known, backend);
  check_keys(reader, cfg, reader.root().contains("image_processor") ? "image_processor." : "",
             {transformers_processor_keys()});
  // Siglip2ImageProcessor pads whatever it says, and the model masks what was padded.
  if (known.max_patches == 0 && flag(reader, cfg, "do_pad", false)) {
    reader.fail("do_pad", "true", "false, because fovea does not pad batches");
  }
  recipe.interpolation = read_resample(reader, cfg, known, recipe.resampler);
  read_steps(reader, cfg, known, recipe);
  read_normalization(reader, cfg, recipe);
  return recipe;
}

PreprocessRecipe transformers_recipe(std::string_view type, TransformersBackend backend, Size input_size) {
  const ProcessorClass& known = class_of(type);
  PreprocessRecipe recipe = defaults_of(known, backend);
  if (known.crop_pct > 0.0) apply_convnext_rule(recipe, known.crop_pct);
  settle_input_size(recipe);
  return known.max_patches > 0 ? recipe : with_input_size(recipe, input_size);
}

}  // namespace fovea
