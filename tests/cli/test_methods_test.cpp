// `fovea explain --test-methods`, --substrate and --shifts, as a user calls them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class TestMethods : public testing::Test {
 protected:
  TestMethods() {
    write_tiny_model_folder(folder_ / "model");
    for (int shade = 0; shade < 3; ++shade) write_picture(in() / (std::to_string(shade) + ".png"), 40, 48, shade * 40);
  }
  [[nodiscard]] std::filesystem::path in() const { return folder_ / "in"; }
  [[nodiscard]] ProcessResult explain(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"explain", "-m", (folder_ / "model").string(), in().string()});
    return run_fovea(arguments);
  }
  TempFolder folder_;
};

TEST_F(TestMethods, PrintsTablesAndARecommendationForEachQuestion) {
  const auto result = explain({"--test-methods"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("3 pictures, 0 mosaics of four"));
  EXPECT_THAT(result.out, HasSubstr("No mosaic: "));
  for (const char* row : {"libra", "generic", "legrad", "grad-cam", "rollout", "(random maps)", "(centred Gaussian)"}) {
    EXPECT_THAT(result.out, HasSubstr(std::string("\n  ") + row)) << row;
  }
  EXPECT_THAT(result.out, HasSubstr("Which patches make up the answer? "));
  EXPECT_THAT(result.out, HasSubstr("What would the score lose without one small part? "));
  EXPECT_THAT(result.out, Not(HasSubstr("nan")));
}

TEST_F(TestMethods, SaysTheSameBytesWhateverTheThreads) {
  const auto one = explain({"--test-methods", "--method", "libra,tis", "--masks", "20", "-t", "1", "-f", "json"});
  const auto two = explain({"--test-methods", "--method", "libra,tis", "--masks", "20", "-t", "2", "-f", "json"});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out, two.out);
  const auto json = nlohmann::json::parse(one.out);
  EXPECT_EQ(json.at("type"), "method_test");
  EXPECT_EQ(json.at("methods").at(1).at("variant"), "20 masks of half of the patches, seed 0");
}

TEST_F(TestMethods, ABadPictureIsCountedAndNamedAndTheOthersAreTested) {
  write_text(in() / "1.png", "no picture");
  const auto result = explain({"--test-methods", "--method", "rollout", "-f", "json"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("1.png"));
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json.at("pictures"), 2);
  EXPECT_EQ(json.at("failed"), 1);
}

TEST_F(TestMethods, RefusesWhatTheTestWouldIgnore) {
  for (const std::vector<std::string>& also : {std::vector<std::string>{"-o", "maps"},
                                               {"--compare", "rollout"},
                                               {"--target", "top1"},
                                               {"-f", "csv"},
                                               {"--faithfulness"},
                                               {"--panel"},
                                               {"-k", "3"}}) {
    std::vector<std::string> arguments{"--test-methods"};
    arguments.insert(arguments.end(), also.begin(), also.end());
    const auto result = explain(arguments);
    EXPECT_EQ(result.exit_code, 2) << also.front();
    EXPECT_THAT(result.err, HasSubstr("--test-methods")) << also.front();
  }
}

