// A model that feeds each picture in a grid of its own, through every verb.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <utility>

#include "base/files.hpp"
#include "fovea/classifier.hpp"
#include "report/files/documents.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

/// Patches of 16 px, at most 20 of them.
const std::string kNaflex = (source_dir() / "tests/golden/naflex/classifier").string();

struct Shape {
  const char* name;
  int height;  // px
  int width;
  std::size_t rows;  // of patches
  std::size_t cols;
};
constexpr std::array kShapes{Shape{"a.png", 40, 50, 4, 5}, Shape{"b.png", 64, 64, 4, 4}, Shape{"c.png", 9, 400, 1, 20},
                             Shape{"d.png", 300, 30, 10, 1}, Shape{"e.png", 50, 40, 5, 4}};

class NaflexModel : public ::testing::Test {
 protected:
  NaflexModel() {
    std::filesystem::create_directories(folder_ / "in");
    for (const Shape& shape : kShapes) write_picture(folder_ / "in" / shape.name, shape.height, shape.width);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] static ProcessResult run(const std::string& verb, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {verb, "-m", kNaflex});
    return run_fovea(arguments);
  }
  TempFolder folder_;
};

TEST_F(NaflexModel, InspectSaysTheRule) {
  const std::string text = run_fovea({"inspect", kNaflex}).out;
  EXPECT_THAT(text, HasSubstr("each picture in its own grid, at most 20 patches of 16 px"));
  EXPECT_THAT(text, HasSubstr("to the picture's own shape in at most 20 whole patches of 16 px; bilinear"));
  EXPECT_THAT(text, HasSubstr("learned for 4x4 patches, resampled to each picture's grid"));
  const Json json = Json::parse(run_fovea({"inspect", kNaflex, "-f", "json"}).out);
  EXPECT_EQ(json.at("max_patches"), 20);
  EXPECT_EQ(json.at("image_size"), Json::array({64, 64}));
  EXPECT_EQ(json.at("preprocessing").at("resize"), "most_patches");
  EXPECT_EQ(json.at("preprocessing").at("max_patches"), 20);
  const Json fixed = Json::parse(run_fovea({"inspect", kNaflex, "--image-size", "32x64", "-f", "json"}).out);
  EXPECT_FALSE(fixed.contains("max_patches"));
  EXPECT_EQ(fixed.at("image_size"), Json::array({32, 64}));
}

TEST_F(NaflexModel, DoctorShowsEachPicturesOwnSize) {
  for (const Shape& shape : kShapes) {
    const Json json = Json::parse(
        run_fovea({"doctor", kNaflex, at(std::string("in/") + shape.name), "-f", "json", "--dump-input", at("x.npy")})
            .out);
    const Json size{16 * shape.rows, 16 * shape.cols};
    EXPECT_EQ(json.at("steps").at("resized"), size) << shape.name;
    EXPECT_EQ(json.at("steps").at("cropped"), size) << shape.name;
    EXPECT_THAT(json.at("python").get<std::string>(), HasSubstr("spatial_shapes"));
    const std::string npy = read_text(folder_ / "x.npy");
    const NpyView view = view_npy_f32(std::as_bytes(std::span(npy)), "x.npy");
    EXPECT_EQ(view.shape, (std::vector<std::size_t>{3, 16 * shape.rows, 16 * shape.cols}));
  }
}

TEST_F(NaflexModel, RowsDoNotDependOnBatchesAndThreads) {
  const std::string alone = run("classify", {at("in"), "-f", "jsonl", "-t", "1"}).out;
  EXPECT_EQ(run("classify", {at("in"), "-f", "jsonl", "-t", "1", "--batch", "5"}).out, alone);
  EXPECT_EQ(run("classify", {at("in"), "-f", "jsonl", "-t", "2", "--batch", "2"}).out, alone);
  for (const Shape& shape : kShapes) {
    const auto row = run("classify", {at(std::string("in/") + shape.name), "-f", "jsonl"}).json_lines().at(0);
    EXPECT_THAT(alone, HasSubstr(row.at("predictions").dump())) << shape.name;
  }
}

