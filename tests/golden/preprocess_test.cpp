// Decoding, resizing and normalising against what Pillow 13 and 12, timm 1.0.31, torchvision 0.29 and both backends of
// transformers 5.23 made of the same files, each recipe read from the configuration that its library reads.
#include "image/preprocess/preprocess.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "image/codec/codec.hpp"
#include "image/preprocess/patches.hpp"
#include "model/recipe/recipe.hpp"
#include "support/sample_images.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

using nlohmann::json;

const json& expected_values() {
  static const json parsed = json::parse(read_text_file(test::preprocess_golden() / "expected.json"));
  return parsed;
}
const json& recipes() {
  return expected_values().at("recipes");
}

Image decode(const std::string& name, ExifMode exif) {
  DecodeOptions options;
  options.exif = exif;
  return decode_image(test::golden_source(name), name, options);
}

/// As a user has it: the library's own file in a folder, and nothing else; torchvision has none but arguments.
PreprocessRecipe resolve(const json& entry, RecipeOptions options = {}) {
  const test::TempFolder folder;
  const std::string kind = entry.at("kind");
  if (kind == "timm") {
    replace_file(folder / "config.json", json{{"pretrained_cfg", entry.at("pretrained_cfg")}}.dump());
  } else if (kind == "hf") {
    replace_file(folder / "preprocessor_config.json", entry.at("preprocessor_config").dump());
    if (entry.at("backend") == "pil") options.preprocess = "hf-pil";  // the other one is the default
  } else {
    const json& args = entry.at("args");
    options.preprocess = "torchvision";
    options.crop_size = Size{args.at("crop_size"), args.at("crop_size")};
    options.resize_size = Size{args.at("resize_size"), args.at("resize_size")};
    options.interpolation = args.at("interpolation") == "bicubic" ? Interpolation::kBicubic : Interpolation::kBilinear;
  }
  PreprocessRecipe recipe = resolve_recipe(folder.path(), options).recipe;
  EXPECT_EQ(recipe.exif, kind == "hf" ? ExifMode::kApply : ExifMode::kIgnore);
  return recipe;
}

Image pixels_of(const std::string& name, const PreprocessRecipe& recipe) {
  return preprocess(decode(name, recipe.exif), recipe).pixels;
}

std::vector<float> normalized(const Image& pixels, const PreprocessRecipe& recipe) {
  std::vector<float> values(pixels.pixels().size());
  normalize(pixels, recipe, values);
  return values;
}

bool same(std::span<const std::byte> ours, const TensorView& theirs) {
  return ours.size() == theirs.bytes.size() && std::memcmp(ours.data(), theirs.bytes.data(), ours.size()) == 0;
}

TEST(PreprocessGolden, EverySourceDecodesToPillowsBytes) {
  ASSERT_EQ(expected_values().at("decoded").size(), 47U);
  for (const auto& [name, crc] : expected_values().at("decoded").items()) {
    EXPECT_EQ(test::crc32(decode(name, ExifMode::kIgnore)), crc.get<std::uint32_t>()) << name;
  }
}

TEST(PreprocessGolden, EveryRecipeGivesItsLibrarysBytes) {
  ASSERT_EQ(recipes().size(), 26U);
  for (const auto& [recipe_name, entry] : recipes().items()) {
    const PreprocessRecipe recipe = resolve(entry);
    EXPECT_GE(entry.at("images").size(), 46U);
    for (const auto& [name, crc] : entry.at("images").items()) {
      const Image pixels = pixels_of(name, recipe);
      EXPECT_EQ(pixels.size(), recipe.input_size);
      EXPECT_EQ(test::crc32(pixels), crc.get<std::uint32_t>()) << recipe_name << " " << name;
    }
  }
}

