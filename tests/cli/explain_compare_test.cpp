// `fovea explain --compare`: the ranking is what the rows say, whatever goes wrong beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class ExplainCompare : public testing::Test {
 protected:
  ExplainCompare() {
    write_tiny_model_folder(folder_ / "model");
    for (int shade = 0; shade < 3; ++shade) write_picture(in() / (std::to_string(shade) + ".png"), 40, 48, shade * 40);
  }
  [[nodiscard]] std::filesystem::path in() const { return folder_ / "in"; }
  [[nodiscard]] ProcessResult compare(const std::string& methods, std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(),
                     {"explain", "-m", (folder_ / "model").string(), in().string(), "--compare", methods});
    return run_fovea(arguments);
  }
  TempFolder folder_;
};

nlohmann::json row_of(const nlohmann::json& comparison, const std::string& method) {
  for (const auto& row : comparison.at("methods")) {
    if (row.at("method") == method) return row;
  }
  ADD_FAILURE() << method << " is not in the comparison";
  return {};
}

/// By picture, of a method or, in the first map, of a map that knows nothing.
std::vector<double> gains_of(const std::vector<nlohmann::json>& rows, const std::string& method) {
  std::vector<double> gains;
  for (const auto& row : rows) {
    if (row.at("type") != "result") continue;
    for (const auto& map : row.at("maps")) {
      const auto& f = map.at("faithfulness");
      const auto& areas = f.contains(method) ? f.at(method) : f;
      if (!f.contains(method) && map.at("method") != method) continue;
      gains.push_back(areas.at("insertion_auc").get<double>() - areas.at("deletion_auc").get<double>());
      break;
    }
  }
  return gains;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// For three values: 4.30265 is Student's bound for two degrees of freedom.
double half_interval(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += (value - mean_of(values)) * (value - mean_of(values));
  return 4.30265 * std::sqrt(squares / 2 / 3);
}

TEST_F(ExplainCompare, RanksByWhatTheRowsOfThePicturesSay) {
  const auto result = compare("rollout,generic,grad-cam", {"-f", "jsonl"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_THAT(rows[0].at("maps").at(0).dump(), Not(HasSubstr("overlay"))) << "nothing is drawn";
  const auto& comparison = rows[3];
  ASSERT_EQ(comparison.at("type"), "comparison");
  EXPECT_EQ(comparison.at("pictures"), 3);
  std::vector<std::string> names;
  double before = 2;
  for (const auto& row : comparison.at("methods")) {
    names.push_back(row.at("method"));
    const std::vector<double> gains = gains_of(rows, names.back());
    ASSERT_EQ(gains.size(), 3U) << names.back();
    const auto& gain = row.at("insertion_less_deletion");
    EXPECT_NEAR(gain.at("mean").get<double>(), mean_of(gains), 1e-6) << names.back();
    EXPECT_NEAR(gain.at("high").get<double>() - gain.at("mean").get<double>(), half_interval(gains), 1e-5);
    EXPECT_LE(gain.at("mean").get<double>(), before);
    before = gain.at("mean").get<double>();
  }
  EXPECT_THAT(names, UnorderedElementsAre("rollout", "generic", "grad-cam", "random", "centre_gaussian"));
  for (std::size_t rank = 0; rank + 1 < names.size(); ++rank) {
    std::vector<double> lead = gains_of(rows, names[rank]);
    const std::vector<double> next = gains_of(rows, names[rank + 1]);
    for (std::size_t i = 0; i < lead.size(); ++i) lead[i] -= next[i];
    const auto& less_next = comparison.at("methods").at(rank).at("less_next");
    EXPECT_EQ(less_next.at("next"), names[rank + 1]);
    EXPECT_NEAR(less_next.at("low").get<double>(), mean_of(lead) - half_interval(lead), 1e-5) << names[rank];
    EXPECT_EQ(less_next.at("told_apart"), std::abs(mean_of(lead)) > half_interval(lead)) << names[rank];
  }
  double agreement = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (const auto& [stem, value] : rows[i].at("maps").at(0).at("agreement").items()) {
      if (stem.starts_with("generic.")) agreement += value.get<double>() / 3;
    }
  }
  EXPECT_NEAR(row_of(comparison, "rollout").at("agreement").at("generic").get<double>(), agreement, 1e-6);
}

TEST_F(ExplainCompare, SaysTheSameBytesWhateverTheThreads) {
  const auto one = compare("rollout,legrad", {"-t", "1", "-f", "json"});
  const auto two = compare("rollout,legrad", {"-t", "2", "--batch", "2", "-f", "json"});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out, two.out);
  EXPECT_EQ(nlohmann::json::parse(one.out).at("comparison").at("methods").size(), 4U);
}

TEST_F(ExplainCompare, ABadPictureIsCountedAndTheOthersAreCompared) {
  write_text(in() / "1.png", "no picture");
  const auto text = compare("rollout");
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.err, HasSubstr("1.png"));
  EXPECT_THAT(text.out, HasSubstr("1.png\n  failed (decode)"));
  EXPECT_THAT(text.out, HasSubstr("mean over 2 pictures"));
  EXPECT_THAT(text.out, HasSubstr("2 done, 1 failed"));
  const auto rows = compare("rollout", {"-f", "json"});
  const auto document = nlohmann::json::parse(rows.out);
  EXPECT_EQ(document.at("results").at(1).at("code"), "decode");
  EXPECT_EQ(document.at("comparison").at("pictures"), 2);
  EXPECT_EQ(document.at("summary").at("failed"), 1);
  const auto csv = compare("rollout", {"-f", "csv"});
  EXPECT_EQ(csv.exit_code, 1);
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 4) << csv.out;  // heading, method, random, centre
  EXPECT_THAT(csv.err, HasSubstr("1.png"));
}

