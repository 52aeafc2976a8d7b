// The ranking of methods out of the rows of pictures, and what the formats say of it.
#include "report/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "report/record.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A picture in which rollout and generic gain this much, random maps 0 and a Gaussian 0.25; deletion is always 0.5.
Record picture(double rollout, double generic, double agreement = 0.5) {
  Faithfulness f;
  f.random = {0.5, 0.5};
  f.centre = {0.5, 0.75, 0.75};
  f.random_maps = 5;
  f.step = 14;
  Record record;
  record.path = "cat.jpg";
  f.map = {0.5, 0.5 + rollout, 0.5 + rollout};
  record.maps.push_back({.method = "rollout", .variant = "mean heads, residual 0.5", .faithfulness = f});
  record.maps.back().agreement = {{"generic.32", agreement}};
  f.map = {0.5, 0.5 + generic, 0.5 + generic};
  record.maps.push_back({.method = "generic", .variant = "mean of positive heads", .faithfulness = f});
  record.maps.back().agreement = {{"rollout", agreement}};
  return record;
}

Comparison compared(const std::vector<Record>& records) {
  MethodComparison comparison;
  for (const Record& record : records) comparison.add(record);
  return comparison.result();
}

std::vector<std::string> names(const Comparison& comparison) {
  std::vector<std::string> result;
  for (const ComparedMethod& method : comparison.ranking) result.push_back(method.name);
  return result;
}

TEST(MethodComparison, RanksByTheMeanGainAmongMapsThatKnowNothing) {
  const Comparison comparison = compared({picture(0.125, 0.5), picture(-0.375, 0.25)});
  EXPECT_THAT(names(comparison), ElementsAre("generic", "centre_gaussian", "random", "rollout"));
  EXPECT_EQ(comparison.pictures, 2U);
  EXPECT_EQ(comparison.random_maps, 5U);
  EXPECT_EQ(comparison.step, 14U);
  const ComparedMethod& generic = comparison.ranking[0];
  EXPECT_EQ(generic.variant, "mean of positive heads");
  EXPECT_DOUBLE_EQ(generic.areas.deletion, 0.5);
  EXPECT_DOUBLE_EQ(generic.areas.insertion, 0.875);
  EXPECT_DOUBLE_EQ(generic.gain.mean, 0.375);
  EXPECT_NEAR(generic.gain.interval->high, 0.375 + 12.7062047 * 0.125, 1e-6);  // s/√2 = 0.125
  EXPECT_EQ(generic.beats_random, 1.0);
  EXPECT_EQ(comparison.ranking[1].beats_random, 1.0);
  EXPECT_FALSE(comparison.ranking[2].beats_random);
  EXPECT_EQ(comparison.ranking[3].beats_random, 0.5);
}

TEST(MethodComparison, ComparesNeighboursPictureByPicture) {
  // Gains differ far more from picture to picture than between the two methods.
  const Comparison close = compared({picture(0.9, 0.95), picture(0.5, 0.56), picture(0.7, 0.74), picture(0.3, 0.35)});
  ASSERT_THAT(names(close), ElementsAre("generic", "rollout", "centre_gaussian", "random"));
  EXPECT_NEAR(close.ranking[0].lead->mean, 0.05, 1e-12);
  EXPECT_LT(close.ranking[0].gain.interval->low, close.ranking[1].gain.mean) << "the intervals themselves overlap";
  EXPECT_FALSE(close.ranking[0].tied());
  EXPECT_FALSE(close.ranking[3].lead);
  const Comparison open = compared({picture(0.9, 0.95), picture(0.5, 0.46), picture(0.7, 0.74), picture(0.3, 0.29)});
  EXPECT_EQ(open.ranking[0].name, "generic");
  EXPECT_TRUE(open.ranking[0].tied());
}

TEST(MethodComparison, OfOnePictureTellsNothingApart) {
  const Comparison comparison = compared({picture(0.9, 0.3)});
  EXPECT_FALSE(comparison.ranking[0].gain.interval);
  EXPECT_TRUE(comparison.ranking[0].tied());
  EXPECT_THAT(comparison_text(comparison), HasSubstr("nothing can be told apart"));
}

