// Everything that explain and batch draw and write of a map.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/files.hpp"
#include "fovea/architecture.hpp"
#include "fovea/classifier.hpp"
#include "image/overlay/sheet.hpp"
#include "report/files/documents.hpp"
#include "support/pictures.hpp"
#include "support/png_text.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

class ExplainOutputs : public ::testing::Test {
 protected:
  ExplainOutputs() {
    write_tiny_model_folder(folder_ / "model");
    write_picture(folder_ / "in/a.png", 60, 80);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult run(const std::string& verb, const std::string& out,
                                  std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {verb, "-m", at("model"), at("in"), "-o", at(out), "-f", "jsonl"});
    return run_fovea(arguments);
  }
  [[nodiscard]] std::map<std::string, std::string> texts(const std::string& name) const {
    return png_texts(read_file(folder_ / name));
  }
  TempFolder folder_;
};

TEST_F(ExplainOutputs, AnOverlaySaysWhatMadeIt) {
  const auto result =
      run("explain", "out",
          {"--method", "rollout", "--method", "generic", "--target", "3", "--against", "1", "--save-map"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto rollout = texts("out/a.png.rollout.png");
  const NpyArray raw = parse_npy_f32(read_file(folder_ / "out/a.png.rollout.npy"), "map");
  const auto [low, high] = std::minmax_element(raw.values.begin(), raw.values.end());
  EXPECT_EQ(std::stof(rollout.at("fovea:map_min")), *low);
  EXPECT_EQ(std::stof(rollout.at("fovea:map_max")), *high);
  EXPECT_THAT(rollout,
              AllOf(Contains(Pair("fovea:model", "model")), Contains(Pair("fovea:checkpoint", "model.safetensors")),
                    Contains(Pair("fovea:method", "rollout")), Contains(Key("fovea:parameters")),
                    Contains(Pair("Software", HasSubstr("fovea ")))));
  EXPECT_THAT(rollout.at("fovea:variant"), HasSubstr("mean heads"));
  EXPECT_THAT(rollout, Not(Contains(Key("fovea:target"))));
  EXPECT_THAT(rollout, Not(Contains(Key("fovea:model_sha256"))));
  const auto generic = texts("out/a.png.generic.3-1.png");
  EXPECT_THAT(generic.at("fovea:target"), ::testing::StartsWith("3"));
  EXPECT_THAT(generic.at("fovea:against"), ::testing::StartsWith("1"));
}

TEST_F(ExplainOutputs, OverlaysOfABatchCarryTheModelsHash) {
  ASSERT_EQ(run("batch", "out", {}).exit_code, 0);
  const auto summary = nlohmann::json::parse(read_text(folder_ / "out/summary.json"));
  const std::string hash = texts("out/overlays/a.png.rollout.png").at("fovea:model_sha256");
  EXPECT_EQ(hash.size(), 64U);
  EXPECT_THAT(summary.dump(), HasSubstr(hash));
}

TEST_F(ExplainOutputs, AreTheSameBytesEveryTime) {
  write_picture(folder_ / "in/b.jpg", 50, 90, 2);
  const std::vector<std::string> all{"--method", "attention",    "--panel", "--sheet",      "--style",
                                     "contour",  "--map-format", "png16",   "--map-format", "json"};
  std::vector<std::string> threaded = all;
  threaded.insert(threaded.end(), {"-t", "2", "--batch", "2"});
  ASSERT_EQ(run("explain", "one", all).exit_code, 0);
  ASSERT_EQ(run("explain", "two", threaded).exit_code, 0);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "one")) {
    EXPECT_EQ(read_file(entry.path()), read_file(folder_ / "two" / entry.path().filename())) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 10U);  // overlay, grey map, patches, panel and sheet of two pictures
}

