// What is written beside an overlay: names, boxes, rows of the results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "image/overlay/field.hpp"
#include "pipeline/folder/outputs.hpp"
#include "pipeline/folder/resume.hpp"
#include "pipeline/pictures.hpp"
#include "report/files/documents.hpp"
#include "report/record.hpp"
#include "support/pictures.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PatchArea, LiesWhereThePatchCameFromAndEndsWithThePicture) {
  const CropGeometry inside{{480, 640}, {240, 320}, {224, 224}, 8, 48};  // two pixels of the original for one
  const SeenArea patch = patch_area(inside, {14, 14}, 2, 5);
  EXPECT_DOUBLE_EQ(patch.top, 2 * (8 + 2 * 16));
  EXPECT_DOUBLE_EQ(patch.bottom, 2 * (8 + 3 * 16));
  EXPECT_DOUBLE_EQ(patch.left, 2 * (48 + 5 * 16));
  EXPECT_DOUBLE_EQ(patch.right, 2 * (48 + 6 * 16));
  const CropGeometry padded{{100, 200}, {100, 200}, {200, 200}, -50, 0};  // rows 0 and 3 of 4 are padding
  EXPECT_EQ(patch_area(padded, {4, 4}, 0, 1).bottom, 0.0);
  EXPECT_DOUBLE_EQ(patch_area(padded, {4, 4}, 1, 1).bottom, 50.0);
  EXPECT_EQ(patch_area(padded, {4, 4}, 3, 1).top, 100.0);
  const SeenArea half = patch_area(padded, {5, 4}, 1, 0);  // rows -10 to 30
  EXPECT_DOUBLE_EQ(half.top, 0.0);
  EXPECT_DOUBLE_EQ(half.bottom, 30.0);
}

TEST(TopPatches, AreTheBestOnesBestFirstAndInThePicture) {
  const CropGeometry padded{{100, 200}, {100, 200}, {200, 200}, -50, 0};
  std::vector<float> map(16, 0.5F);
  map[1] = 9.0F;  // on the padding
  map[4] = 0.75F;
  map[11] = 0.875F;
  map[5] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<ScoredBox> best = top_patches({map, 4, 4}, padded, 3);
  ASSERT_EQ(best.size(), 3U);
  EXPECT_EQ(best[0].score, 0.875F);
  EXPECT_EQ(best[0].x, 150.0);
  EXPECT_EQ(best[0].y, 50.0);
  EXPECT_EQ(best[0].width, 50.0);
  EXPECT_EQ(best[0].height, 50.0);
  EXPECT_EQ(best[1].score, 0.75F);
  EXPECT_EQ(best[2].x, 100.0);  // of equal ones the first
  EXPECT_EQ(best[2].y, 0.0);
  EXPECT_EQ(top_patches({map, 4, 4}, padded, 100).size(), 7U);
  EXPECT_TRUE(top_patches({map, 4, 4}, padded, 0).empty());
}

TEST(TopPatches, AreJsonToAHundredthOfAPixel) {
  const std::vector<ScoredBox> patches{{1.0 / 3.0, 2, 30.005, 4, 0.1F}, {0, 0, 1, 1, -2.5F}};
  const auto json = nlohmann::json::parse(top_patches_json(patches));
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0].at("x"), 0.33);
  EXPECT_EQ(json[0].at("y"), 2.0);
  EXPECT_NEAR(json[0].at("w").get<double>(), 30.0, 0.011);
  EXPECT_EQ(json[0].at("h"), 4.0);
  EXPECT_FLOAT_EQ(json[0].at("score").get<float>(), 0.1F);
  EXPECT_EQ(json[1].at("score"), -2.5);
  EXPECT_EQ(nlohmann::json::parse(top_patches_json({})).size(), 0U);
}

OutputLayout everything_in(const std::filesystem::path& folder) {
  OutputLayout layout;
  layout.folder = folder;
  layout.maps = "overlays/";
  layout.methods = {"attention"};
  layout.save_gray_maps = true;
  layout.save_top_patches = true;
  layout.panel = true;
  layout.attention_sheet = true;
  return layout;
}

