// --precision cascade as a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/files.hpp"
#include "fovea/precision.hpp"
#include "support/needs_precision.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kPictures = 40;

/// What decides where the quick form is not sure.
std::string full_precision() {
  return std::string(name(fastest_full_precision()));
}

class CascadeRun : public ::testing::Test {
 protected:
  void SetUp() override {
    FOVEA_NEEDS_PRECISION(Precision::kInt8)
    write_tiny_model_folder(folder_ / "model");
    for (int i = 0; i < kPictures; ++i) {
      write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 40 + i % 7, 50 + i % 5, 13 * i);
    }
    const auto made =
        run_fovea({"quantize", at("model"), at("both.safetensors"), "--calibrate", at("in"), "--cascade"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("cascade: scores that are nearer than"));
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult run(const std::string& verb, const std::string& model, const std::string& precision,
                                  std::vector<std::string> more) const {
    more.insert(more.begin(), {verb, "-m", at(model), at("in"), "--precision", precision, "-f", "jsonl"});
    return run_fovea(more);
  }
  TempFolder folder_;
};

TEST_F(CascadeRun, TheClassesAndTheirOrderAreThoseOfFullAccuracy) {
  for (const std::string ranks : {"1", "3"}) {
    const auto exact = run("classify", "model", full_precision(), {"-k", ranks}).json_lines();
    const auto quick = run("classify", "both.safetensors", "int8", {"-k", ranks}).json_lines();
    const auto result = run("classify", "both.safetensors", "cascade", {"-k", ranks});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto rows = result.json_lines();
    ASSERT_EQ(rows.size(), kPictures + 1U);
    std::map<std::string, std::size_t> counts;
    for (std::size_t i = 0; i < kPictures; ++i) {
      const std::string decided = rows[i].at("decided_by");
      ++counts[decided];
      auto row = rows[i];
      row.erase("decided_by");
      EXPECT_EQ(row, decided == "int8" ? quick[i] : exact[i]) << i;
      for (std::size_t k = 0; k < row.at("predictions").size(); ++k) {
        EXPECT_EQ(row["predictions"][k]["class_index"], exact[i]["predictions"][k]["class_index"]) << i << " " << k;
      }
    }
    EXPECT_EQ(rows.back().at("decided_by"), nlohmann::json(counts));
    EXPECT_EQ(counts.size(), 2U) << "-k " << ranks << ": " << nlohmann::json(counts);
  }
}

TEST_F(CascadeRun, BenchSaysWhatItDecidesAndThatTheClassesAreTheSame) {
  const auto result = run_fovea({"bench", "-m", at("both.safetensors"), "--precision", "cascade", "--folder", at("in"),
                                 "--seconds", "0.1", "-f", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto costs = nlohmann::json::parse(result.out).at("cascade");
  ASSERT_EQ(costs.size(), 2U);
  for (const auto& cost : costs) {
    const std::string ranks = std::to_string(cost.at("ranks").get<int>());
    const auto rows = run("classify", "both.safetensors", "cascade", {"-k", ranks}).json_lines();
    EXPECT_EQ(cost.at("images"), kPictures);
    EXPECT_EQ(cost.at("same"), kPictures);
    EXPECT_EQ(cost.at("quick"), rows.back().at("decided_by").value("int8", 0));
    EXPECT_GT(cost.at("speedup"), 0);
  }
}

TEST_F(CascadeRun, RowsDoNotDependOnThreadsOrBatch) {
  const std::string once = run("classify", "both.safetensors", "cascade", {"-t", "1"}).out;
  EXPECT_EQ(run("classify", "both.safetensors", "cascade", {"-t", "2", "--batch", "3"}).out, once);
  EXPECT_EQ(run("classify", "both.safetensors", "cascade", {"-t", "1", "--batch", "16"}).out, once);
}

TEST_F(CascadeRun, MapsAreComputedWhereThePictureWasDecided) {
  const std::vector<std::string> maps{"-k",       "2",          "--method", "rollout",  "--method",
                                      "grad-cam", "--save-map", "--sheet",  "--method", "attention",
                                      "--batch",  "4",          "-o"};
  const auto explain = [&](const std::string& model, const std::string& precision, const std::string& out) {
    std::vector<std::string> all = maps;
    all.push_back(at(out));
    const auto result = run("explain", model, precision, all);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json_lines();
  };
  explain("model", full_precision(), "exact");
  explain("both.safetensors", "int8", "quick");
  std::size_t compared = 0;
  for (const auto& row : explain("both.safetensors", "cascade", "cascade")) {
    if (row.at("type") != "result") continue;
    const std::string same = row.at("decided_by") == "int8" ? "quick" : "exact";
    std::vector<std::string> names{row.at("attention_sheet")};
    for (const auto& map : row.at("maps")) names.push_back(map.at("map"));
    for (const std::string& name : names) {
      if (name.ends_with(".png")) continue;  // its texts name the model's file
      EXPECT_EQ(read_file(folder_ / "cascade" / name), read_file(folder_ / same / name)) << name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 3U * kPictures);
}

TEST_F(CascadeRun, ABatchCountsAndGoesOn) {
  ASSERT_EQ(run("batch", "both.safetensors", "cascade", {"-o", at("out")}).exit_code, 0);
  const auto again = run("batch", "both.safetensors", "cascade", {"-o", at("out")});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  const auto summary = nlohmann::json::parse(read_text(folder_ / "out/summary.json"));
  EXPECT_EQ(summary.at("skipped"), kPictures);
  std::size_t decided = 0;
  for (const auto& [precision, count] : summary.at("decided_by").items()) decided += count.get<std::size_t>();
  EXPECT_EQ(decided, std::size_t{kPictures});
  ASSERT_EQ(run("batch", "both.safetensors", "f32", {"-o", at("out")}).exit_code, 0);
  EXPECT_EQ(nlohmann::json::parse(read_text(folder_ / "out/summary.json")).at("skipped"), 0);
}

TEST_F(CascadeRun, AFileThatIsMadeOfACascadeIsNone) {
  ASSERT_EQ(run_fovea({"quantize", at("both.safetensors"), at("half.safetensors"), "--to", "bf16"}).exit_code, 0);
  EXPECT_THAT(read_text_file(at("half.safetensors")), Not(HasSubstr("fovea.cascade")));
  const auto refused = run("classify", "half.safetensors", "cascade", {});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("fovea quantize MODEL OUT.safetensors --cascade"));
}

TEST_F(CascadeRun, WhatItCannotJudgeIsRefusedByName) {
  const auto expect_usage = [](const ProcessResult& result, const std::string& words) {
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(words));
  };
  expect_usage(run("classify", "model", "cascade", {}), "fovea quantize MODEL OUT.safetensors --cascade");
  expect_usage(run("embed", "both.safetensors", "cascade", {"-o", at("f.npy")}), "--precision cascade with features");
  expect_usage(run("classify", "both.safetensors", "cascade", {"--keep", "0.7"}), "with token reduction");
  const auto alone = run_fovea({"quantize", at("model"), at("x.safetensors"), "--to", "bf16", "--cascade"});
  expect_usage(alone, "--calibrate is missing");
}

}  // namespace
}  // namespace fovea::test
