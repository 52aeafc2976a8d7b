// fovea eval as a process: figures that the rows of classify give, too, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "fovea/precision.hpp"
#include "support/needs_precision.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr std::size_t kKinds = 3;
constexpr std::size_t kOfEach = 8;

/// Textures of three kinds; folders are called as the tiny model's classes in labels.txt are.
class Eval : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    write_tiny_model_folder(*folder_ / "model");
    write_tiny_model_folder(*folder_ / "other", 2);
    write_text(*folder_ / "labels.txt", "n01440764 tench, Tinca tinca\nn01443537 goldfish\nshark\nray\ncock\n");
    const std::vector<std::string> kinds{"tench", "n01443537", "shark"};
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      for (std::size_t i = 0; i < kOfEach; ++i) {
        write_texture(*folder_ / "photos" / kinds[kind] / (std::to_string(i) + ".png"), kind, i);
      }
    }
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string at(const std::string& name) { return (*folder_ / name).string(); }
  static ProcessResult eval(std::vector<std::string> more, const std::string& folder = "photos",
                            const ProcessOptions& process = {}) {
    std::vector<std::string> arguments{"eval", at(folder)};
    const bool saved = std::ranges::find(more, "--from") != more.end();
    if (!saved) arguments.insert(arguments.end(), {"--labels", at("labels.txt")});
    if (!saved && std::ranges::find(more, "-m") == more.end()) arguments.insert(arguments.end(), {"-m", at("model")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_fovea(arguments, process);
  }
  static Json report_of(const std::vector<std::string>& more, int exit_code = 0, const std::string& folder = "photos") {
    std::vector<std::string> all{"-f", "json"};
    all.insert(all.end(), more.begin(), more.end());
    const ProcessResult result = eval(all, folder);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return Json::parse(result.out);
  }
  /// The rows of classify, in a file.
  static std::string rows(const std::string& model, const std::string& ranks) {
    const std::string file = at("rows_" + model + ranks + ".jsonl");
    const auto result = run_fovea({"classify", "-r", at("photos"), "-m", at(model), "--labels", at("labels.txt"), "-k",
                                   ranks, "-f", "jsonl", "-o", file});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return file;
  }

  static inline TempFolder* folder_ = nullptr;
};

TEST_F(Eval, ItsFiguresAreThoseOfTheRowsOfClassify) {
  const Json report = report_of({});
  const Json& m = report["models"][0];
  const std::map<std::string, std::size_t> classes{{"tench", 0}, {"n01443537", 1}, {"shark", 2}};
  std::size_t right = 0;
  double loss = 0;
  double brier = 0;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> cells;
  std::ifstream file(rows("model", "5"));
  std::size_t pictures = 0;
  for (std::string line; std::getline(file, line);) {
    const Json row = Json::parse(line);
    if (row["type"] != "result") continue;
    ++pictures;
    const std::size_t truth = classes.at(fs::path(row["path"].get<std::string>()).parent_path().filename());
    const std::size_t best = row["predictions"][0]["class_index"];
    ++cells[{truth, best}];
    right += best == truth ? 1U : 0U;
    for (const Json& one : row["predictions"]) {
      const double p = one["probability"];
      const bool own = one["class_index"] == truth;
      brier += (p - (own ? 1 : 0)) * (p - (own ? 1 : 0));
      if (own) loss -= std::log(p);
    }
  }
  ASSERT_EQ(pictures, kKinds * kOfEach);
  const auto n = static_cast<double>(pictures);
  EXPECT_EQ(m["pictures"], pictures);
  EXPECT_EQ(m["right"], right);
  EXPECT_NEAR(m["top1"]["value"], static_cast<double>(right) / n, 1e-12);
  EXPECT_NEAR(m["log_loss"]["value"], loss / n, 1e-6);
  EXPECT_NEAR(m["brier"], brier / n, 1e-6);
  std::size_t counted = 0;
  std::map<std::string, std::size_t> index;
  for (const Json& c : m["classes"]) index[c["name"]] = c["class_index"];
  for (const Json& cell : m["confusion"]) {
    EXPECT_EQ(cell["paths"].size(), cell["pictures"]);
    EXPECT_EQ(cell["pictures"], (cells[{index.at(cell["class"]), index.at(cell["taken_for"])}]));
    counted += cell["pictures"].get<std::size_t>();
  }
  EXPECT_EQ(counted, pictures);
  EXPECT_FALSE(m.contains("top5")) << "of five classes each is among the five best";
  EXPECT_EQ(report["labels"], "folders");
}

TEST_F(Eval, RowsOfAllClassesGiveEverythingThatTheModelGives) {
  const Json run = report_of({})["models"][0];
  const Json saved = report_of({"--from", rows("model", "5")})["models"][0];
  EXPECT_TRUE(saved["missing"].empty()) << saved["missing"];
  for (const auto& [key, value] : run.items()) {
    if (key == "model" || key == "precision") continue;
    ASSERT_TRUE(saved.contains(key)) << key;
    const Json left = value.flatten();
    const Json right = saved[key].flatten();
    ASSERT_EQ(left.size(), right.size()) << key;
    for (const auto& [path, number] : left.items()) {
      if (number.is_number_float()) {
        EXPECT_NEAR(number.get<double>(), right[path].get<double>(), 2e-5) << key << path;
      } else {
        EXPECT_EQ(number, right[path]) << key << path;
      }
    }
  }
}

TEST_F(Eval, RowsOfOneClassGiveWhatFollowsFromThemAndNameTheRest) {
  const Json run = report_of({})["models"][0];
  const Json saved = report_of({"--from", rows("model", "1"), "--labels", at("labels.txt")})["models"][0];
  for (const char* const key : {"top1", "macro_f1", "weighted_f1", "balanced_accuracy", "right_above"}) {
    EXPECT_EQ(run[key], saved[key]) << key;
  }
  EXPECT_EQ(run["ece"], saved["ece"]);
  for (const char* const key : {"log_loss", "brier", "temperature", "mean_average_precision"}) {
    EXPECT_FALSE(saved.contains(key)) << key;
  }
  EXPECT_THAT(saved["missing"].dump(), HasSubstr("log-loss"));
  EXPECT_THAT(saved["missing"].dump(), HasSubstr("AP, Brier score, temperature"));
}

TEST_F(Eval, AFolderThatIsNoClassIsRefusedBeforeTheWorkWithTheNearestName) {
  write_texture(at("wrong/tensh/1.png"), 0, 0);
  write_texture(at("wrong/shark/1.png"), 2, 0);
  const auto result = eval({}, "wrong");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("1 of 2 labels name no one class of it: 'tensh'"));
  EXPECT_THAT(result.err, HasSubstr("did you mean 'tench'?"));
}

