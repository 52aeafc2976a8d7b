#include "cli/terminal/preprocess_snippet.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>

#include "base/json_text.hpp"

namespace fovea::cli {
namespace {

/// A Python string literal; JSON's quoting is valid Python.
std::string python_text(const std::filesystem::path& path) {
  return json_quoted(path.string());
}

std::string_view python_bool(bool value) {
  return value ? "True" : "False";
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

template <typename Numbers>
std::string tuple(const Numbers& values) {
  return fmt::format("({})", fmt::join(values, ", "));
}

std::string size_tuple(Size size) {
  return fmt::format("({}, {})", size.height, size.width);
}

/// The lines that make `pixels`, uint8 [h, w, 3], and `values`, float32 [3, h, w], from `image`.
struct Steps {
  std::string imports;
  std::string lines;
};

constexpr std::string_view kRunTransform =
    "pixels = image\n"
    "for step in transform.transforms:\n"
    "    if \"ToTensor\" in type(step).__name__:\n"
    "        break\n"
    "    pixels = step(pixels)\n"
    "values = transform(image).numpy()\n";

constexpr std::string_view kRunProcessor =
    "pixels = processor(image, do_rescale=False, do_normalize=False, return_tensors=\"np\")[\"pixel_values\"][0]\n"
    "pixels = np.moveaxis(pixels, 0, -1)\n"
    "values = processor(image, return_tensors=\"np\")[\"pixel_values\"][0]\n";

/// SigLIP 2's processor cuts a picture into rows of patches.
constexpr std::string_view kRunPatches =
    "def picture(made):\n"
    "    rows, cols = (int(n) for n in made[\"spatial_shapes\"][0])\n"
    "    side = processor.patch_size\n"
    "    patches = made[\"pixel_values\"][0][:rows * cols].reshape(rows, cols, side, side, 3)\n"
    "    return patches.transpose(0, 2, 1, 3, 4).reshape(rows * side, cols * side, 3)\n"
    "pixels = picture(processor(image, do_rescale=False, do_normalize=False, return_tensors=\"np\"))\n"
    "values = np.moveaxis(picture(processor(image, return_tensors=\"np\")), -1, 0)\n";

std::string_view run_processor(const PreprocessRecipe& recipe) {
  return recipe.max_patches > 0 ? kRunPatches : kRunProcessor;
}

Steps timm_from_file(const ResolvedRecipe& resolved) {
  return {"import json\nimport timm.data\n",
          fmt::format("config = json.load(open({}))\n"
                      "config = timm.data.resolve_data_config({{}}, pretrained_cfg=config.get(\"pretrained_cfg\", "
                      "config))\n"
                      "transform = timm.data.create_transform(**config)\n{}",
                      python_text(resolved.file), kRunTransform)};
}

Steps timm_from_values(const PreprocessRecipe& recipe) {
  const std::string_view mode = recipe.resize == ResizeRule::kExact ? "squash"
                                : recipe.resize == ResizeRule::kFit ? "border"
                                                                    : "center";
  return {"import timm.data\n",
          fmt::format("transform = timm.data.create_transform(\n"
                      "    input_size=(3, {}, {}), interpolation=\"{}\", crop_pct={}, crop_mode=\"{}\",\n"
                      "    mean={}, std={})\n{}",
                      recipe.input_size.height, recipe.input_size.width, name(recipe.interpolation), recipe.crop_pct,
                      mode, tuple(recipe.mean), tuple(recipe.std), kRunTransform)};
}

bool is_pil(const PreprocessRecipe& recipe) {
  return recipe.resampler == Resampler::kPillow;
}

Steps transformers_from_file(const ResolvedRecipe& resolved) {
  const auto folder = resolved.file.has_parent_path() ? resolved.file.parent_path() : std::filesystem::path(".");
  return {"from transformers import AutoImageProcessor\n",
          fmt::format("processor = AutoImageProcessor.from_pretrained({}, backend=\"{}\")\n{}", python_text(folder),
                      is_pil(resolved.recipe) ? "pil" : "torchvision", run_processor(resolved.recipe))};
}

/// transformers' `size`; none for a rule that transformers does not have.
std::optional<std::string> transformers_size(const PreprocessRecipe& recipe) {
  switch (recipe.resize) {
    case ResizeRule::kNone:
    case ResizeRule::kExact:
      return fmt::format(R"({{"height": {}, "width": {}}})", recipe.resize_size.height, recipe.resize_size.width);
    case ResizeRule::kShortestEdge: return fmt::format(R"({{"shortest_edge": {}}})", recipe.resize_size.height);
    case ResizeRule::kCapped:
      return fmt::format(R"({{"shortest_edge": {}, "longest_edge": {}}})", recipe.resize_size.height,
                         recipe.longest_edge);
    case ResizeRule::kCover:
    case ResizeRule::kFit:
    case ResizeRule::kMostPatches: break;
  }
  return std::nullopt;
}

// The numbers of PIL.Image.Resampling, in the order of Interpolation.
constexpr std::array kPillowNumbers{0, 4, 2, 5, 3, 1};

/// The part of a processor's arguments that all of them have.
std::string shared_arguments(const PreprocessRecipe& recipe) {
  return fmt::format("do_rescale={}, rescale_factor={}, do_normalize={},\n    image_mean={}, image_std={}",
                     python_bool(recipe.rescale_factor != 1.0), recipe.rescale_factor, python_bool(recipe.normalize),
                     tuple(recipe.mean), tuple(recipe.std));
}

Steps patches_from_values(const PreprocessRecipe& recipe) {
  const std::string_view processor = is_pil(recipe) ? "Siglip2ImageProcessorPil" : "Siglip2ImageProcessor";
  return {fmt::format("from transformers import {}\n", processor),
          fmt::format("processor = {}(\n    do_resize={}, patch_size={}, max_num_patches={}, resample={},\n    {})\n{}",
                      processor, python_bool(recipe.resize != ResizeRule::kNone), recipe.patch_size, recipe.max_patches,
                      kPillowNumbers[static_cast<std::size_t>(recipe.interpolation)], shared_arguments(recipe),
                      kRunPatches)};
}

std::optional<Steps> transformers_from_values(const PreprocessRecipe& recipe) {
  if (recipe.max_patches > 0) return patches_from_values(recipe);
  const auto size = transformers_size(recipe);
  if (!size) return std::nullopt;
  const std::string_view backend = is_pil(recipe) ? "PilBackend" : "TorchvisionBackend";
  return Steps{
      fmt::format("from transformers.image_processing_backends import {}\n", backend),
      fmt::format("processor = {}(\n"
                  "    do_resize={}, size={}, resample={},\n"
                  "    do_center_crop={}, crop_size={{\"height\": {}, \"width\": {}}},\n"
                  "    {})\n{}",
                  backend, python_bool(recipe.resize != ResizeRule::kNone), *size,
                  kPillowNumbers[static_cast<std::size_t>(recipe.interpolation)], python_bool(recipe.center_crop),
                  recipe.input_size.height, recipe.input_size.width, shared_arguments(recipe), kRunProcessor)};
}

/// torchvision's transforms on a PIL image, and timm's for size rules that torchvision lacks.
Steps torchvision_from_values(const PreprocessRecipe& recipe) {
  const bool timm = recipe.resize == ResizeRule::kCover || recipe.resize == ResizeRule::kFit;
  const std::string filter = "T.InterpolationMode." + upper(name(recipe.interpolation));
  std::string steps;
  const auto add = [&](const std::string& step) { steps += "    " + step + ",\n"; };
  if (recipe.resize == ResizeRule::kShortestEdge)
    add(fmt::format("T.Resize({}, {})", recipe.resize_size.height, filter));
  if (recipe.resize == ResizeRule::kExact) add(fmt::format("T.Resize({}, {})", size_tuple(recipe.resize_size), filter));
  if (timm) {
    add(fmt::format("tt.ResizeKeepRatio({}, longest={}, interpolation=\"{}\")", size_tuple(recipe.resize_size),
                    recipe.resize == ResizeRule::kFit ? "1.0" : "0.0", name(recipe.interpolation)));
  }
  if (recipe.resize == ResizeRule::kFit) {
    add(fmt::format("tt.CenterCropOrPad({}, fill={})", size_tuple(recipe.input_size), tuple(recipe.padding)));
  } else if (recipe.center_crop) {
    add(fmt::format("T.CenterCrop({})", size_tuple(recipe.input_size)));
  }
  add("T.ToTensor()");
  add(fmt::format("T.Normalize({}, {})", tuple(recipe.mean), tuple(recipe.std)));
  return {fmt::format("import torchvision.transforms as T\n{}", timm ? "import timm.data.transforms as tt\n" : ""),
          fmt::format("transform = T.Compose([\n{}])\n{}", steps, kRunTransform)};
}

std::optional<Steps> steps_of(const ResolvedRecipe& resolved) {
  const PreprocessRecipe& recipe = resolved.recipe;
  const bool from_file = !resolved.file.empty() && !resolved.changed;
  if (recipe.normalization != Normalization::kDivide) {
    return from_file ? transformers_from_file(resolved) : transformers_from_values(recipe);
  }
  if (recipe.name != "timm" || recipe.crop_pct == 0.0) return torchvision_from_values(recipe);
  return from_file ? timm_from_file(resolved) : timm_from_values(recipe);
}

}  // namespace

std::string preprocess_snippet(const ResolvedRecipe& resolved, const std::filesystem::path& image, ExifMode exif) {
  const auto steps = steps_of(resolved);
  if (!steps) return {};
  std::string script;
  if (resolved.recipe.pillow_version != PreprocessRecipe{}.pillow_version) script += "# Pillow 12 or older\n";
  script += "import hashlib\n" + steps->imports + "import numpy as np\nfrom PIL import Image, ImageOps\n\n";
  script += fmt::format("image = Image.open({})\n", python_text(image));
  if (exif == ExifMode::kApply) script += "image = ImageOps.exif_transpose(image)\n";
  script += "image = image.convert(\"RGB\")\n" + steps->lines;
  script +=
      "for name, array in ((\"pixels\", np.asarray(pixels, np.uint8)), (\"input\", np.asarray(values, \"<f4\"))):\n"
      "    print(name, hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest())\n";
  return script;
}

}  // namespace fovea::cli