TEST_F(ExplainCompare, WithoutAnyPictureThatWorksSaysSo) {
  for (int shade = 0; shade < 3; ++shade) write_text(in() / (std::to_string(shade) + ".png"), "no picture");
  const auto result = compare("rollout");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("no picture to compare methods on"));
}

TEST_F(ExplainCompare, DrawsTheMapsWhereAFolderIsGiven) {
  const auto result = compare("rollout,generic", {"--target", "3", "-o", (folder_ / "out").string(), "--panel"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* name : {"0.png.rollout.png", "0.png.generic.3.png", "2.png.panel.png"}) {
    EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / name)) << name;
  }
  EXPECT_EQ(result.out, compare("rollout,generic", {"--target", "3"}).out);
}

TEST_F(ExplainCompare, AMethodThatIsNamedTwiceIsComparedOnce) {
  const auto result = compare("rollout,rollout", {"-f", "csv"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 4) << result.out;
}

TEST_F(ExplainCompare, WhatCannotBeMeantIsExitTwo) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--compare", "rolout"}, "did you mean 'rollout'"},
      {{"--method", "generic"}, "--compare with --method"},
      {{"--target", "top2"}, "several targets"},
      {{"--target", "1", "--target", "2"}, "several targets"},
      {{"--panel"}, "-o is missing"},
      {{"--save-map"}, "-o is missing"},
      {{"--keep", "0.5", "--compare", "generic"}, "gradients"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto result = compare("rollout", arguments);
    EXPECT_EQ(result.exit_code, 2) << message << result.err;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(result.out, "");
  }
}

/// The model that ships, on photographs: a class-specific map beats rollout, which knows no class, on each of the two.
TEST(ExplainCompareSamples, ClassSpecificMapsAreAheadOfRolloutOnThePhotographs) {
  const std::filesystem::path samples = source_dir() / "samples";
  const auto result =
      run_fovea({"explain", (samples / "chelsea.jpg").string(), (samples / "cat_and_espresso.jpg").string(),
                 "--compare", "rollout,generic", "-f", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto comparison = nlohmann::json::parse(result.out).at("comparison");
  EXPECT_EQ(comparison.at("methods").at(0).at("method"), "generic");
  EXPECT_EQ(row_of(comparison, "generic").at("beats_random"), 1.0);
  EXPECT_EQ(comparison.at("step_patches"), 14);
}

}  // namespace
}  // namespace fovea::test