TEST_F(NaflexModel, MapsHaveThePicturesGrid) {
  const auto result = run("explain", {at("in"), "-o", at("out"), "--method", "rollout,generic,attention,libra",
                                      "--save-map", "--panel", "--sheet", "--batch", "5", "-f", "jsonl"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), kShapes.size() + 1);  // and the summary
  for (std::size_t i = 0; i < kShapes.size(); ++i) {
    ASSERT_EQ(rows[i].at("maps").size(), 4U);
    for (const Json& map : rows[i].at("maps")) {
      const std::string npy = read_text(folder_ / "out" / map.at("map").get<std::string>());
      const NpyView view = view_npy_f32(std::as_bytes(std::span(npy)), "map");
      EXPECT_EQ(view.shape, (std::vector<std::size_t>{kShapes[i].rows, kShapes[i].cols})) << map;
      EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / map.at("overlay").get<std::string>()));
    }
    EXPECT_TRUE(rows[i].contains("panel") && rows[i].contains("attention_sheet"));
  }
  const std::string whole = read_text(folder_ / "out" / rows[4].at("maps")[1].at("map").get<std::string>());
  ASSERT_EQ(run("explain", {at("in/e.png"), "-o", at("alone"), "--method", "generic", "--save-map"}).exit_code, 0);
  EXPECT_EQ(read_text(folder_ / "alone" / rows[4].at("maps")[1].at("map").get<std::string>()), whole);
}