TEST_F(Eval, ABadPictureIsARowAndTheOthersAreMeasured) {
  fs::copy(at("photos"), at("broken"), fs::copy_options::recursive);
  write_text(at("broken/shark/torn.png"), "\x89PNG\r\n\x1a\n");
  write_picture(at("broken/lost.png"), 20, 20);
  const Json report = report_of({}, 1, "broken");
  EXPECT_EQ(report["failed"], 2);
  EXPECT_EQ(report["failures"].size(), 2U);
  EXPECT_EQ(report["models"][0]["pictures"], kKinds * kOfEach);
  write_text(at("none/shark/torn.png"), "\x89PNG\r\n\x1a\n");
  const auto result = eval({}, "none");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("the number of pictures that could be measured is 0 of 1"));
}

TEST_F(Eval, APageThatMissesAPictureSaysSo) {
  ProcessOptions process;
  process.environment = {"LD_PRELOAD=" + faults_path().string(), "ASAN_OPTIONS=verify_asan_link_order=0",
                         "FAULTS_PATH=photos/shark/3.png", "FAULTS_LOG=" + at("calls")};
  const std::vector<std::string> arguments{"--report", at("misses.html"), "-f", "json", "-t", "1"};
  EXPECT_EQ(eval(arguments, "photos", process).exit_code, 0);
  const std::string calls = read_text(at("calls"));
  const std::string open = "count open ";
  ASSERT_THAT(calls, HasSubstr(open));
  const std::string last = calls.substr(calls.find(open) + open.size(), 1);  // the page is made after the measuring
  process.environment.back() = "FAULTS_KIND=open";
  process.environment.push_back("FAULTS_NTH=" + last);
  process.environment.push_back("FAULTS_ERRNO=" + std::to_string(EIO));
  const auto result = eval(arguments, "photos", process);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const std::string remark = "1 of the pictures could not be read a second time, for the page. The first: ";
  EXPECT_THAT(result.err, HasSubstr(remark + at("photos/shark/3.png")));
  EXPECT_THAT(Json::parse(result.out)["remarks"].back().get<std::string>(), HasSubstr(remark));
  EXPECT_THAT(read_text(at("misses.html")), HasSubstr(remark));
}

