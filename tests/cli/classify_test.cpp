#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/files.hpp"
#include "report/files/documents.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string kSampleFolder = (source_dir() / "samples").string();

class Classify : public ::testing::Test {
 protected:
  Classify() { write_tiny_model_folder(folder_ / "model"); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  /// With the tiny model.
  [[nodiscard]] ProcessResult classify(std::vector<std::string> arguments, const ProcessOptions& options = {}) const {
    arguments.insert(arguments.begin(), {"classify", "-m", at("model")});
    return run_fovea(arguments, options);
  }
  TempFolder folder_;
};

TEST_F(Classify, TheDefaultModelNamesTheSamplesAsExpected) {
  const auto result = run_fovea({"classify", kSampleFolder, "-f", "json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, IsEmpty());
  const auto report = nlohmann::json::parse(result.out);
  std::ifstream stream(source_dir() / "samples/expected.json");
  const auto expected = nlohmann::json::parse(stream).at("results");
  ASSERT_EQ(report.at("results").size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& row = report.at("results")[i];
    EXPECT_THAT(row.at("path").get<std::string>(), ::testing::EndsWith(expected[i].at("file").get<std::string>()));
    EXPECT_EQ(row.at("index"), i);
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_EQ(row.at("predictions")[k].at("class_index"), expected[i].at("predictions")[k].at("class_index"));
      EXPECT_NEAR(row.at("predictions")[k].at("probability").get<double>(),
                  expected[i].at("predictions")[k].at("probability").get<double>(), 1e-4);
    }
    EXPECT_EQ(row.count("source"), 0U) << "only batch rows carry one";
  }
  EXPECT_EQ(report.at("summary").at("succeeded"), expected.size());
}

TEST_F(Classify, RowsAreTheSameBytesForAnyThreadsAndInInputOrderForAnyBatch) {
  for (int i = 0; i < 12; ++i) write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 20 + 3 * i, 50 - 2 * i, i);
  const auto first = classify({at("in"), "-f", "jsonl", "-t", "1"});
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(first.json_lines().size(), 13U);
  EXPECT_EQ(classify({at("in"), "-f", "jsonl", "-t", "4"}).out, first.out);
  const auto batched = classify({at("in"), "-f", "jsonl", "--batch", "5"}).json_lines();
  ASSERT_EQ(batched.size(), 13U);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(batched[i].at("path"), at("in/" + std::to_string(i) + ".png"));
    EXPECT_EQ(batched[i].at("predictions")[0].at("class_index"),
              first.json_lines()[i].at("predictions")[0].at("class_index"));
  }
}

TEST_F(Classify, StandardInputIsOnePicture) {
  ProcessOptions options;
  options.input = read_text(kSampleFolder + "/chelsea.jpg");
  const auto result = run_fovea({"classify", "-", "-k", "1", "-f", "jsonl"}, options);
  EXPECT_EQ(result.exit_code, 0);
  const auto row = result.json_lines().at(0);
  EXPECT_EQ(row.at("path"), "-");
  EXPECT_EQ(row.at("predictions")[0].at("label"), "Egyptian cat");
  EXPECT_EQ(row.at("predictions").size(), 1U);
}

TEST_F(Classify, ListsOfPathsComeFromAFileOrStandardInputWithLinesOrNuls) {
  write_picture(folder_ / "a.png", 40, 40);
  write_picture(folder_ / "b\nc.png", 40, 40);
  write_text(folder_ / "list", at("a.png") + "\n\n" + at("a.png") + "\n");
  EXPECT_EQ(classify({"--files-from", at("list"), "-f", "jsonl"}).json_lines().size(), 3U);
  ProcessOptions options;
  options.input = at("b\nc.png") + '\0' + at("a.png") + '\0';
  const auto rows = classify({"-0", "--files-from", "-", "-f", "jsonl"}, options).json_lines();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].at("path"), at("b\nc.png"));
}

