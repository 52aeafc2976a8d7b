// `fovea explain` for classes: which, what the files are called, and that the maps are about what they say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "report/files/documents.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ExplainTargets : public testing::Test {
 protected:
  [[nodiscard]] std::string out() const { return (folder_ / "out").string(); }
  [[nodiscard]] static std::string sample(const char* name) { return (source_dir() / "samples" / name).string(); }

  ProcessResult explain(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"explain", "-o", out(), "-f", "jsonl"});
    return run_fovea(arguments);
  }
  [[nodiscard]] std::vector<std::string> overlays(const nlohmann::json& row) const {
    std::vector<std::string> names;
    for (const auto& map : row.at("maps")) {
      names.push_back(map.at("overlay"));
      EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / names.back())) << names.back();
    }
    return names;
  }
  /// The share of a saved map's positive mass that lies in the left half, where the collage has its cat.
  [[nodiscard]] double mass_on_the_left(const std::string& stem) const {
    const auto file = folder_ / "out" / ("cat_and_espresso.jpg." + stem + ".npy");
    const NpyArray map = parse_npy_f32(read_file(file), file.string());
    const std::size_t cols = map.shape.at(1);
    double left = 0;
    double all = 0;
    for (std::size_t i = 0; i < map.values.size(); ++i) {
      const double value = std::max(double{map.values[i]}, 0.0);
      all += value;
      if (i % cols < cols * 2 / 3) left += value;
    }
    return left / all;
  }
  TempFolder folder_;
};