TEST(MapFiles, AreCalledAfterTheInputAndTheMethodAndNeverWrittenOverAnInput) {
  const TempFolder folder;
  OutputLayout layout = everything_in(folder.path());
  const Input input{"photos/tom.jpg", "tom.jpg", std::nullopt};
  EXPECT_THAT(output_names(layout, input),
              ElementsAre("overlays/tom.jpg.attention.png", "overlays/tom.jpg.attention.map.png",
                          "overlays/tom.jpg.attention.json", "overlays/tom.jpg.panel.png",
                          "overlays/tom.jpg.attention.sheet.png"));
  layout.maps.clear();
  layout.class_methods = {"generic"};
  write_text(folder / "tom.jpg", "x");
  for (const char* name :
       {"tom.jpg.panel.png", "tom.jpg.attention.map.png", "tom.jpg.generic.3.map.png", "tom.jpg.generic.3-17.json"}) {
    write_text(folder / name, "y");
    std::vector<Input> inputs{{(folder / "tom.jpg").string(), "tom.jpg", std::nullopt},
                              {(folder / name).string(), name, std::nullopt}};
    try {
      RunFiles files;
      files.reads(inputs);
      check_outputs(layout, inputs, files);
      ADD_FAILURE() << name << " would be overwritten";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("is the input"));
    }
    std::filesystem::remove(folder / name);
  }
}

Record full_row(const std::string& path) {
  Record row;
  row.path = path;
  row.size = {3, 4};
  row.predictions = {{1, "tabby", std::nullopt, 0.75F}};
  MapRecord& map = row.maps.emplace_back();
  map.method = "attention";
  map.variant = "last block, mean heads";
  map.overlay = "overlays/cat.jpg.attention.png";
  map.gray_map = "overlays/cat.jpg.attention.map.png";
  map.top_patches = "overlays/cat.jpg.attention.json";
  row.panel = "overlays/cat.jpg.panel.png";
  row.attention_sheet = "overlays/cat.jpg.attention.sheet.png";
  return row;
}

TEST(MapFiles, ComeBackWithTheRowThatNamesThem) {
  const Record row = full_row("cat\xFF.jpg");
  const std::string line = record_to_json(row);
  const auto back = record_from_json(line);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->maps.at(0).gray_map, row.maps[0].gray_map);
  EXPECT_EQ(back->maps.at(0).top_patches, row.maps[0].top_patches);
  EXPECT_EQ(back->maps.at(0).map, std::nullopt);
  EXPECT_EQ(back->panel, row.panel);
  EXPECT_EQ(back->attention_sheet, row.attention_sheet);
  EXPECT_EQ(record_to_json(*back), line);
}

TEST(MapFiles, MakeARowInvalidWhereOneIsMissing) {
  const TempFolder folder;
  const OutputLayout layout = everything_in(folder.path());
  write_text(folder / "cat.jpg", "pixels");
  const Input input{(folder / "cat.jpg").string(), "cat.jpg", std::nullopt};
  Record row = full_row(input.path);
  row.source = stamp_of(input);
  row.source->run = "abc";
  const std::vector<std::string> names = output_names(layout, input);
  for (const std::string& name : names) {
    write_text(folder / name, "x");
    row.source->files[name] = 1;
  }
  const auto kept = still_valid(row, input, 0, layout, "abc");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->panel, row.panel);
  EXPECT_EQ(kept->attention_sheet, row.attention_sheet);
  EXPECT_EQ(kept->maps.at(0).top_patches, row.maps[0].top_patches);
  for (const std::string& name : names) {
    std::filesystem::rename(folder / name, folder / "away");
    EXPECT_FALSE(still_valid(row, input, 0, layout, "abc")) << name;
    std::filesystem::rename(folder / "away", folder / name);
  }
}

}  // namespace
}  // namespace fovea::test