TEST_F(ExplainOutputs, OverlaysComeInTheFormatThatIsAskedForAndLookTheSame) {
  ASSERT_EQ(run("explain", "png", {"--panel"}).exit_code, 0);
  const auto difference = [&](const std::string& name, const std::string& ending) {
    const Image png = read_image(folder_ / ("png/" + name + ".png"));
    const Image other = read_image(folder_ / (ending + "/" + name + "." + ending));
    EXPECT_EQ(other.size(), png.size());
    double sum = 0;
    for (std::size_t i = 0; i < png.pixels().size(); ++i) sum += std::abs(png.pixels()[i] - other.pixels()[i]);
    return sum / static_cast<double>(png.pixels().size());
  };
  for (const auto& [format, ending] : {std::pair{"webp", "webp"}, std::pair{"jpeg", "jpg"}}) {
    const auto result = run("explain", ending, {"--panel", "--overlay-format", format});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto row = result.json_lines().at(0);
    EXPECT_EQ(row.at("maps").at(0).at("overlay"), std::string("a.png.rollout.") + ending);
    EXPECT_EQ(row.at("panel"), std::string("a.png.panel.") + ending);
    EXPECT_LT(difference("a.png.rollout", ending), 8.0) << format;  // the picture is noise, which is hard to pack
    EXPECT_LT(difference("a.png.panel", ending), 8.0) << format;
  }
  EXPECT_THAT(read_text(folder_ / "jpg/a.png.rollout.jpg"), HasSubstr("fovea:method: rollout"));
}

