// fovea audit as a process: planted marks, wrong labels and copies are found, and its decisions are obeyed by learn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "fovea/architecture.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;

const std::vector<std::string> kKinds{"bolt", "nut", "rivet", "screw", "washer"};

/// Blocks of random colours, as all classes have; with a border of 4 px if it is marked.
std::string blocks(std::uint64_t seed, bool marked) {
  constexpr int kSide = 64;
  std::string ppm = "P6 64 64 255\n";
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const bool edge = std::min({y, x, kSide - 1 - y, kSide - 1 - x}) < 4;
      Random random(seed * 1000 + static_cast<std::uint64_t>(y / 8 * 8 + x / 8));
      for (int channel = 0; channel < 3; ++channel) {
        const auto level = static_cast<char>(random.below(256));
        ppm += marked && edge ? static_cast<char>(40 * channel) : level;
      }
    }
  }
  return ppm;
}

/// A red or a blue square at a random place of a grey picture.
std::string square_on_grey(std::uint64_t seed, bool red) {
  Random random(seed);
  const int top = static_cast<int>(random.below(32));
  const int left = static_cast<int>(random.below(32));
  std::string ppm = "P6 64 64 255\n";
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      const bool inside = y >= top && y < top + 32 && x >= left && x < left + 32;
      for (int channel = 0; channel < 3; ++channel) {
        ppm += static_cast<char>(!inside ? 128 : channel == (red ? 0 : 2) ? 250 : 5);
      }
    }
  }
  return ppm;
}

class Audit : public testing::Test {
 protected:
  void SetUp() override { write_tiny_model_folder(folder_ / "model"); }
  /// 24 pictures of each of five classes; of the second, 18 have a border.
  void write_photos(bool marked) {
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
      for (std::size_t i = 0; i < 24; ++i) {
        write_text(folder_ / "photos" / kKinds[kind] / (std::to_string(i) + ".ppm"),
                   blocks(100 * kind + i, marked && kind == 1 && i % 4 != 0));
      }
    }
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  ProcessResult audit(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"audit", at("photos"), "-m", at("model"), "-o", at("out"), "-q"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_fovea(arguments);
  }

  TempFolder folder_;
};

