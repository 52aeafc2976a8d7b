#include "model/recipe/recipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kVit = R"({"image_processor_type":"ViTImageProcessor","size":{"height":48,"width":48}})";
constexpr const char* kTimm = R"({"pretrained_cfg":{"input_size":[3,224,224],"crop_pct":0.9}})";

ResolvedRecipe resolve_file(const std::string& name, std::string_view content, const RecipeOptions& options = {},
                            const std::optional<Size>& input_size = std::nullopt) {
  const test::TempFolder folder;
  replace_file(folder / name, content);
  return resolve_recipe(folder.path(), options, input_size);
}

ResolvedRecipe resolve_processor(std::string_view content, const RecipeOptions& options = {}) {
  return resolve_file("preprocessor_config.json", content, options);
}

RecipeOptions named(std::string_view pipeline) {
  RecipeOptions options;
  options.preprocess = pipeline;
  return options;
}

Error error_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted";
  return {ErrorCode::kUsage, ""};
}

TEST(Recipe, TheFilesDecideAndTheSourceSaysWhy) {
  const ResolvedRecipe timm = resolve_file("config.json", kTimm);
  EXPECT_EQ(timm.recipe.name, "timm");
  EXPECT_EQ(timm.source, "config.json (pretrained_cfg), timm's evaluation transform");
  EXPECT_FALSE(timm.assumed);
  const ResolvedRecipe flat = resolve_file("config.json", R"({"input_size":[3,96,96],"mean":[0.1,0.2,0.3]})");
  EXPECT_THAT(flat.source, HasSubstr("flat"));
  EXPECT_EQ(flat.recipe.mean[2], 0.3F);
  EXPECT_EQ(flat.recipe.resize_size, (Size{109, 109}));  // timm's own crop_pct, 0.875
  const ResolvedRecipe vit = resolve_processor(kVit);
  EXPECT_EQ(vit.recipe.name, "hf-torchvision");
  EXPECT_EQ(vit.source,
            "preprocessor_config.json (ViTImageProcessor), backend hf-torchvision: the default of transformers 5");
}

TEST(Recipe, AFileOfTransformersGivesAnotherRecipeForEachBackend) {
  const PreprocessRecipe torch = resolve_processor(kVit).recipe;
  const ResolvedRecipe pil = resolve_processor(kVit, named("hf-pil"));
  EXPECT_EQ(torch.resampler, Resampler::kAten);
  EXPECT_EQ(torch.normalization, Normalization::kFused);
  EXPECT_EQ(torch.padding_rule, PaddingRule::kSmallerHalfFirst);
  EXPECT_EQ(pil.recipe.resampler, Resampler::kPillow);
  EXPECT_EQ(pil.recipe.normalization, Normalization::kRescale);
  EXPECT_EQ(pil.recipe.padding_rule, PaddingRule::kLargerHalfFirst);
  EXPECT_THAT(pil.source, HasSubstr("backend hf-pil: as --preprocess says"));
  for (const PreprocessRecipe& recipe : {torch, pil.recipe}) {
    EXPECT_EQ(recipe.input_size, (Size{48, 48}));
    EXPECT_EQ(recipe.crop_rounding, CropRounding::kFloor);
    EXPECT_EQ(recipe.exif, ExifMode::kApply);
  }
}

TEST(Recipe, TheModelTypeNamesTheClassWhereTheProcessorsFileDoesNot) {
  const test::TempFolder folder;
  replace_file(folder / "config.json", R"({"model_type":"dinov2","image_size":518})");
  const ResolvedRecipe alone = resolve_recipe(folder.path(), {});
  EXPECT_TRUE(alone.assumed);
  EXPECT_THAT(alone.source, StartsWith("no preprocessor_config.json: the defaults of BitImageProcessor"));
  EXPECT_EQ(alone.recipe.input_size, (Size{518, 518}));
  replace_file(folder / "preprocessor_config.json", R"({"crop_size":224})");
  const ResolvedRecipe both = resolve_recipe(folder.path(), {});
  EXPECT_FALSE(both.assumed);
  EXPECT_THAT(both.source, StartsWith("preprocessor_config.json (BitImageProcessor)"));
  EXPECT_EQ(both.recipe.resize, ResizeRule::kShortestEdge);
}