TEST_F(NaflexModel, MethodsThatRunTheModelAgainRunItInThePicturesGrid) {
  const auto result = run("explain", {at("in/c.png"), at("in/e.png"), "-o", at("out"), "--method", "occlusion,rise",
                                      "--faithfulness", "--masks", "40", "-f", "jsonl"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const Json& row : result.json_lines()) {
    if (row.at("type") == "summary") continue;
    ASSERT_EQ(row.at("maps").size(), 2U);
    for (const Json& map : row.at("maps")) EXPECT_TRUE(map.contains("faithfulness")) << map;
  }
}

TEST_F(NaflexModel, ALearnedHeadGoesThroughEveryVerbAndTheApi) {
  const std::string mine = at("mine.safetensors");
  for (const std::size_t kind : {0U, 1U}) {
    const auto folder = folder_ / "photos" / (kind == 0 ? "bolt" : "nut");
    std::filesystem::create_directories(folder);
    for (std::size_t i = 0; i < 6; ++i) write_texture(folder / (std::to_string(i) + ".png"), kind, i);
  }
  const auto learned = run("learn", {at("photos"), "-o", mine, "--unknown", "0.1", "-f", "json"});
  ASSERT_EQ(learned.exit_code, 0) << learned.err;
  EXPECT_EQ(Json::parse(learned.out).at("pictures"), 12);

  const auto classified = run_fovea({"classify", at("in"), "-m", mine, "-k", "2", "-f", "jsonl"});
  ASSERT_EQ(classified.exit_code, 0) << classified.err;
  const auto rows = classified.json_lines();
  Classifier api(mine);
  for (std::size_t i = 0; i < kShapes.size(); ++i) {
    const auto answer = api.classify(folder_ / "in" / kShapes[i].name);
    const Json& best = rows[i].at("predictions")[0];
    EXPECT_NEAR(answer.probabilities[best.at("class_index").get<std::size_t>()], best.at("probability").get<float>(),
                1e-6)
        << kShapes[i].name;
    EXPECT_TRUE(rows[i].at("unknown").is_boolean());
  }
  ASSERT_EQ(run_fovea({"quantize", mine, at("small.safetensors"), "--to", "bf16"}).exit_code, 0);
  EXPECT_EQ(run_fovea({"classify", at("in"), "-m", at("small.safetensors"), "-f", "csv"}).exit_code, 0);
  const auto explained = run_fovea({"explain", at("in"), "-m", mine, "-o", at("why"), "--method", "generic", "--target",
                                    "nut", "--save-map", "-f", "jsonl"});
  ASSERT_EQ(explained.exit_code, 0) << explained.err;
  for (std::size_t i = 0; i < kShapes.size(); ++i) {
    const Json map = explained.json_lines()[i].at("maps")[0];
    EXPECT_EQ(map.at("target").at("label"), "nut");
    const std::string npy = read_text(folder_ / "why" / map.at("map").get<std::string>());
    EXPECT_EQ(view_npy_f32(std::as_bytes(std::span(npy)), "map").shape,
              (std::vector<std::size_t>{kShapes[i].rows, kShapes[i].cols}));
  }
  EXPECT_EQ(run_fovea({"batch", at("in"), "-m", mine, "-o", at("batch"), "-q"}).exit_code, 0);
  EXPECT_EQ(run_fovea({"explore", at("in"), "-m", mine, "-o", at("learned.html"), "-q"}).exit_code, 0);
}

TEST_F(NaflexModel, APageHasEachPicturesGrid) {
  ASSERT_EQ(run("explore", {at("in"), "-o", at("page.html"), "-q"}).exit_code, 0);
  const std::string html = read_text(folder_ / "page.html");
  const auto element = [&](const std::string& attribute, std::size_t from) {
    const std::size_t begin = html.find(attribute + ">", from) + attribute.size() + 1;
    return std::pair(Json::parse(html.substr(begin, html.find("</script", begin) - begin)), begin);
  };
  EXPECT_TRUE(element(R"(id="heading")", 0).first.at("rows").is_null());
  std::size_t from = 0;
  for (const Shape& shape : kShapes) {
    const auto [picture, end] = element(R"(class="picture")", from);
    from = end;
    EXPECT_EQ(picture.at("rows"), shape.rows) << shape.name;
    EXPECT_EQ(picture.at("cols"), shape.cols) << shape.name;
  }
}

TEST_F(NaflexModel, FeaturesAreOfOneWidthButPatchTokensAreRefused) {
  const auto result = run("embed", {at("in"), "-o", at("f.npy"), "--pool", "mean", "-q"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string npy = read_text(folder_ / "f.npy");
  EXPECT_EQ(view_npy_f32(std::as_bytes(std::span(npy)), "f").shape, (std::vector<std::size_t>{kShapes.size(), 24}));
  const auto refused = run("embed", {at("in"), "-o", at("t.npy"), "--pool", "tokens"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("as many patch tokens as its shape gives it"));
  EXPECT_THAT(refused.err, HasSubstr("--image-size HxW"));
  EXPECT_EQ(run("embed", {at("in"), "-o", at("t.npy"), "--pool", "tokens", "--image-size", "64", "-q"}).exit_code, 0);
}

TEST_F(NaflexModel, WhatNeedsOneSizeIsRefusedBeforeAnyWork) {
  const auto mosaics = run("explain", {at("in"), "--test-methods"});
  EXPECT_EQ(mosaics.exit_code, 2);
  EXPECT_THAT(mosaics.err, HasSubstr("expected one size for mosaics of pictures"));
  const auto crop = run("classify", {at("in"), "--crop-mode", "center"});
  EXPECT_EQ(crop.exit_code, 2);
  EXPECT_THAT(crop.err, HasSubstr("changed by --crop-mode"));
  EXPECT_EQ(run("classify", {at("in"), "--crop-mode", "center", "--image-size", "64", "-q"}).exit_code, 0);
  EXPECT_EQ(run("classify", {at("in"), "--keep", "0.5"}).exit_code, 2);
}

TEST_F(NaflexModel, ABatchGoesOnWhereItStoppedUnlessTheRuleIsAnother) {
  ASSERT_EQ(run("batch", {at("in"), "-o", at("out"), "-q"}).exit_code, 0);
  EXPECT_THAT(run("batch", {at("in"), "-o", at("out")}).err, HasSubstr("5 kept from before"));
  const auto other = run("batch", {at("in"), "-o", at("out"), "--image-size", "64"});
  EXPECT_EQ(other.err.find("5 kept from before"), std::string::npos) << other.err;
}

TEST_F(NaflexModel, AQuantisedFileStillFeedsEachPictureInItsOwnGrid) {
  const auto written =
      run_fovea({"quantize", kNaflex, at("small.safetensors"), "--calibrate", at("in"), "--to", "bf16", "--report"});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  const Json json = Json::parse(run_fovea({"inspect", at("small.safetensors"), "-f", "json"}).out);
  EXPECT_EQ(json.at("max_patches"), 20);
  const auto rows = run_fovea({"classify", "-m", at("small.safetensors"), at("in"), "-f", "jsonl"}).json_lines();
  EXPECT_EQ(rows.size(), kShapes.size() + 1);  // and the summary
}

TEST_F(NaflexModel, BenchMeasuresThePicturesOwnGridAndTheFolderInAllOfThem) {
  const auto result =
      run("bench", {at("in/c.png"), "--seconds", "0.1", "--folder", at("in"), "--roofline", "-f", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json wide = Json::parse(result.out);
  EXPECT_EQ(wide.at("folder").at("images"), kShapes.size());
  const Json tall = Json::parse(run("bench", {at("in/d.png"), "--seconds", "0.1", "-f", "json"}).out);
  EXPECT_GT(wide.at("gflop_per_image"), tall.at("gflop_per_image")) << "20 patches beside 10";
}

TEST_F(NaflexModel, TimmsNaflexModelsAreRefusedByName) {
  std::filesystem::create_directories(folder_ / "timm");
  std::filesystem::copy_file(kNaflex + "/model.safetensors", folder_ / "timm/model.safetensors");
  write_text(folder_ / "timm/config.json", R"({"architecture": "naflexvit_base_patch16_gap", "num_classes": 5})");
  const auto refused = run_fovea({"inspect", at("timm")});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("naflexvit_base_patch16_gap"));
}

}  // namespace
}  // namespace fovea::test