TEST_F(Eval, TwoModelsAreHeldAgainstEachOtherPictureByPicture) {
  const Json report = report_of({"-m", at("model"), "-m", at("other"), "--maps", "rollout"});
  const Json& c = report["comparison"];
  EXPECT_EQ(c["both_right"].get<int>() + c["only_first_right"].get<int>() + c["only_second_right"].get<int>() +
                c["both_wrong"].get<int>(),
            c["pictures"]);
  EXPECT_EQ(c["different_answers"], c["flips"].size());
  EXPECT_NEAR(c["difference"]["value"],
              report["models"][1]["top1"]["value"].get<double>() - report["models"][0]["top1"]["value"].get<double>(),
              1e-12);
  EXPECT_EQ(c["maps"]["pictures"], kKinds * kOfEach);
  EXPECT_LT(c["maps"]["correlation"]["value"], 0.999);
  // The other way round, and with saved rows: the same flips.
  const Json back = report_of({"-m", at("other"), "-m", at("model")})["comparison"];
  EXPECT_EQ(back["only_first_right"], c["only_second_right"]);
  EXPECT_EQ(back["mcnemar_p"], c["mcnemar_p"]);
  const Json saved = report_of({"--from", rows("model", "5"), "--from", rows("other", "5")})["comparison"];
  EXPECT_EQ(saved["flips"], c["flips"]);
  EXPECT_NEAR(saved["largest_change"]["first"], c["largest_change"]["first"], 1e-6);
}

TEST_F(Eval, AModelBesideItselfHasTheSameAnswersAndMaps) {
  const Json c = report_of({"-m", at("model"), "-m", at("model"), "--maps", "generic"})["comparison"];
  EXPECT_TRUE(c["flips"].empty());
  EXPECT_EQ(c["mcnemar_p"], 1);
  EXPECT_EQ(c["maps"]["correlation"]["value"], 1);
  EXPECT_EQ(c["maps"]["best_tenth_shared"]["value"], 1);
  EXPECT_EQ(c["maps"]["other_class"], 0);
}