TEST(PreprocessGolden, PillowTwelvesOrderOfPassesGivesItsBytes) {
  RecipeOptions older;
  older.pillow_version = 12;
  std::size_t differing = 0;
  for (const auto& [recipe_name, entry] : recipes().items()) {
    if (entry.at("pillow12").empty()) continue;
    const PreprocessRecipe recipe = resolve(entry, older);
    for (const auto& [name, crc] : entry.at("images").items()) {
      const bool differs = entry.at("pillow12").contains(name);
      const json& wanted = differs ? entry.at("pillow12").at(name) : crc;
      EXPECT_EQ(test::crc32(pixels_of(name, recipe)), wanted.get<std::uint32_t>()) << recipe_name << " " << name;
      differing += differs ? 1U : 0U;
    }
  }
  EXPECT_EQ(differing, 77U);
}

TEST(PreprocessGolden, WhereTheLibraryFailsTheShapeIsRefused) {
  int refused = 0;
  for (const auto& entry : recipes()) {
    for (const std::string name : entry.at("fails_on")) {
      try {
        static_cast<void>(pixels_of(name, resolve(entry)));
        ADD_FAILURE() << name << " was accepted";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kShape) << error.what();
        ++refused;
      }
    }
  }
  EXPECT_EQ(refused, 2);
}

TEST(PreprocessGolden, TheNormalisedInputsAreEqualToTheBit) {
  int compared = 0;
  for (const auto& [key, crc] : expected_values().at("normalised").items()) {
    const std::string recipe_name = key.substr(0, key.find('/'));
    const PreprocessRecipe recipe = resolve(recipes().at(recipe_name));
    const std::vector<float> input = normalized(pixels_of(key.substr(recipe_name.size() + 1), recipe), recipe);
    EXPECT_EQ(test::crc32(std::as_bytes(std::span(input))), crc.get<std::uint32_t>()) << key;
    ++compared;
  }
  EXPECT_EQ(compared, 32);
}

/// Neither rescaled nor normalised: transformers' model raises an error for what its processor gives.
bool gives_bytes(const json& entry) {
  const json config = entry.value("preprocessor_config", json::object());
  const auto off = [&](const char* key) { return config.contains(key) && config[key] != true; };  // null, too
  return off("do_rescale") && off("do_normalize");
}

TEST(PreprocessGolden, OldIncompleteAndOddConfigurationsMeanWhatTheirLibrariesMakeOfThem) {
  const json libraries = json::parse(read_text_file(test::preprocess_golden() / "libraries.json"));
  int compared = 0;
  for (const auto& [recipe_name, entry] : libraries.at("recipes").items()) {
    if (gives_bytes(entry)) {
      EXPECT_THROW((void)resolve(entry), Error) << recipe_name;
      continue;
    }
    PreprocessRecipe recipe = resolve(entry);
    const PreprocessRecipe stated = recipe;
    if (entry.contains("input_size") && !entry.at("input_size").is_null()) {
      recipe = with_input_size(recipe, {entry.at("input_size").at(0), entry.at("input_size").at(1)});
    }
    for (const auto& [name, crcs] : entry.at("images").items()) {
      if (stated.max_patches > 0) {
        EXPECT_EQ(test::crc32(pixels_of(name, stated)), crcs.at(0).get<std::uint32_t>())
            << "in its own shape, " << name;
      }
      const Image pixels = pixels_of(name, recipe);
      EXPECT_EQ(test::crc32(pixels), crcs.at(0).get<std::uint32_t>()) << recipe_name << " " << name;
      const std::vector<float> input = normalized(pixels, recipe);
      EXPECT_EQ(test::crc32(std::as_bytes(std::span(input))), crcs.at(1).get<std::uint32_t>())
          << recipe_name << " " << name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 620);
}

// Sums of floats are fused where torch's CPU can, so that the last digits are nobody's.
TEST(PreprocessGolden, DinoV3sProcessorResizesFloats) {
  const auto golden = open_checkpoint(test::preprocess_golden() / "dinov3.safetensors");
  const auto configs = golden->metadata();
  ASSERT_EQ(golden->tensors().size(), 9U);
  for (const TensorView& tensor : golden->tensors()) {
    const auto slash = tensor.name.find('/');
    const json config = json::parse(configs.at(tensor.name.substr(0, slash)));
    const PreprocessRecipe recipe =
        resolve({{"kind", "hf"}, {"backend", "torchvision"}, {"preprocessor_config", config}});
    const Preprocessed ready = preprocess(decode(tensor.name.substr(slash + 1), recipe.exif), recipe);
    const std::vector<float> expected_values = to_float(tensor);
    std::vector<float> input(ready.pixels.pixels().size());
    ASSERT_EQ(input.size(), expected_values.size());
    normalize(ready, recipe, input);
    for (std::size_t i = 0; i < input.size(); ++i)
      ASSERT_NEAR(input[i], expected_values[i], 5e-6F) << tensor.name << ", " << i;
    // Rounded to bytes, as the other processors round, it would differ by far more.
    EXPECT_EQ(ready.scaled.size(), input.size());
  }
}

TEST(PreprocessGolden, EveryBadFileIsAnErrorThatSaysWhy) {
  int bad = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::preprocess_golden() / "sources")) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("bad_")) continue;
    ++bad;
    try {
      static_cast<void>(decode(name, ExifMode::kApply));
      ADD_FAILURE() << name << " was decoded";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), name == "bad_bomb.png" ? ErrorCode::kTooLarge : ErrorCode::kDecode) << error.what();
      EXPECT_TRUE(std::string(error.what()).starts_with(name + ": ")) << error.what();
      EXPECT_FALSE(error.hint().empty()) << error.what();
    }
  }
  EXPECT_EQ(bad, 10);
}