TEST_F(ExplainTargets, AreNamedInTheRowAndInTheFilesName) {
  const auto result =
      explain({sample("cat_and_espresso.jpg"), "--target", "top2", "--method", "rollout", "--method", "generic"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto row = result.json_lines().at(0);
  EXPECT_THAT(overlays(row), ElementsAre("cat_and_espresso.jpg.rollout.png", "cat_and_espresso.jpg.generic.193.png",
                                         "cat_and_espresso.jpg.generic.30.png"));
  EXPECT_FALSE(row.at("maps").at(0).contains("target"));
  EXPECT_EQ(row.at("maps").at(2).at("target"), nlohmann::json({{"class_index", 30}, {"label", "tabby"}}));
}

TEST_F(ExplainTargets, ATargetWithoutAMethodIsExplainedByLibraAndAContrastNamesBoth) {
  const auto result = explain({sample("cat_and_espresso.jpg"), "--target", "tabby", "--against", "espresso"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto row = result.json_lines().at(0);
  EXPECT_THAT(overlays(row), ElementsAre("cat_and_espresso.jpg.libra.30-193.png"));
  EXPECT_EQ(row.at("maps").at(0).at("target").at("against").at("label"), "espresso");
}

// The cat fills the left 62 % of the collage, the cup the rest. What is asked about decides where a class-specific map
// lies; rollout is not asked.
TEST_F(ExplainTargets, OfACollageTheMapsLieOnTheHalfThatTheirClassIsIn) {
  std::vector<std::string> arguments{
      sample("cat_and_espresso.jpg"), "--save-map", "--target", "tabby", "--target", "espresso", "--method", "rollout"};
  const std::vector<std::string> methods{"generic", "grad-rollout", "grad-cam", "legrad", "attribution"};
  for (const std::string& method : methods) arguments.insert(arguments.end(), {"--method", method});
  const auto result = explain(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const std::string& method : methods) {
    const double cat = mass_on_the_left(method + ".30");
    const double cup = mass_on_the_left(method + ".193");
    EXPECT_GT(cat, 0.75) << method << " for the cat";
    EXPECT_LT(cup, 0.5) << method << " for the cup";
  }
  const double rollout = mass_on_the_left("rollout");
  EXPECT_GT(rollout, 0.4) << "one map for both";
  EXPECT_LT(rollout, 0.8);
}

TEST_F(ExplainTargets, TrueIsTheFoldersNameAndAFolderThatIsNoneFailsAlone) {
  for (const char* name : {"tabby", "nonsense"}) {
    std::filesystem::create_directories(folder_ / "in" / name);
    std::filesystem::copy_file(sample("chelsea.jpg"), folder_ / "in" / name / "a.jpg");
  }
  const auto result = explain({(folder_ / "in").string(), "-r", "--target", "true"});
  EXPECT_EQ(result.exit_code, 1);
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].at("code"), "not_found");
  EXPECT_THAT(rows[0].at("message"), HasSubstr("folder 'nonsense' is no class"));
  EXPECT_THAT(overlays(rows[1]), ElementsAre("tabby/a.jpg.libra.30.png"));
}

TEST_F(ExplainTargets, WhatCannotBeMeantIsExitTwoBeforeAnythingIsWritten) {
  const std::string cat = sample("chelsea.jpg");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{cat, "--target", "tabyb"}, "did you mean"},
      {{cat, "--target", "tabby", "--method", "rollout"}, "the same for every class"},
      {{cat, "--target", "tabby", "--against", "tabby"}, "another class"},
      {{cat, "--method", "attention", "--block", "12"}, "block is 12, expected 0 to 11"},
      {{cat, "--method", "attention", "--head", "3"}, "head is 3, expected 0 to 2"},
      {{cat, "--method", "attention", "--query", "14,0"}, "query is patch 14,0"},
      {{cat, "--method", "attention", "--query", "3"}, "expected row,col"},
      {{cat, "--start-block", "12"}, "start block is 12"},
      {{cat, "--compat", "chefer", "--head-fusion", "max"}, "has no --head-fusion"},
      {{cat, "--method", "generic", "--keep", "0.5"}, "gradients"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto result = explain(arguments);
    EXPECT_EQ(result.exit_code, 2) << message << result.err;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out/chelsea.jpg.generic.30.png"));
  }
}

TEST_F(ExplainTargets, FaithfulnessIsInTheRowWithItsBaselinesAndTheMethodsAgreement) {
  const auto result = explain({sample("chelsea.jpg"), "--method", "rollout", "--method", "generic", "--faithfulness"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto row = result.json_lines().at(0);
  EXPECT_GE(row.at("outlier_tokens"), 0.0);
  for (const auto& map : row.at("maps")) {
    const auto& f = map.at("faithfulness");
    for (const auto* areas : {&f, &f.at("random"), &f.at("centre_gaussian")}) {
      EXPECT_GT(areas->at("deletion_auc"), 0.0);
      EXPECT_LT(areas->at("insertion_auc"), 1.0);
    }
    EXPECT_THAT(f.at("verdict"), HasSubstr("than random"));
    EXPECT_EQ(f.at("step_patches"), 14);
  }
  const double one = row.at("maps").at(0).at("agreement").at("generic.32");
  const double other = row.at("maps").at(1).at("agreement").at("rollout");
  EXPECT_EQ(one, other);
}

TEST_F(ExplainTargets, WhyIsALibraMapOfTheBestClassBesideTheMethodsThatAreNamed) {
  const auto why = explain({sample("chelsea.jpg"), "--why"});
  ASSERT_EQ(why.exit_code, 0) << why.err;
  const auto row = why.json_lines().at(0);
  EXPECT_THAT(overlays(row), ElementsAre("chelsea.jpg.libra.32.png"));
  EXPECT_EQ(why.out, explain({sample("chelsea.jpg"), "--method", "libra", "--target", "top1"}).out);
  const auto both = explain({sample("chelsea.jpg"), "--why", "--method", "rollout,libra", "--target", "30"});
  ASSERT_EQ(both.exit_code, 0) << both.err;
  EXPECT_THAT(overlays(both.json_lines().at(0)), ElementsAre("chelsea.jpg.rollout.png", "chelsea.jpg.libra.30.png"));
}

TEST_F(ExplainTargets, AGammaIsInTheVariantAndItsMapAddsUpToo) {
  const auto result =
      explain({sample("chelsea.jpg"), "--why", "--method", "generic", "--gradients", "libra", "--gamma", "0.05"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto maps = result.json_lines().at(0).at("maps");
  EXPECT_EQ(maps.at(0).at("variant"), "mean of positive heads, libra gradients, gamma 0.05");
  EXPECT_EQ(maps.at(1).at("variant"), "mean over blocks, gamma 0.05");
  const auto sum = maps.at(1).at("sum");
  EXPECT_NEAR(double(sum.at("patches")) + double(sum.at("prefix")) + double(sum.at("biases")), double(sum.at("score")),
              1e-3);
  for (const char* bad : {"-0.1", "nan", "inf", "101"}) {
    EXPECT_EQ(explain({sample("chelsea.jpg"), "--why", "--gamma", bad}).exit_code, 2) << bad;
  }
}

TEST_F(ExplainTargets, TheTableHasTheVerdictOfEachMap) {
  const std::string model = (source_dir() / "tests/golden/families/hf_beit").string();
  const auto result = run_fovea({"explain", sample("chelsea.jpg"), "-m", model, "-k", "1", "--method",
                                 "rollout,generic", "--faithfulness", "-f", "csv", "-o", out()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("index,path,width,height,label1,probability1,error,verdicts\n"));
  EXPECT_THAT(result.out, ContainsRegex("rollout: .* than random; generic\\.[0-9]+: .* than random"));
}

TEST_F(ExplainTargets, HardAttentionSaysHowManyTokensWentOn) {
  const auto result = explain({sample("chelsea.jpg"), "--keep", "0.7"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto row = result.json_lines().at(0);
  EXPECT_EQ(row.at("tokens"), nlohmann::json({197, 140, 100, 72}));
  EXPECT_EQ(row.at("predictions").at(0).at("class_index"), 32);
  const auto again = explain({sample("chelsea.jpg"), "--keep", "0.7", "--sample", "--draws", "2", "--seed", "5"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out,
            explain({sample("chelsea.jpg"), "--keep", "0.7", "--sample", "--draws", "2", "--seed", "5"}).out);
}

}  // namespace
}  // namespace fovea::test