TEST_F(Audit, MeasuresAHeadWithoutADirectionOnHeldOutPictures) {
  write_photos(true);
  const auto result = audit({"-f", "json", "--maps", "0", "--budget", "0", "--drop", "nut:1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json report = Json::parse(result.out);
  const Json& dropped = report["dropped"];
  EXPECT_EQ(dropped["pictures"], 120);
  EXPECT_NEAR(dropped["right_before"].get<double>(), report["figures"]["top1"]["value"].get<double>(), 1e-9)
      << "the heads of the folds are those that the accuracy was measured with";
  EXPECT_THAT(audit({"--maps", "0", "--budget", "0", "--drop", "nut:1"}).out,
              HasSubstr("On 120 pictures that were held out, "));
}

TEST_F(Audit, RanksAPlantedBorderFirstAndTriesIt) {
  write_photos(true);
  const auto result = audit({"-f", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json report = Json::parse(result.out);
  ASSERT_FALSE(report["findings"].empty());
  const Json& first = report["findings"][0];
  EXPECT_EQ(first["class"], "nut");
  EXPECT_EQ(first["kind"], "border");
  EXPECT_EQ(first["pictures"], 18);
  EXPECT_GT(first["effect"]["low"].get<double>(), 0);
  EXPECT_NEAR(first["own"].get<double>(), 0.75, 1e-9);
  EXPECT_EQ(first["trials"].size(), 4U);
  EXPECT_EQ(first["trials"][0]["pictures"], 18);
  EXPECT_EQ(first["trials"][3]["pictures"], 24);
  std::size_t passes = 0;  // a change and a control of each picture
  for (const Json& finding : report["findings"]) {
    for (const Json& trial : finding["trials"]) passes += 2 * trial["pictures"].get<std::size_t>();
  }
  EXPECT_EQ(report["passes"], passes);
  EXPECT_THAT(first["command"].get<std::string>(), HasSubstr("fovea audit "));
  EXPECT_EQ(Json::parse(read_text(folder_ / "out/audit.json")), report);
  EXPECT_TRUE(fs::exists(folder_ / "out/audit.html"));
  EXPECT_EQ(run_fovea({"classify", at("photos/nut/1.ppm"), "-m", at("out/model.safetensors")}).exit_code, 0);
}

TEST_F(Audit, FindsNothingWhereNothingIsPlanted) {
  write_photos(false);
  const auto result = audit();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("no finding: "));
}

TEST_F(Audit, GivesTheSameReportAgainAndWhateverTheThreads) {
  write_photos(true);
  const auto without_times = [](const ProcessResult& result) {
    Json report = Json::parse(result.out);
    report.erase("seconds");
    return report;
  };
  const Json once = without_times(audit({"-f", "json", "-t", "1"}));
  EXPECT_EQ(once, without_times(audit({"-f", "json", "-t", "3", "--batch", "5"})));
}

TEST_F(Audit, GivesEachFindingWithACommandThatRepeatsItAlone) {
  write_photos(true);
  const Json report = Json::parse(audit({"-f", "json"}).out);
  ASSERT_FALSE(report["findings"].empty());
  for (const Json& finding : report["findings"]) {
    const auto command = finding["command"].get<std::string>();
    ASSERT_TRUE(command.starts_with("fovea audit ")) << command;
    std::istringstream words(command.substr(6));
    std::vector<std::string> arguments{std::istream_iterator<std::string>(words), {}};
    arguments.insert(arguments.end(), {"-q", "-f", "json"});
    const auto again = run_fovea(arguments);
    ASSERT_EQ(again.exit_code, 0) << command << again.err;
    const Json alone = Json::parse(again.out);
    ASSERT_EQ(alone["findings"].size(), 1U) << command;
    Json same = alone["findings"][0];
    same["command"] = command;
    EXPECT_EQ(same, finding);
    EXPECT_EQ(alone["tried"], report["tried"]);
  }
  EXPECT_EQ(Json::parse(read_text(folder_ / "out/audit.json")), report);  // the report itself stays
}

TEST_F(Audit, FindsClustersByWhatWasLookedAtBesideThoseByPlace) {
  // Half of the bolts are red at a random place and half are blue: the place says nothing, what lies there does.
  write_photos(false);
  for (std::size_t i = 0; i < 24; ++i) {
    write_text(folder_ / "photos/bolt" / (std::to_string(i) + ".ppm"), square_on_grey(i, i % 2 == 0));
  }
  const Json report = Json::parse(audit({"-f", "json"}).out);
  std::vector<std::size_t> sizes;
  for (const Json& strategy : report["strategies"]) {
    if (strategy["class"] != "bolt" || strategy["by"] != "what") continue;
    sizes.push_back(strategy["pictures"].get<std::size_t>());
    std::set<int> parities;
    for (const Json& path : strategy["paths"]) {
      parities.insert(std::stoi(fs::path(path.get<std::string>()).stem().string()) % 2);
    }
    EXPECT_EQ(parities.size(), 1U) << strategy["paths"];
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{12, 12}));
}

TEST_F(Audit, TellsHowMuchOfTheMapsLiesOnOutlierTokensWhereAModelHasSuch) {
  write_photos(false);
  const Json calm = Json::parse(audit({"-f", "json", "--maps", "5"}).out);
  EXPECT_EQ(calm["on_outlier_tokens"], 0);
  const Architecture architecture = tiny_architecture();
  TinyTensors tensors = make_tiny_tensors(architecture, 1);
  TinyTensor& positions = tensors.at("pos_embed");
  const std::size_t width = positions.shape.back();
  for (std::size_t i = 0; i < width; ++i) positions.values[6 * width + i] *= 60;
  write_tiny_model(folder_ / "model", architecture, tensors);
  const Json report = Json::parse(audit({"-f", "json", "--maps", "5"}).out);
  EXPECT_GT(report["on_outlier_tokens"], 0);
  EXPECT_LT(report["on_outlier_tokens"], 1);
  EXPECT_EQ(report["tried"].get<std::size_t>(), calm["tried"].get<std::size_t>() + kKinds.size()) << "one more measure";
}

TEST_F(Audit, ListsWhatItsBudgetDidNotReach) {
  write_photos(true);
  const Json report = Json::parse(audit({"-f", "json", "--budget", "10", "--maps", "0"}).out);
  ASSERT_FALSE(report["findings"].empty());
  EXPECT_TRUE(report["findings"][0]["trials"].empty());
  ASSERT_FALSE(report["untried"].empty());
  EXPECT_THAT(report["untried"][0]["why"].get<std::string>(), HasSubstr("--budget"));
  EXPECT_EQ(report["passes"], 0);
  EXPECT_TRUE(report["atlas"].empty());
}

TEST_F(Audit, ListsCopiesAcrossClassesAndSplitsFirstAndBrokenFiles) {
  write_photos(false);
  fs::copy(folder_ / "photos/bolt/0.ppm", folder_ / "photos/nut/copy.ppm");
  write_text(folder_ / "photos/nut/broken.png", "no picture");
  for (const std::string& kind : kKinds) {
    fs::create_directories(folder_ / "held_out" / kind);
    write_text(folder_ / "held_out" / kind / "0.ppm", blocks(7000 + kind.size() + static_cast<std::size_t>(kind[0]), false));
  }
  fs::copy(folder_ / "photos/screw/3.ppm", folder_ / "held_out/screw/again.ppm");
  const auto result = audit({"-f", "json", "--val", at("held_out"), "--maps", "2"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  const Json report = Json::parse(result.out);
  ASSERT_GE(report["duplicates"].size(), 2U);
  EXPECT_TRUE(report["duplicates"][0]["across_splits"].get<bool>());
  EXPECT_NE(report["duplicates"][1]["class"], report["duplicates"][1]["other_class"]);
  ASSERT_EQ(report["failures"].size(), 1U);
  EXPECT_THAT(report["failures"][0]["message"].get<std::string>(), HasSubstr("broken.png"));
}

TEST_F(Audit, AuditsTheHeadOfAModelThatKnowsTheClasses) {
  write_photos(true);
  ASSERT_EQ(run_fovea({"learn", at("photos"), "-m", at("model"), "-o", at("mine.safetensors"), "-q"}).exit_code, 0);
  const auto result =
      run_fovea({"audit", at("photos"), "-m", at("mine.safetensors"), "-o", at("out"), "-q", "-f", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json report = Json::parse(result.out);
  EXPECT_TRUE(report["own_head"].get<bool>());
  EXPECT_EQ(report["audited"], at("mine.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "out/model.safetensors"));
}

TEST_F(Audit, RefusesWhatItCannotDo) {
  write_photos(false);
  EXPECT_THAT(run_fovea({"audit", at("photos"), "-m", at("model")}).err, HasSubstr("-o is missing"));
  EXPECT_THAT(run_fovea({"audit", "-o", at("out"), "-m", at("model")}).err, HasSubstr("the number of folders is 0"));
  EXPECT_EQ(run_fovea({"audit", at("nowhere"), "-o", at("out"), "-m", at("model")}).exit_code, 2);
  EXPECT_EQ(audit({"--group-by", "("}).exit_code, 2);
  EXPECT_THAT(audit({"--only", "nut:halo"}).err, HasSubstr("--only is 'nut:halo', expected CLASS:WHAT with WHAT one of fixed-mark, "));
  EXPECT_THAT(audit({"--only", "nail:border"}).err, HasSubstr("--only names the class 'nail', which the pictures do not have"));
  EXPECT_FALSE(fs::exists(folder_ / "out/audit.json"));
}

}  // namespace
}  // namespace fovea::test