TEST(MethodComparison, MethodsThatDoTheSameAreTied) {
  const Comparison comparison = compared({picture(0.4, 0.4), picture(0.6, 0.6)});
  EXPECT_EQ(comparison.ranking[0].lead->mean, 0.0);
  EXPECT_TRUE(comparison.ranking[0].tied());
}

TEST(MethodComparison, AgreementIsTheMeanWhereItIsDefined) {
  const Comparison comparison = compared({picture(0.1, 0.5, 0.25), picture(0.1, 0.5, kNan), picture(0.1, 0.5, 0.5)});
  const ComparedMethod& generic = comparison.ranking[0];
  EXPECT_EQ(agreement_of(generic, "rollout"), 0.375);
  EXPECT_EQ(agreement_of(generic, "generic"), std::nullopt);
  EXPECT_EQ(agreement_of(compared({picture(0.1, 0.5, kNan)}).ranking[0], "rollout"), std::nullopt);
}

TEST(MethodComparison, LeavesOutPicturesWhoseProbabilitiesAreNoNumbersAndCountsThem) {
  const Comparison comparison = compared({picture(0.1, 0.5), picture(kNan, 0.5), picture(0.2, 0.5)});
  EXPECT_EQ(comparison.pictures, 2U);
  EXPECT_EQ(comparison.undefined, 1U);
  EXPECT_DOUBLE_EQ(comparison.ranking[2].gain.mean, 0.15);
  EXPECT_THAT(comparison_text(comparison), HasSubstr("1 picture left out"));
  EXPECT_TRUE(compared({picture(kNan, 0)}).ranking.empty());
}

std::string written(const char* format, const std::vector<Record>& records) {
  std::ostringstream out;
  const auto writer = report_format(format).make(out, {.comparison = true});
  for (const Record& record : records) writer->write(record);
  writer->write(compared(records));
  writer->finish({.succeeded = records.size(), .failed = 0, .interrupted = false});
  return out.str();
}

TEST(ComparisonReport, IsATableForPeople) {
  EXPECT_EQ(written("text", {picture(0.125, 0.5), picture(-0.375, 0.5), picture(0.0, 0.5)}),
            "rank  method              deletion  insertion  difference  95 % interval     SRG     beats random  ahead "
            "of the next\n"
            "   1  generic                0.500      1.000      +0.500  +0.500 to +0.500  +0.500       100.0 %  +0.250 "
            "(+0.250 to "
            "+0.250)\n"
            "   2  (centred Gaussian)     0.500      0.750      +0.250  +0.250 to +0.250  +0.250       100.0 %  +0.250 "
            "(+0.250 to "
            "+0.250)\n"
            "   3  (random maps)          0.500      0.500      +0.000  +0.000 to +0.000                        +0.083 "
            "(-0.563 to "
            "+0.730), cannot be told apart\n"
            "   4  rollout                0.500      0.417      -0.083  -0.730 to +0.563  -0.083        33.3 %\n"
            "\n"
            "agreement (Spearman)                generic  rollout\n"
            "generic (mean of positive heads)       1.00     0.50\n"
            "rollout (mean heads, residual 0.5)     0.50     1.00\n"
            "\n"
            "Ranked by the mean over 3 pictures of insertion less deletion. Intervals are Student's t over pictures, "
            "not corrected for several comparisons.\n"
            "\n3 done\n");
}