TEST(Recipe, AProcessorInsideAProcessorConfigComesFirst) {
  const test::TempFolder folder;
  replace_file(folder / "preprocessor_config.json", kVit);
  replace_file(folder / "processor_config.json",
               R"({"image_processor":{"image_processor_type":"CLIPImageProcessor"}})");
  EXPECT_THAT(resolve_recipe(folder.path(), {}).source, StartsWith("processor_config.json (CLIPImageProcessor)"));
  replace_file(folder / "processor_config.json", R"({"processor_class":"CLIPProcessor"})");
  EXPECT_THAT(resolve_recipe(folder.path(), {}).source, StartsWith("preprocessor_config.json (ViTImageProcessor)"));
}

TEST(Recipe, WithoutAnyFileThePresetIsAssumedAndSaid) {
  const test::TempFolder folder;
  const ResolvedRecipe torchvision = resolve_recipe(folder.path(), {}, Size{224, 224}, "torchvision");
  EXPECT_TRUE(torchvision.assumed);
  EXPECT_THAT(torchvision.source, StartsWith("no file says it: torchvision's"));
  EXPECT_EQ(torchvision.recipe.resize_size, (Size{256, 256}));
  EXPECT_EQ(torchvision.recipe.interpolation, Interpolation::kBilinear);
  const ResolvedRecipe asked = resolve_recipe(folder / "model.pth", named("torchvision"), Size{384, 384});
  EXPECT_FALSE(asked.assumed);
  EXPECT_EQ(asked.recipe.resize_size, (Size{384, 384}));
  EXPECT_EQ(asked.recipe.interpolation, Interpolation::kBicubic);  // SWAG
}

