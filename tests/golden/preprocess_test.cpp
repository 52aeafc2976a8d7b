// Decoding, resizing and normalising against what Pillow 13 and timm 1.0.31 made of the same files.
#include "image/preprocess.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "image/codec.hpp"
#include "image/patches.hpp"
#include "image/resample.hpp"
#include "model/recipe.hpp"
#include "model/recipe_sources.hpp"
#include "support/sample_images.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

using nlohmann::json;

const json& expected() {
  static const json parsed = json::parse(read_text_file(test::preprocess_golden() / "expected.json"));
  return parsed;
}

Image decode(const std::string& name, ExifMode exif) {
  DecodeOptions options;
  options.exif = exif;
  return decode_image(test::golden_source(name), name, options);
}

PreprocessRecipe recipe_of(const json& config) {
  static const std::map<std::string, Interpolation> kFilters{{"bilinear", Interpolation::kBilinear},
                                                             {"bicubic", Interpolation::kBicubic},
                                                             {"lanczos", Interpolation::kLanczos}};
  static const std::map<std::string, CropMode> kModes{
      {"center", CropMode::kCenter}, {"squash", CropMode::kSquash}, {"border", CropMode::kBorder}};
  PreprocessRecipe recipe =
      timm_recipe({config.at("input_size").at(1), config.at("input_size").at(2)}, config.at("crop_pct"),
                  kModes.at(config.at("crop_mode")), kFilters.at(config.at("interpolation")));
  recipe.mean = config.at("mean").get<std::array<float, 3>>();
  recipe.std = config.at("std").get<std::array<float, 3>>();
  if (recipe.resize == ResizeRule::kFit) recipe.padding = mean_color(recipe.mean);
  return recipe;
}

std::vector<float> normalized(const Image& pixels, const PreprocessRecipe& recipe) {
  std::vector<float> values(pixels.pixels().size());
  normalize(pixels, recipe, values);
  return values;
}

TEST(PreprocessGolden, EverySourceDecodesToPillowsBytes) {
  ASSERT_EQ(expected().at("decoded").size(), 47U);
  for (const auto& [name, crc] : expected().at("decoded").items()) {
    EXPECT_EQ(test::crc32(decode(name, ExifMode::kIgnore)), crc.get<std::uint32_t>()) << name;
  }
}

TEST(PreprocessGolden, EveryTimmRecipeGivesTimmsBytes) {
  ASSERT_EQ(expected().at("timm").size(), 7U);
  for (const auto& [recipe_name, entry] : expected().at("timm").items()) {
    const PreprocessRecipe recipe = recipe_of(entry.at("pretrained_cfg"));
    EXPECT_GE(entry.at("images").size(), 46U);
    for (const auto& [name, crc] : entry.at("images").items()) {
      const Preprocessed made = preprocess(decode(name, ExifMode::kIgnore), recipe);
      EXPECT_EQ(made.pixels.size(), recipe.input_size);
      EXPECT_EQ(test::crc32(made.pixels), crc.get<std::uint32_t>()) << recipe_name << " " << name;
    }
  }
}

TEST(PreprocessGolden, WhereTimmFailsTheShapeIsRefused) {
  int refused = 0;
  for (const auto& entry : expected().at("timm")) {
    for (const std::string name : entry.at("fails_on")) {
      try {
        static_cast<void>(preprocess(decode(name, ExifMode::kIgnore), recipe_of(entry.at("pretrained_cfg"))));
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
  for (const auto& [key, crc] : expected().at("normalised").items()) {
    const std::string recipe_name = key.substr(0, key.find('/'));
    const PreprocessRecipe recipe = recipe_of(expected().at("timm").at(recipe_name).at("pretrained_cfg"));
    const Preprocessed made = preprocess(decode(key.substr(recipe_name.size() + 1), ExifMode::kIgnore), recipe);
    const std::vector<float> input = normalized(made.pixels, recipe);
    EXPECT_EQ(test::crc32(std::as_bytes(std::span(input))), crc.get<std::uint32_t>()) << key;
    ++compared;
  }
  EXPECT_EQ(compared, 9);
}

TEST(PreprocessGolden, AllSixFiltersResizeUprightPicturesAsPillowDoes) {
  const std::array<Interpolation, 6> by_pillows_number{Interpolation::kNearest,  Interpolation::kLanczos,
                                                       Interpolation::kBilinear, Interpolation::kBicubic,
                                                       Interpolation::kBox,      Interpolation::kHamming};
  ASSERT_EQ(expected().at("resize").size(), 5U);  // the sixth, bicubic, is in the timm recipes
  for (const auto& [recipe_name, entry] : expected().at("resize").items()) {
    const Size to{entry.at("height"), entry.at("width")};
    const Interpolation filter = by_pillows_number.at(entry.at("resample").get<std::size_t>());
    for (const auto& [name, crc] : entry.at("images").items()) {
      EXPECT_EQ(test::crc32(resample(decode(name, ExifMode::kApply), to, {filter})), crc.get<std::uint32_t>())
          << recipe_name << " " << name;
    }
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
  const auto same = [](std::span<const std::byte> ours, const TensorView& theirs) {
    return ours.size() == theirs.bytes.size() && std::memcmp(ours.data(), theirs.bytes.data(), ours.size()) == 0;
  };
  const auto decoded = open_checkpoint(reference / "decoded.safetensors");
  for (const TensorView& tensor : decoded->tensors()) {
    EXPECT_TRUE(same(std::as_bytes(decode(tensor.name, ExifMode::kIgnore).pixels()), tensor)) << tensor.name;
  }
  const auto normalised = open_checkpoint(reference / "normalised.safetensors");
  for (const auto& [recipe_name, entry] : expected().at("timm").items()) {
    const PreprocessRecipe recipe = recipe_of(entry.at("pretrained_cfg"));
    const auto images = open_checkpoint(reference / (recipe_name + ".safetensors"));
    for (const TensorView& tensor : images->tensors()) {
      const Preprocessed made = preprocess(decode(tensor.name, ExifMode::kIgnore), recipe);
      EXPECT_TRUE(same(std::as_bytes(made.pixels.pixels()), tensor)) << recipe_name << " " << tensor.name;
      if (const TensorView* expected_input = normalised->find(recipe_name + "/" + tensor.name)) {
        const std::vector<float> input = normalized(made.pixels, recipe);
        EXPECT_TRUE(same(std::as_bytes(std::span(input)), *expected_input)) << tensor.name;
      }
    }
  }
}

}  // namespace
}  // namespace fovea
