#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "fovea/classifier.hpp"
#include "report/files/documents.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

class ExplainVerb : public ::testing::Test {
 protected:
  ExplainVerb() { write_tiny_model_folder(folder_ / "model"); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult explain(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"explain", "-m", at("model")});
    return run_fovea(arguments);
  }
  TempFolder folder_;
};

TEST_F(ExplainVerb, OverlaysAndMapsLieWhereTheRowsSay) {
  write_picture(folder_ / "in/a.jpg", 60, 80);
  write_picture(folder_ / "in/sub/b.png", 40, 40);
  const auto result = explain({at("in"), "-r", "-o", at("out"), "--method", "rollout", "--method", "attention",
                               "--save-map", "-f", "jsonl", "--no-caption"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), 3U);
  ASSERT_EQ(rows[1].at("maps").size(), 2U);
  EXPECT_EQ(rows[1].at("maps")[0].at("overlay"), "sub/b.png.rollout.png");
  EXPECT_EQ(rows[1].at("maps")[1].at("map"), "sub/b.png.attention.npy");
  for (const auto& row : {rows[0], rows[1]}) {
    for (const auto& map : row.at("maps")) {
      EXPECT_FALSE(map.at("variant").get<std::string>().empty());
      const Image overlay = read_image(folder_ / ("out/" + map.at("overlay").get<std::string>()));
      EXPECT_EQ(overlay.size().width, row.at("width").get<int>());
      EXPECT_EQ(overlay.size().height, row.at("height").get<int>());
      const NpyArray raw = parse_npy_f32(read_file(folder_ / ("out/" + map.at("map").get<std::string>())), "map");
      EXPECT_EQ(raw.shape, (std::vector<std::size_t>{4, 4}));
    }
  }
}

TEST_F(ExplainVerb, TheMapIsTheLibrarysOwn) {
  write_picture(folder_ / "a.png", 60, 80);
  ASSERT_EQ(explain({at("a.png"), "-o", at("out"), "--head-fusion", "max", "--save-map"}).exit_code, 0);
  const Classifier classifier(folder_ / "model", {.precision = Precision::kF32});
  ExplainRequest request;
  request.options.head_fusion = HeadFusion::kMax;
  const Heatmap heatmap = classifier.explain(folder_ / "a.png", request).maps.front().heatmap;
  EXPECT_EQ(parse_npy_f32(read_file(folder_ / "out/a.png.rollout.npy"), "map").values, heatmap.values);
}

TEST_F(ExplainVerb, SideBySideIsWiderAndACaptionHigher) {
  write_picture(folder_ / "a.png", 60, 80);
  ASSERT_EQ(explain({at("a.png"), "-o", at("plain"), "--no-caption"}).exit_code, 0);
  ASSERT_EQ(explain({at("a.png"), "-o", at("rich"), "--side-by-side"}).exit_code, 0);
  const Size plain = read_image(folder_ / "plain/a.png.rollout.png").size();
  const Size rich = read_image(folder_ / "rich/a.png.rollout.png").size();
  EXPECT_GE(rich.width, 2 * plain.width);
  EXPECT_GT(rich.height, plain.height);
}

TEST_F(ExplainVerb, TwoInputsOfOneNameAreRefusedBeforeAnythingIsWritten) {
  write_picture(folder_ / "x/a.png", 40, 40);
  write_picture(folder_ / "y/a.png", 40, 40);
  const auto result = explain({at("x/a.png"), at("y/a.png"), "-o", at("out")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("x/a.png"));
  EXPECT_THAT(result.err, HasSubstr("y/a.png"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(ExplainVerb, AnOverlayNeverReplacesAnInput) {
  write_picture(folder_ / "a.png", 40, 40);
  write_picture(folder_ / "a.png.rollout.png", 40, 40, 1);
  const std::string before = read_text(folder_ / "a.png.rollout.png");
  EXPECT_EQ(explain({at("a.png"), at("a.png.rollout.png"), "-o", folder_.path().string()}).exit_code, 2);
  EXPECT_EQ(read_text(folder_ / "a.png.rollout.png"), before);
}

TEST_F(ExplainVerb, MethodsAreListedAndAnUnknownOneIsCorrected) {
  const auto list = run_fovea({"explain", "--list-methods"});
  EXPECT_EQ(list.exit_code, 0);
  for (const ExplainMethod& method : explain_methods()) EXPECT_THAT(list.out, HasSubstr(std::string(method.title)));
  const auto wrong = explain({at("a.png"), "-o", at("out"), "--method", "rolout"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'rollout'?"));
}

TEST_F(ExplainVerb, AnOutputBelowARegularFileIsFatalAndNamed) {
  write_picture(folder_ / "a.png", 40, 40);
  write_text(folder_ / "file", "x");
  const auto result = explain({at("a.png"), "-o", at("file/out")});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("is a file, expected a folder"));
}

}  // namespace
}  // namespace fovea::test