TEST_F(Classify, OperandsThatLookLikeVerbsOptionsOrListsAreFiles) {
  for (const char* name : {"batch", "[a,b].png", "-k", "++"}) write_picture(folder_ / name, 40, 40);
  ProcessOptions options;
  options.folder = folder_.path();
  const auto result = classify({"batch", "[a,b].png", "++", "-f", "jsonl", "--", "-k", "batch"}, options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[1].at("path"), "[a,b].png");
  EXPECT_EQ(rows[3].at("path"), "-k");
}

TEST_F(Classify, RecursionIsAsked) {
  write_picture(folder_ / "in/a.png", 40, 40);
  write_picture(folder_ / "in/sub/b.png", 40, 40);
  EXPECT_EQ(classify({at("in"), "-f", "jsonl"}).json_lines().size(), 2U);
  EXPECT_EQ(classify({"-r", at("in"), "-f", "jsonl"}).json_lines().size(), 3U);
}

TEST_F(Classify, SavedLogitsHaveARowForEachInputAndNanWhereOneFailed) {
  write_picture(folder_ / "a.png", 40, 40);
  write_text(folder_ / "b.png", "no picture");
  const auto result = classify({at("a.png"), at("b.png"), "--save-logits", at("sub/l.npy"), "-k", "5", "-f", "jsonl"});
  EXPECT_EQ(result.exit_code, 1);
  const NpyArray logits = parse_npy_f32(read_file(folder_ / "sub/l.npy"), "l.npy");
  EXPECT_EQ(logits.shape, (std::vector<std::size_t>{2, 5}));
  double sum = 0;
  for (std::size_t c = 0; c < 5; ++c) sum += std::exp(static_cast<double>(logits.values[c]));
  const auto lines = result.json_lines();
  for (const auto& prediction : lines[0].at("predictions")) {
    const auto c = prediction.at("class_index").get<std::size_t>();
    EXPECT_NEAR(std::exp(static_cast<double>(logits.values[c])) / sum, prediction.at("probability").get<double>(),
                1e-6);
  }
  for (std::size_t c = 5; c < 10; ++c) EXPECT_TRUE(std::isnan(logits.values[c]));
}

TEST_F(Classify, AReportFileIsReplacedInOneStepAndNeverAnInput) {
  write_picture(folder_ / "a.png", 40, 40);
  write_text(folder_ / "out.csv", "old");
  EXPECT_EQ(classify({at("a.png"), "-f", "csv", "-o", at("out.csv")}).out, "");
  EXPECT_THAT(read_text(folder_ / "out.csv"), StartsWith("index,path,width,height,label1,probability1"));
  const std::string before = read_text(folder_ / "a.png");
  for (const char* flag : {"-o", "--save-logits"}) {
    const auto refused = classify({at("a.png"), flag, at("a.png")});
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("is the input"));
  }
  EXPECT_EQ(read_text(folder_ / "a.png"), before);
}

TEST_F(Classify, AReaderThatLeavesEndsItQuietly) {
  for (int i = 0; i < 200; ++i) write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 32, 32, i);
  ProcessOptions options;
  options.close_after = 1;
  const auto result = classify({at("in"), "-f", "jsonl"}, options);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.signal, 0);
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(Classify, AFullDeviceIsFatal) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  write_picture(folder_ / "a.png", 32, 32);
  ProcessOptions options;
  options.standard_output = "/dev/full";
  const auto result = classify({at("a.png")}, options);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("standard output: cannot be written"));
}

TEST_F(Classify, ColourComesWhenAskedForAndNeverIntoAPipe) {
  write_picture(folder_ / "a.png", 32, 32);
  EXPECT_EQ(classify({at("a.png")}).out.find('\x1b'), std::string::npos);
  EXPECT_NE(classify({at("a.png"), "--color", "always"}).out.find('\x1b'), std::string::npos);
}

TEST_F(Classify, VerboseSpeaksOfModelAndSpeedOnStandardErrorOnly) {
  write_picture(folder_ / "a.png", 32, 32);
  const auto plain = classify({at("a.png")});
  const auto verbose = classify({at("a.png"), "-v"});
  EXPECT_EQ(verbose.out, plain.out);
  EXPECT_THAT(verbose.err, HasSubstr("images/s"));
}

}  // namespace
}  // namespace fovea::test