TEST(Recipe, EveryNameIsAPipelineAndSaysSo) {
  const test::TempFolder folder;
  EXPECT_EQ(preprocess_names().front(), "auto");
  for (const std::string_view name : preprocess_names().subspan(1)) {
    const ResolvedRecipe resolved = resolve_recipe(folder.path(), named(name), Size{96, 128});
    EXPECT_EQ(resolved.recipe.name, name);
    EXPECT_EQ(resolved.recipe.input_size, (Size{96, 128}));
    EXPECT_FALSE(resolved.source.empty());
    EXPECT_GE(describe(resolved.recipe).size(), 4U);
  }
  EXPECT_EQ(resolve_recipe(folder.path(), named("clip")).recipe.mean[0], 0.48145466F);
  EXPECT_EQ(resolve_recipe(folder.path(), named("siglip")).recipe.resize, ResizeRule::kExact);
  EXPECT_EQ(resolve_recipe(folder.path(), named("dinov2")).recipe.interpolation, Interpolation::kBicubic);
  const Error error = error_of([&] { (void)resolve_recipe(folder.path(), named("torchvison")); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.hint(), HasSubstr("torchvision"));
}

TEST(Recipe, AnotherPipelineTakesTheSizeThatTheFilesState) {
  const ResolvedRecipe clip =
      resolve_file("config.json", R"({"pretrained_cfg":{"input_size":[3,336,336]}})", named("clip"));
  EXPECT_EQ(clip.recipe.input_size, (Size{336, 336}));
  EXPECT_EQ(clip.recipe.resize_size, (Size{336, 336}));
}

TEST(Recipe, AnotherInputSizeIsMadeAsTheLibraryWould) {
  EXPECT_EQ(with_input_size(timm_recipe({224, 224}, 0.9), {384, 384}).resize_size, (Size{426, 426}));
  const PreprocessRecipe rectangle = with_input_size(timm_recipe({224, 224}, 0.9), {240, 320});
  EXPECT_EQ(rectangle.resize, ResizeRule::kCover);
  EXPECT_EQ(rectangle.resize_size, (Size{266, 355}));
  EXPECT_EQ(with_input_size(rectangle, {224, 224}).resize, ResizeRule::kShortestEdge);
  const PreprocessRecipe bit =
      resolve_processor(R"({"image_processor_type":"BitImageProcessor","size":{"shortest_edge":256}})").recipe;
  EXPECT_EQ(with_input_size(bit, {384, 384}).resize_size, (Size{439, 439}));  // 438.86
  EXPECT_EQ(with_input_size(bit, {224, 448}).resize, ResizeRule::kCover);
  EXPECT_EQ(with_input_size(bit, {224, 448}).resize_size, (Size{256, 512}));
  const ResolvedRecipe adapted = resolve_file("preprocessor_config.json", kVit, {}, Size{96, 64});
  EXPECT_EQ(adapted.recipe.resize_size, (Size{96, 64}));
  EXPECT_THAT(adapted.source, HasSubstr("; adapted from 48x48 to 96x64 px"));
}

TEST(Recipe, EachOptionChangesOneThingAndIsNamed) {
  RecipeOptions options;
  options.crop_pct = 1.0;
  options.interpolation = Interpolation::kLanczos;
  options.mean = {0.1F, 0.2F, 0.3F};
  options.pillow_version = 12;
  const ResolvedRecipe changed = resolve_file("config.json", kTimm, options);
  EXPECT_EQ(changed.recipe.resize_size, (Size{224, 224}));
  EXPECT_EQ(changed.recipe.interpolation, Interpolation::kLanczos);
  EXPECT_EQ(changed.recipe.mean, (std::array{0.1F, 0.2F, 0.3F}));
  EXPECT_EQ(changed.recipe.std, (std::array{0.229F, 0.224F, 0.225F}));
  EXPECT_EQ(changed.recipe.pillow_version, 12);
  EXPECT_THAT(changed.source, HasSubstr("; changed by --crop-pct, --interpolation, --mean, --pillow-compat"));
}

TEST(Recipe, SizesAndModesOfTheCropCanBeForced) {
  RecipeOptions options;
  options.resize_size = Size{60, 60};
  const PreprocessRecipe larger = resolve_processor(kVit, options).recipe;
  EXPECT_EQ(larger.resize, ResizeRule::kExact);  // the rule stays, so now something is to be cut off
  EXPECT_TRUE(larger.center_crop);
  options.crop_mode = CropMode::kCenter;
  EXPECT_EQ(resolve_processor(kVit, options).recipe.resize, ResizeRule::kShortestEdge);
  options = {};
  options.crop_mode = CropMode::kBorder;
  options.mean = {1.0F, 0.5F, 0.0F};
  const PreprocessRecipe border = resolve_file("config.json", kTimm, options).recipe;
  EXPECT_EQ(border.resize, ResizeRule::kFit);
  EXPECT_EQ(border.padding, (std::array<std::uint8_t, 3>{255, 128, 0}));
  options = {};
  options.crop_size = Size{384, 384};
  EXPECT_EQ(resolve_file("config.json", kTimm, options).recipe.resize_size, (Size{426, 426}));
}

TEST(Recipe, OptionsThatContradictAreAUsageError) {
  const auto refused = [](std::string_view json, const RecipeOptions& options) {
    const Error error = error_of([&] { (void)resolve_processor(json, options); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return std::string(error.what());
  };
  RecipeOptions options;
  options.crop_pct = 0.9;
  options.resize_size = Size{256, 256};
  EXPECT_THAT(refused(kVit, options), HasSubstr("--crop-pct and --resize-size"));
  options = {};
  options.crop_pct = 0.0;
  EXPECT_THAT(refused(kVit, options), HasSubstr("--crop-pct is 0"));
  options = {};
  options.pillow_version = 12;
  EXPECT_THAT(refused(kVit, options), HasSubstr("resamples with torch"));
  options = named("hf-pil");
  options.pillow_version = 11;
  EXPECT_THAT(refused(kVit, options), HasSubstr("expected 12 or 13"));
  options = {};
  options.interpolation = Interpolation::kHamming;
  EXPECT_THAT(refused(kVit, options), HasSubstr("hamming"));
  options = {};
  options.std = {1.0F, 0.0F, 1.0F};
  EXPECT_THAT(refused(kVit, options), HasSubstr("--std"));
  options = {};
  options.crop_size = Size{96, 96};
  const Error error = error_of([&] { (void)resolve_file("config.json", kTimm, options, Size{224, 224}); });
  EXPECT_THAT(error.hint(), HasSubstr("--image-size"));
}

TEST(Recipe, WhatTheClassCannotDoIsSaidWithTheKey) {
  struct Case {
    const char* json;
    const char* says;
  };
  for (const Case& c : {
           Case{R"({"image_processor_type":"ViTImageProcessor","resample":4})", "resample is 4 (box)"},
           Case{R"({"image_processor_type":"ViTImageProcessor","resample":6})", "resample is 6"},
           Case{R"({"image_processor_type":"ViTImageProcessor","size":{"longest_edge":9}})",
                "size is {\"longest_edge\":9}"},
           Case{R"({"image_processor_type":"ViTImageProcessor","size":0})", "size is 0"},
           Case{R"({"image_processor_type":"ViTImageProcessor","size":null})", "size is null"},
           Case{R"({"image_processor_type":"ViTImageProcessor","do_center_crop":true})", "crop_size is absent"},
           Case{R"({"image_processor_type":"DeiTImageProcessor","crop_size":null})", "crop_size is null"},
           Case{R"({"image_processor_type":"ViTImageProcessor","image_mean":null})", "image_mean is null"},
           Case{R"({"image_processor_type":"ViTImageProcessor","image_std":[1,0,1]})", "image_std is [1,0,1]"},
           Case{R"({"image_processor_type":"ViTImageProcessor","do_pad":true})", "do_pad is true"},
           Case{R"({"image_processor_type":"ViTImageProcessor","rescale_factor":0})", "rescale_factor is 0"},
           Case{R"({"image_processor_type":"ViTImageProcessor","rescale_factor":null})", "rescale_factor is null"},
           Case{R"({"image_processor_type":"ViTImageProcessor","resample":null})", "resample is null"},
           Case{R"({"image_processor_type":"ConvNextImageProcessor","size":[48,48]})", "size is [48,48]"},
           Case{R"({"image_processor_type":"DetrImageProcessor"})", "image_processor_type is 'DetrImageProcessor'"},
           Case{R"({"feature_extractor_type":"Wav2Vec2FeatureExtractor"})", "feature_extractor_type is"},
       }) {
    const Error error = error_of([&] { (void)resolve_processor(c.json); });
    EXPECT_EQ(error.code(), ErrorCode::kCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr(c.says));
    EXPECT_THAT(error.what(), HasSubstr("preprocessor_config.json: "));
  }
  // Another pipeline does not read the file at all.
  EXPECT_EQ(resolve_processor(R"({"image_processor_type":"DetrImageProcessor"})", named("clip")).recipe.name, "clip");
}

TEST(Recipe, AProcessorWithoutAClassIsRefusedWhereTransformersHasNoneForTheModel) {
  const auto resolve = [](const std::string& model_type) {
    const test::TempFolder folder;
    replace_file(folder / "config.json", R"({"model_type":")" + model_type + R"("})");
    replace_file(folder / "preprocessor_config.json", R"({"size":{"shortest_edge":256}})");
    return resolve_recipe(folder.path(), {}, std::nullopt).source;
  };
  EXPECT_THAT(resolve("dinov2"), HasSubstr("BitImageProcessor"));
  for (const char* unpaired : {"dinov2_with_registers", "clip_vision_model", "siglip_vision_model"}) {
    EXPECT_THAT(error_of([&] { (void)resolve(unpaired); }).what(),
                HasSubstr("preprocessor_config.json: image_processor_type is absent"));
  }
}

TEST(Recipe, ImpossibleValuesOfTimmAreSaidWithTheKey) {
  for (const auto& [config, says] : {
           std::pair{R"({"pretrained_cfg":{"crop_pct":0}})", "crop_pct is 0"},
           std::pair{R"({"pretrained_cfg":{"crop_pct":"a"}})", "crop_pct is \"a\""},
           std::pair{R"({"pretrained_cfg":{"input_size":[3,0,224]}})", "input_size is [3,0,224]"},
           std::pair{R"({"pretrained_cfg":{"interpolation":"random"}})", "interpolation is 'random'"},
           std::pair{R"({"pretrained_cfg":{"std":[0,1,1]}})", "std is [0,1,1]"},
       }) {
    const Error error = error_of([&text = config] { (void)resolve_file("config.json", text); });
    EXPECT_EQ(error.code(), ErrorCode::kCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr(says));
  }
  const Error error = error_of([] { (void)timm_recipe({224, 224}, 1e-12); });
  EXPECT_EQ(error.code(), ErrorCode::kShape);
}

TEST(Recipe, NoSizeIsSoLargeThatAPictureOfItCouldNotBeHeld) {
  const Error error =
      error_of([] { (void)resolve_processor(R"({"image_processor_type":"ViTImageProcessor","size":1000000})"); });
  EXPECT_EQ(error.code(), ErrorCode::kCheckpoint);
  EXPECT_THAT(error.what(), HasSubstr("the input is 1000000x1000000 px"));
  const PreprocessRecipe recipe =
      resolve_processor(R"({"image_processor_type":"BitImageProcessor","size":1000000,"crop_size":1})").recipe;
  EXPECT_EQ(with_input_size(recipe, {16384, 16384}).resize_size, (Size{1'000'000, 1'000'000}));
}

TEST(Recipe, TheDescriptionNamesEveryStep) {
  std::string text;
  for (const std::string& line : describe(resolve_processor(kVit).recipe)) text += line + "\n";
  EXPECT_THAT(text, HasSubstr("resize     to 48x48 px, ignoring the ratio; bilinear, torch's uint8 antialiasing"));
  EXPECT_THAT(text, HasSubstr("crop       none"));
  EXPECT_THAT(text, HasSubstr("(x - mean * 255) / (std * 255)"));
  EXPECT_THAT(text, HasSubstr("exif       applied"));
}

}  // namespace
}  // namespace fovea