TEST_F(TestMethods, APlantedMarkIsMeasuredWhereAHeadLearnsIt) {
  write_pictures_alike(folder_ / "alike");
  const std::string model = (source_dir() / "tests/golden/families/timm_vit_cls").string();
  const auto test = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"explain", "-m", model, (folder_ / "alike").string(), "--test-methods", "--plant",
                               "--method", "libra,occlusion,rollout"});
    return run_fovea(more);
  };
  const auto result = test({"-f", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  const auto& planted = json.at("planted");
  ASSERT_TRUE(planted.at("measurable").get<bool>()) << planted;
  EXPECT_EQ(planted.at("pictures"), 16);
  EXPECT_GE(planted.at("tried").back().at("accuracy").get<double>(), 0.99);
  EXPECT_LT(planted.at("tried").front().at("accuracy").get<double>(), 0.99) << "a mark of 4 px was tried before";
  EXPECT_EQ(planted.at("tried").back().at("flipped"), 16);
  std::map<std::string, double> precision;
  for (const auto& measure : json.at("measures")) {
    if (measure.at("measure") != "mark_average_precision") continue;
    EXPECT_EQ(measure.at("of"), "marked pictures");
    for (const auto& method : measure.at("methods")) precision[method.at("method")] = method.at("mean");
    EXPECT_TRUE(measure.at("methods").at(1).at("less_best").contains("low")) << "paired differences have intervals";
  }
  ASSERT_EQ(precision.size(), 5U) << "three methods and two controls";
  EXPECT_GT(precision.at("rollout"), precision.at("random") + 0.05) << "the mark draws attention";
  const auto text = test({});
  EXPECT_THAT(text.out, HasSubstr("\nA planted mark\n"));
  EXPECT_THAT(text.out, HasSubstr("the answer of 16 of 16 pictures flips with the mark"));
}

TEST_F(TestMethods, AMarkThatCannotBeLearnedIsNamedAndNotMeasured) {
  const auto few = explain({"--test-methods", "--plant", "--method", "rollout"});
  EXPECT_EQ(few.exit_code, 0) << few.err;
  EXPECT_THAT(few.out, HasSubstr("A planted mark is not measurable on this model: there are 3 pictures, expected at "
                                 "least 12"));
  for (int i = 3; i < 16; ++i) write_picture(in() / (std::to_string(i) + ".png"), 40, 48, i * 40);
  const auto varied = explain({"--test-methods", "--plant", "--method", "rollout"});
  EXPECT_THAT(varied.out, HasSubstr("not measurable on this model: a head on its frozen features does not learn"));
  EXPECT_THAT(varied.out, HasSubstr("99 % are needed"));
  EXPECT_THAT(varied.out, Not(HasSubstr("\nA planted mark\n")));
}

TEST_F(TestMethods, PlantingIsRefusedWhereItCannotBe) {
  const auto alone = explain({"--plant", "-o", (folder_ / "maps").string()});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--plant without --test-methods"));
  const auto page = explain({"--report", (folder_ / "page.html").string(), "-o", (folder_ / "maps").string()});
  EXPECT_EQ(page.exit_code, 2);
  EXPECT_THAT(page.err, HasSubstr("--report without --test-methods"));
  const auto own_head = explain({"--test-methods", "--plant", "--method", "attribution"});
  EXPECT_EQ(own_head.exit_code, 2);
  EXPECT_THAT(own_head.err, HasSubstr("--plant with attribution"));
}

TEST_F(TestMethods, DroppedPatchesAreAnotherSubstrateAndTheRowSaysSo) {
  const std::string out = (folder_ / "maps").string();
  const auto painted = explain({"-o", out, "--method", "libra", "--faithfulness", "-f", "jsonl"}).json_lines();
  const auto dropped =
      explain({"-o", out, "--method", "libra", "--faithfulness", "--substrate", "drop", "-f", "jsonl"}).json_lines();
  ASSERT_EQ(dropped.size(), 4U);
  const auto& by_paint = painted[0].at("maps").at(0).at("faithfulness");
  const auto& by_drop = dropped[0].at("maps").at(0).at("faithfulness");
  EXPECT_THAT(by_paint.at("substrate").get<std::string>(), HasSubstr("mean colour"));
  EXPECT_THAT(by_drop.at("substrate").get<std::string>(), HasSubstr("left out"));
  EXPECT_NE(by_paint.at("deletion_auc"), by_drop.at("deletion_auc"));
  EXPECT_NEAR(by_drop.at("srg").get<double>(),
              by_drop.at("least_first_auc").get<double>() - by_drop.at("deletion_auc").get<double>(), 1e-6);
  const auto text = explain({"--compare", "libra,rollout", "--substrate", "drop"});
  EXPECT_THAT(text.out, HasSubstr("dropped, not painted"));
  const auto without = explain({"-o", out, "--substrate", "drop"});
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, HasSubstr("--faithfulness or --compare"));
}

TEST_F(TestMethods, ShiftsGiveAMapOfPixelsOfLibraAlone) {
  const std::string out = (folder_ / "maps").string();
  const auto rows =
      explain({"-o", out, "--method", "libra,generic", "--shifts", "3", "--save-map", "--faithfulness", "-f", "jsonl"})
          .json_lines();
  ASSERT_EQ(rows.size(), 4U);
  const auto& libra = rows[0].at("maps").at(0);
  EXPECT_EQ(libra.at("variant"), "pixels, mean over 3x3 shifts");
  EXPECT_FALSE(libra.contains("sum"));
  const auto pixels = std::filesystem::file_size(folder_ / "maps" / libra.at("map").get<std::string>());
  const auto patches =
      std::filesystem::file_size(folder_ / "maps" / rows[0].at("maps").at(1).at("map").get<std::string>());
  EXPECT_GT(pixels, 10 * patches);
  EXPECT_EQ(libra.at("agreement").size(), 1U) << "sums over patches are compared";

  const auto other = explain({"-o", out, "--method", "generic", "--shifts", "3"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("--shifts has no effect here: it needs --method libra"));
  const auto even = explain({"-o", out, "--method", "libra", "--shifts", "2"});
  EXPECT_EQ(even.exit_code, 2);
  EXPECT_THAT(even.err, HasSubstr("odd number"));
}

TEST_F(TestMethods, TheListGroupsMethodsByWhatTheyAnswer) {
  const auto list = run_fovea({"explain", "--list-methods"});
  EXPECT_EQ(list.exit_code, 0);
  const auto at = [&](const char* text) { return list.out.find(text); };
  EXPECT_LT(at("where: "), at("rollout - "));
  EXPECT_LT(at("rollout - "), at("token-rank - "));
  EXPECT_LT(at("token-rank - "), at("why: "));
  EXPECT_LT(at("why: "), at("libra - "));
  EXPECT_LT(at("libra - "), at("generic - "));
  EXPECT_LT(at("generic - "), at("what if: "));
  EXPECT_LT(at("what if: "), at("tis - "));
  EXPECT_LT(at("tis - "), at("occlusion - "));
  EXPECT_NE(at("occlusion - "), std::string::npos);
}

}  // namespace
}  // namespace fovea::test