TEST(PreprocessGolden, TheWholeReferenceDiffersInNoByte) {
  FOVEA_NEEDS_SHARED(reference, "golden/preprocess");
  const auto decoded = open_checkpoint(reference / "decoded.safetensors");
  for (const TensorView& tensor : decoded->tensors()) {
    EXPECT_TRUE(same(std::as_bytes(decode(tensor.name, ExifMode::kIgnore).pixels()), tensor)) << tensor.name;
  }
  const auto normalised = open_checkpoint(reference / "normalised.safetensors");
  std::size_t pictures = 0;
  std::size_t inputs = 0;
  for (const auto& [recipe_name, entry] : recipes().items()) {
    const PreprocessRecipe recipe = resolve(entry);
    const auto images = open_checkpoint(reference / (recipe_name + ".safetensors"));
    for (const TensorView& tensor : images->tensors()) {
      const Image pixels = pixels_of(tensor.name, recipe);
      EXPECT_TRUE(same(std::as_bytes(pixels.pixels()), tensor)) << recipe_name << " " << tensor.name;
      ++pictures;
      if (const TensorView* expected_input = normalised->find(recipe_name + "/" + tensor.name)) {
        const std::vector<float> input = normalized(pixels, recipe);
        EXPECT_TRUE(same(std::as_bytes(std::span(input)), *expected_input)) << recipe_name << " " << tensor.name;
        ++inputs;
      }
    }
  }
  EXPECT_EQ(pictures, 26U * 48U - 2U);
  EXPECT_EQ(inputs, normalised->tensors().size());
}

TEST(PreprocessGolden, TheWholeReferenceOfPillowTwelveDiffersInNoByte) {
  FOVEA_NEEDS_SHARED(reference, "golden/preprocess");
  RecipeOptions older;
  older.pillow_version = 12;
  std::size_t pictures = 0;
  for (const auto& [recipe_name, entry] : recipes().items()) {
    if (entry.at("pillow12").empty()) continue;
    const PreprocessRecipe recipe = resolve(entry, older);
    const auto images = open_checkpoint(reference / (recipe_name + ".pillow12.safetensors"));
    for (const TensorView& tensor : images->tensors()) {
      EXPECT_TRUE(same(std::as_bytes(pixels_of(tensor.name, recipe).pixels()), tensor))
          << recipe_name << " " << tensor.name;
      ++pictures;
    }
  }
  EXPECT_EQ(pictures, 77U);
}

}  // namespace
}  // namespace fovea