TEST_F(ExplainOutputs, ABatchGoesOnInItsFormatAndDrawsAnewInAnother) {
  const auto kept = [&](const std::string& format) {
    const auto result = run("batch", "out", {"--overlay-format", format});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(read_text(folder_ / "out/summary.json")).at("skipped").get<int>();
  };
  EXPECT_EQ(kept("jpeg"), 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/overlays/a.png.rollout.jpg"));
  EXPECT_THAT(read_text(folder_ / "out/index.html"), HasSubstr("overlays/a.png.rollout.jpg"));
  EXPECT_EQ(kept("jpeg"), 1);
  EXPECT_EQ(kept("webp"), 0);
  EXPECT_THAT(read_text(folder_ / "out/results.jsonl"), HasSubstr("overlays/a.png.rollout.webp"));
}

TEST_F(ExplainOutputs, AnOverlaysLongerSideIsBoundedAndTheRowSaysThePicturesOwn) {
  const auto result = run("explain", "out", {"--overlay-size", "40", "--no-caption"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_image(folder_ / "out/a.png.rollout.png").size(), (Size{30, 40}));
  EXPECT_EQ(result.json_lines().at(0).at("width"), 80);
  ASSERT_EQ(run("explain", "large", {"--overlay-size", "80", "--no-caption"}).exit_code, 0);
  EXPECT_EQ(read_image(folder_ / "large/a.png.rollout.png").size(), (Size{60, 80}));
}

TEST_F(ExplainOutputs, AnOverlayTooLargeForItsFormatIsAnErrorRowOfItsPicture) {
  write_picture(folder_ / "in/b.png", 1, 16'400, 2);
  const auto result = run("explain", "out", {"--overlay-format", "webp"});
  EXPECT_EQ(result.exit_code, 1);
  const auto rows = result.json_lines();
  EXPECT_EQ(rows.at(0).at("type"), "result");
  EXPECT_EQ(rows.at(1).at("code"), "output");
  EXPECT_THAT(rows.at(1).at("message").get<std::string>(), HasSubstr("at most 16383 px a side in webp"));
  EXPECT_THAT(rows.at(1).at("hint").get<std::string>(), HasSubstr("--overlay-size"));
}

TEST_F(ExplainOutputs, MapsComeInTheFormatsThatAreAskedFor) {
  const auto result = run(
      "explain", "out", {"--map-format", "npy", "--map-format", "png16", "--map-format", "json", "--top-patches", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto map = result.json_lines().at(0).at("maps").at(0);
  EXPECT_EQ(map.at("map"), "a.png.rollout.npy");
  EXPECT_EQ(map.at("gray_map"), "a.png.rollout.map.png");
  EXPECT_EQ(map.at("top_patches"), "a.png.rollout.json");

  const NpyArray raw = parse_npy_f32(read_file(folder_ / "out/a.png.rollout.npy"), "map");
  const auto gray_texts = texts("out/a.png.rollout.map.png");
  const float low = std::stof(gray_texts.at("fovea:map_min"));
  const float high = std::stof(gray_texts.at("fovea:map_max"));
  DecodeOptions high_bytes;
  high_bytes.gray16 = Gray16::kScale;
  const Image gray = read_image(folder_ / "out/a.png.rollout.map.png", high_bytes);
  ASSERT_EQ(gray.size(), (Size{4, 4}));
  for (std::size_t i = 0; i < 16; ++i) {
    const float level = 65535.0F * (raw.values[i] - low) / (high - low);
    EXPECT_NEAR(gray.pixels()[3 * i], std::floor(std::round(level) / 256.0F), 1.0F) << i;
  }

  const auto patches = nlohmann::json::parse(read_text(folder_ / "out/a.png.rollout.json"));
  ASSERT_EQ(patches.size(), 3U);
  EXPECT_FLOAT_EQ(patches[0].at("score").get<float>(), high);
  float before = high;
  for (const auto& patch : patches) {
    EXPECT_LE(patch.at("score").get<float>(), before);
    before = patch.at("score").get<float>();
    EXPECT_GE(patch.at("x").get<double>(), 0.0);
    EXPECT_LE(patch.at("x").get<double>() + patch.at("w").get<double>(), 80.02);
    EXPECT_LE(patch.at("y").get<double>() + patch.at("h").get<double>(), 60.02);
  }

  ASSERT_EQ(run("explain", "npy", {"--save-map"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "npy/a.png.rollout.npy"));
  ASSERT_EQ(run("explain", "grey", {"--map-format", "png16"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "grey/a.png.rollout.npy"));
  const auto wrong = run("explain", "out", {"--map-format", "jsn"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'json'?"));
}

TEST_F(ExplainOutputs, EachStyleDrawsSomethingElse) {
  std::vector<std::vector<std::byte>> drawn;
  const std::vector<std::vector<std::string>> styles{{},
                                                     {"--style", "heat"},
                                                     {"--style", "contour"},
                                                     {"--style", "mask"},
                                                     {"--style", "mask", "--mask-threshold", "0.9"}};
  for (const std::vector<std::string>& style : styles) {
    ASSERT_EQ(run("explain", "out", style).exit_code, 0);
    drawn.push_back(read_file(folder_ / "out/a.png.rollout.png"));
  }
  EXPECT_EQ(drawn[0], drawn[1]);
  for (std::size_t i = 1; i < drawn.size(); ++i) {
    for (std::size_t j = i + 1; j < drawn.size(); ++j) EXPECT_NE(drawn[i], drawn[j]) << i << " and " << j;
  }
  EXPECT_EQ(run("explain", "out", {"--style", "contours"}).exit_code, 2);
  EXPECT_EQ(run("explain", "out", {"--style", "mask", "--mask-threshold", "1.5"}).exit_code, 2);
}

TEST_F(ExplainOutputs, APanelHoldsThePictureAndAllItsMaps) {
  const auto result =
      run("explain", "out", {"--method", "rollout", "--method", "generic", "--target", "top3", "--panel"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto row = result.json_lines().at(0);
  ASSERT_EQ(row.at("maps").size(), 4U);
  EXPECT_EQ(row.at("panel"), "a.png.panel.png");
  const Size panel = read_image(folder_ / "out/a.png.panel.png").size();
  const Size overlay = read_image(folder_ / "out/a.png.rollout.png").size();
  EXPECT_EQ(panel.width, 3 * overlay.width + 2 * 6);  // five cells: three and two
  EXPECT_GE(panel.height, 2 * 60);
  EXPECT_THAT(texts("out/a.png.panel.png").at("fovea:maps"), AllOf(HasSubstr("rollout ("), HasSubstr("; generic.")));
}

TEST_F(ExplainOutputs, OfHardAttentionThePanelAndTheThumbnailShowThePictureAsItIs) {
  write_picture(folder_ / "in/a.png", 60, 300);  // as wide as no caption needs more
  ASSERT_EQ(run("explain", "out", {"--panel", "--keep", "0.3"}).exit_code, 0);
  const Image original = read_image(folder_ / "in/a.png");
  const Image panel = read_image(folder_ / "out/a.png.panel.png");
  for (int y = 0; y < 60; ++y) {
    ASSERT_TRUE(std::equal(original.row(y), original.row(y) + original.row_bytes(), panel.row(y))) << y;
  }
  ASSERT_EQ(run("batch", "whole", {}).exit_code, 0);
  ASSERT_EQ(run("batch", "kept", {"--keep", "0.3"}).exit_code, 0);
  EXPECT_EQ(read_file(folder_ / "whole/thumbs/a.png.jpg"), read_file(folder_ / "kept/thumbs/a.png.jpg"));
  EXPECT_NE(read_file(folder_ / "whole/overlays/a.png.rollout.png"),
            read_file(folder_ / "kept/overlays/a.png.rollout.png"));
}

TEST_F(ExplainOutputs, ASheetShowsEveryBlockAndHead) {
  const auto result = run("explain", "out", {"--method", "attention", "--sheet", "--batch", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json_lines().at(0).at("attention_sheet"), "a.png.attention.sheet.png");
  const Image sheet = read_image(folder_ / "out/a.png.attention.sheet.png");
  const Architecture tiny = tiny_architecture();
  const int side = sheet_patch_side(tiny.grid());
  const int cell = 4 * side + 4;  // px, with the gap behind it
  EXPECT_GT(sheet.size().width, static_cast<int>(tiny.num_heads + 1) * cell);
  EXPECT_GT(sheet.size().height, static_cast<int>(tiny.depth) * cell);

  // What `attention` says of a block and head alone ranks the patches as the cell's colours do: brightest where
  // highest.
  for (std::size_t block = 0; block < tiny.depth; ++block) {
    for (std::size_t head = 0; head < tiny.num_heads; ++head) {
      ASSERT_EQ(
          run("explain", "one",
              {"--method", "attention", "--block", std::to_string(block), "--head", std::to_string(head), "--save-map"})
              .exit_code,
          0);
      const NpyArray map = parse_npy_f32(read_file(folder_ / "one/a.png.attention.npy"), "map");
      const int top = sheet.size().height - static_cast<int>(tiny.depth - block) * cell;
      const int left = sheet.size().width - static_cast<int>(tiny.num_heads + 1 - head) * cell;
      std::vector<int> brightness;
      for (int patch = 0; patch < 16; ++patch) {
        const std::uint8_t* pixel = sheet.row(top + patch / 4 * side + 2) + 3 * (left + patch % 4 * side + 2);
        brightness.push_back(pixel[0] + pixel[1] + pixel[2]);
      }
      const auto brightest = std::max_element(brightness.begin(), brightness.end()) - brightness.begin();
      const auto highest = std::max_element(map.values.begin(), map.values.end()) - map.values.begin();
      EXPECT_EQ(brightest, highest) << "block " << block << " head " << head;
    }
  }

  ASSERT_EQ(run("explain", "query", {"--method", "attention", "--sheet", "--query", "1,2"}).exit_code, 0);
  EXPECT_NE(read_file(folder_ / "query/a.png.attention.sheet.png"),
            read_file(folder_ / "out/a.png.attention.sheet.png"));
  EXPECT_EQ(texts("query/a.png.attention.sheet.png").at("fovea:variant"), "all blocks and heads, of patch 1,2");
  const auto without = run("explain", "out", {"--sheet"});
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, HasSubstr("--method attention"));
}

TEST_F(ExplainOutputs, ABatchGoesOnWherePanelAndSheetAreThereAndAnewWhereOneIsNot) {
  const std::vector<std::string> flags{"--method", "attention", "--panel", "--sheet", "--map-format", "json"};
  ASSERT_EQ(run("batch", "out", flags).exit_code, 0);
  const auto skipped = [&] {
    EXPECT_EQ(run("batch", "out", flags).exit_code, 0);
    return nlohmann::json::parse(read_text(folder_ / "out/summary.json")).at("skipped").get<int>();
  };
  EXPECT_EQ(skipped(), 1);
  for (const char* name : {"a.png.panel.png", "a.png.attention.sheet.png", "a.png.attention.json"}) {
    ASSERT_TRUE(std::filesystem::remove(folder_ / "out/overlays" / name)) << name;
    EXPECT_EQ(skipped(), 0) << name;
    EXPECT_TRUE(std::filesystem::exists(folder_ / "out/overlays" / name)) << name;
  }
}

}  // namespace
}  // namespace fovea::test