TEST(ComparisonReport, IsAnObjectBehindTheRowsInJson) {
  const std::vector<Record> records{picture(0.125, 0.5), picture(-0.375, 0.25)};
  std::istringstream lines(written("jsonl", records));
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 4U);
  EXPECT_EQ(objects[0].at("type"), "result");
  EXPECT_EQ(objects[3].at("type"), "summary");
  const nlohmann::json& comparison = objects[2];
  EXPECT_EQ(comparison.at("type"), "comparison");
  EXPECT_EQ(comparison.at("schema"), 1);
  EXPECT_EQ(comparison.at("pictures"), 2);
  const nlohmann::json& best = comparison.at("methods").at(0);
  EXPECT_EQ(best.at("rank"), 1);
  EXPECT_EQ(best.at("method"), "generic");
  EXPECT_EQ(best.at("variant"), "mean of positive heads");
  EXPECT_EQ(best.at("insertion_auc"), 0.875);
  EXPECT_EQ(best.at("insertion_less_deletion").at("mean"), 0.375);
  EXPECT_LT(best.at("insertion_less_deletion").at("low"), 0.375);
  EXPECT_EQ(best.at("less_next").at("next"), "centre_gaussian");
  EXPECT_EQ(best.at("less_next").at("mean"), 0.125);
  EXPECT_EQ(best.at("less_next").at("told_apart"), false);
  EXPECT_EQ(best.at("beats_random"), 1.0);
  EXPECT_EQ(best.at("agreement"), nlohmann::json({{"rollout", 0.5}}));
  EXPECT_FALSE(comparison.at("methods").at(3).contains("less_next"));
  EXPECT_FALSE(comparison.at("methods").at(2).contains("beats_random"));

  const auto document = nlohmann::json::parse(written("json", records));
  EXPECT_EQ(document.at("results").size(), 2U);
  EXPECT_EQ(document.at("comparison"), comparison);
  EXPECT_EQ(document.at("summary").at("succeeded"), 2);
  EXPECT_TRUE(nlohmann::json::parse(written("json", {})).at("comparison").at("methods").empty());
}

TEST(ComparisonReport, IsNullInJsonAndEmptyInCsvWhereNothingIsKnown) {
  const std::vector<Record> one{picture(0.125, 0.5, kNan)};
  const auto best = nlohmann::json::parse(written("json", one)).at("comparison").at("methods").at(0);
  EXPECT_TRUE(best.at("insertion_less_deletion").at("low").is_null());
  EXPECT_TRUE(best.at("agreement").at("rollout").is_null());
  EXPECT_EQ(written("csv", one),
            "rank,method,variant,pictures,deletion_auc,insertion_auc,gain,gain_low,gain_high,beats_random,less_next,"
            "less_next_low,less_next_high,agreement_generic,agreement_rollout\n"
            "1,generic,mean of positive heads,1,0.5,1,0.5,,,1,0.25,,,,\n"
            "2,centre_gaussian,,1,0.5,0.75,0.25,,,1,0.125,,,,\n"
            "3,rollout,\"mean heads, residual 0.5\",1,0.5,0.625,0.125,,,1,0.125,,,,\n"
            "4,random,,1,0.5,0.5,0,,,,,,,,\n");
}

TEST(ComparisonReport, HasARowForEachFailureInTextAndNoneForWhatWentWell) {
  Record broken;
  broken.path = "broken.jpg";
  broken.failure = Failure{ErrorCode::kDecode, "broken.jpg: is cut short", "copy it again"};
  std::ostringstream out;
  const auto writer = report_format("text").make(out, {.comparison = true});
  writer->write(picture(0.1, 0.2));
  writer->write(broken);
  writer->write(compared({picture(0.1, 0.2)}));
  writer->finish({.succeeded = 1, .failed = 1, .interrupted = false});
  EXPECT_THAT(out.str(), HasSubstr("broken.jpg\n  failed (decode): broken.jpg: is cut short\n"));
  EXPECT_THAT(out.str(), HasSubstr("1 done, 1 failed\n"));
  EXPECT_THAT(out.str(), Not(HasSubstr("cat.jpg")));
}

TEST(ComparisonReport, SaysThatThereWasNothingToCompare) {
  EXPECT_THAT(written("text", {}), HasSubstr("no picture to compare"));
  EXPECT_THAT(written("csv", {}), testing::StartsWith("rank,method"));
}

}  // namespace
}  // namespace fovea