TEST_F(Eval, ACascadeSaysWhoDecidedAndItsTwoPrecisionsAreCompared) {
  FOVEA_NEEDS_PRECISION(Precision::kInt8)
  const auto made =
      run_fovea({"quantize", at("model"), at("both.safetensors"), "--calibrate", at("photos"), "--cascade"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Json cascade = report_of({"-m", at("both.safetensors"), "--precision", "cascade"})["models"][0];
  std::size_t decided = 0;
  for (const auto& [precision, count] : cascade["decided_by"].items()) decided += count.get<std::size_t>();
  EXPECT_EQ(decided, kKinds * kOfEach);
  EXPECT_EQ(cascade["right"], report_of({})["models"][0]["right"]);
  const Json two = report_of({"-m", at("both.safetensors"), "--precision", "f32", "--against", "int8"});
  EXPECT_EQ(two["models"][0]["precision"], "f32");
  EXPECT_EQ(two["models"][1]["precision"], "int8");
  EXPECT_GT(two["comparison"]["largest_change"]["first"], 0);
}

TEST_F(Eval, DoesNotDependOnThreadsOrBatches) {
  const std::string once = eval({"-f", "json", "-t", "1"}).out;
  EXPECT_EQ(eval({"-f", "json", "-t", "3", "--batch", "5"}).out, once);
}

TEST_F(Eval, LabelsMayComeFromATableAndGroupsFromNames) {
  std::string table = "file_name,label\n";
  for (const auto& entry : fs::recursive_directory_iterator(at("photos"))) {
    if (entry.is_directory()) continue;
    table += fs::relative(entry.path(), at("photos")).string() + ",ray\n";
  }
  write_text(at("table.csv"), table);
  const Json report = report_of({"--label-table", at("table.csv"), "--group-by", "([0-9])"});
  EXPECT_EQ(report["labels"], at("table.csv"));
  EXPECT_EQ(report["groups"], 8);  // by the first digit: that of n01443537 is 0
  for (const Json& c : report["models"][0]["classes"]) {
    EXPECT_EQ(c["support"], c["name"] == "ray" ? kKinds * kOfEach : 0U);
  }
}

TEST_F(Eval, WritesTheConfusionAsATable) {
  const auto result = eval({"--confusion", at("confusion.csv")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::ifstream file(at("confusion.csv"));
  std::string line;
  std::getline(file, line);
  EXPECT_THAT(line, HasSubstr("class,tench,goldfish,shark"));
  std::size_t counted = 0;
  while (std::getline(file, line)) {
    for (std::size_t at = line.find(','); at != std::string::npos; at = line.find(',', at + 1)) {
      counted += std::stoul(line.substr(at + 1));
    }
  }
  EXPECT_EQ(counted, kKinds * kOfEach);
}

TEST_F(Eval, RefusesWhatMakesNoSense) {
  const auto refused = [](const std::vector<std::string>& more, const std::string& why) {
    const auto result = eval(more);
    EXPECT_EQ(result.exit_code, 2) << why;
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused({"--maps", "rollout"}, "--maps with one model");
  refused({"-m", at("model"), "-m", at("other"), "--against", "f32"}, "--against with two models");
  refused({"-m", at("model"), "-m", at("other"), "-m", at("model")}, "the number of models is 3");
  refused({"--group-by", "("}, "--group-by is '('");
  refused({"--from", rows("model", "1"), "-t", "2"}, "--threads has no effect here");
  refused({"--from", at("labels.txt")}, "the number of rows is 0");
  refused({"--report", at("photos/shark/1.png")}, "shark/1.png");
  const std::string twice = at("twice.jsonl");
  write_text(twice, read_text(rows("model", "1")) + read_text(rows("model", "1")));
  refused({"--from", twice}, "has two rows");
  EXPECT_EQ(run_fovea({"eval"}).exit_code, 2);
  EXPECT_EQ(run_fovea({"eval", at("other/nothing")}).exit_code, 2);
  const auto elsewhere = run_fovea({"eval", at("model"), "--from", rows("model", "1")});
  EXPECT_EQ(elsewhere.exit_code, 2);
  EXPECT_THAT(elsewhere.err, HasSubstr("expected one below"));
}

TEST_F(Eval, ReadsTheRowsOfABatchWithoutItsPictures) {
  fs::copy(at("photos"), at("gone"), fs::copy_options::recursive);
  ASSERT_EQ(
      run_fovea({"batch", at("gone"), "-m", at("model"), "--labels", at("labels.txt"), "-o", at("out")}).exit_code, 0);
  const Json before = report_of({"--from", at("out/results.jsonl")}, 0, "gone");
  fs::remove_all(at("gone"));
  const Json after = report_of({"--from", at("out/results.jsonl")}, 0, "gone");
  EXPECT_EQ(before, after);
  EXPECT_TRUE(after["remarks"].empty());
  EXPECT_EQ(after["models"][0]["pictures"], kKinds * kOfEach);
}

TEST_F(Eval, SaysWhichPicturesTheRowsLack) {
  const std::string text = read_text(rows("model", "5"));
  write_text(at("some.jsonl"), text.substr(text.find('\n') + 1));
  const Json report = report_of({"--from", at("some.jsonl")});
  ASSERT_EQ(report["remarks"].size(), 1U);
  EXPECT_THAT(report["remarks"][0].get<std::string>(), HasSubstr("has no row of 1 of the pictures"));
}

}  // namespace
}  // namespace fovea::test
