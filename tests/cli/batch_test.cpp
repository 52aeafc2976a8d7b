#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <thread>

#include "base/files.hpp"
#include "report/files/documents.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

class BatchVerb : public ::testing::Test {
 protected:
  BatchVerb() { write_tiny_model_folder(folder_ / "model"); }
  void make_pictures(int count) const {
    for (int i = 0; i < count; ++i) write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 40, 50, i);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"batch", at("in"), "-o", at("out"), "-m", at("model"), "-q", "-f", "jsonl"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  [[nodiscard]] ProcessResult batch(std::vector<std::string> more = {}, const ProcessOptions& options = {}) const {
    return run_fovea(command(std::move(more)), options);
  }
  [[nodiscard]] nlohmann::json summary() const {
    return nlohmann::json::parse(read_text(folder_ / "out/summary.json"));
  }
  [[nodiscard]] std::vector<nlohmann::json> rows() const {
    ProcessResult file;
    file.out = read_text(folder_ / "out/results.jsonl");
    return file.json_lines();
  }
  /// Waits until the growing file of a run has so many rows.
  [[nodiscard]] bool has_rows(const Process& running, std::size_t count) const {
    bool alive = true;
    while (alive) {
      alive = running.is_running();  // asked first: what was written before the end counts
      if (std::filesystem::exists(folder_ / "out/results.jsonl")) {
        const std::string text = read_text(folder_ / "out/results.jsonl");
        if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= count) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  TempFolder folder_;
};

TEST_F(BatchVerb, MakesRowsTableOverlaysThumbnailsSummaryAndGallery) {
  make_pictures(3);
  write_picture(folder_ / "in/sub/deep.jpg", 60, 30);
  const auto result = batch();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto all = rows();
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(result.json_lines().size(), 5U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(all[i].at("index"), i);
    EXPECT_TRUE(std::filesystem::exists(folder_ / ("out/" + all[i].at("maps")[0].at("overlay").get<std::string>())));
    EXPECT_EQ(all[i].at("source").at("run").get<std::string>().size(), 16U);
  }
  EXPECT_EQ(all[3].at("maps")[0].at("overlay"), "overlays/sub/deep.jpg.rollout.png");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/thumbs/sub/deep.jpg.jpg"));
  EXPECT_EQ(all[4].at("type"), "summary");
  EXPECT_THAT(read_text(folder_ / "out/results.csv"), HasSubstr("index,path,"));
  EXPECT_THAT(read_text(folder_ / "out/index.html"), HasSubstr("thumbs/sub/deep.jpg.jpg"));
  EXPECT_EQ(summary().at("succeeded"), 4);
  EXPECT_EQ(summary().at("model").at("sha256").get<std::string>().size(), 64U);
}

TEST_F(BatchVerb, WhyWritesBothMapsOfEachPicture) {
  make_pictures(2);
  ASSERT_EQ(batch({"--why"}).exit_code, 0);
  for (const auto& row : {rows()[0], rows()[1]}) {
    ASSERT_EQ(row.at("maps").size(), 2U);
    EXPECT_EQ(row.at("maps")[0].at("method"), "rollout");
    EXPECT_EQ(row.at("maps")[1].at("method"), "libra");
    EXPECT_EQ(row.at("maps")[1].at("target").at("class_index"), row.at("predictions")[0].at("class_index"));
    for (const auto& map : row.at("maps")) {
      EXPECT_TRUE(std::filesystem::exists(folder_ / ("out/" + map.at("overlay").get<std::string>())));
    }
  }
  const auto rerun_with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), "--why");
    EXPECT_EQ(batch(std::move(more)).exit_code, 0);
    return summary().value("skipped", 0);
  };
  EXPECT_EQ(rerun_with({}), 2);
  EXPECT_EQ(rerun_with({"--gamma", "0.05"}), 0) << "another map";
}

TEST_F(BatchVerb, ASecondRunKeepsEverythingAndSaysTheSame) {
  make_pictures(4);
  const auto first = batch();
  const auto before = std::filesystem::last_write_time(folder_ / "out/overlays/0.png.rollout.png");
  const std::string rows_before = read_text(folder_ / "out/results.jsonl");
  const auto second = batch();
  EXPECT_EQ(second.out, first.out);
  EXPECT_EQ(summary().at("skipped"), 4);
  EXPECT_EQ(std::filesystem::last_write_time(folder_ / "out/overlays/0.png.rollout.png"), before);
  EXPECT_EQ(read_text(folder_ / "out/results.jsonl"), rows_before);
}

TEST_F(BatchVerb, OnlyWhatIsNewChangedFailedOrLostIsDoneAgain) {
  make_pictures(5);
  write_text(folder_ / "in/bad.png", "not yet");
  EXPECT_EQ(batch().exit_code, 1);
  write_picture(folder_ / "in/1.png", 44, 44, 9);                       // changed
  write_picture(folder_ / "in/bad.png", 40, 40);                        // repaired
  std::filesystem::remove(folder_ / "out/overlays/2.png.rollout.png");  // lost
  write_picture(folder_ / "in/a-new.png", 40, 40, 3);                   // new
  std::filesystem::remove(folder_ / "in/4.png");                        // gone
  EXPECT_EQ(batch().exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 2);  // 0 and 3
  const auto all = rows();
  ASSERT_EQ(all.size(), 7U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(all[i].at("index"), i);
}

TEST_F(BatchVerb, OtherOptionsAnotherModelOrFreshDoEverythingAgainAndThreadsDoNot) {
  make_pictures(3);
  ASSERT_EQ(batch().exit_code, 0);
  EXPECT_EQ(batch({"-t", "1", "--batch", "2"}).exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 3);
  EXPECT_EQ(batch({"--fresh"}).exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 0);
  EXPECT_EQ(batch({"--alpha", "0.3"}).exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 0);
  write_tiny_model_folder(folder_ / "model", 2);
  EXPECT_EQ(batch({"--alpha", "0.3"}).exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 0);
}

TEST_F(BatchVerb, WhatARunWroteBelowItsOutputFolderIsNoInput) {
  make_pictures(2);
  const std::vector<std::string> inside{"batch", at("in"), "-o", at("in/out"), "-m", at("model"), "-q", "-f", "jsonl"};
  EXPECT_EQ(run_fovea(inside).json_lines().size(), 3U);
  EXPECT_EQ(run_fovea(inside).json_lines().size(), 3U);
}

TEST_F(BatchVerb, AnInterruptKeepsWhatIsDoneAndTheNextRunGoesOn) {
  make_pictures(300);
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    std::filesystem::remove_all(folder_ / "out");
    Process running(command({"-t", "1", "--no-sync"}));  // which writes each row at once
    ASSERT_TRUE(has_rows(running, 5));
    running.send(signal);
    const auto stopped = running.wait();
    EXPECT_EQ(stopped.exit_code, code) << stopped.err;
    const auto kept = rows();
    ASSERT_GT(kept.size(), 5U);
    ASSERT_LT(kept.size(), 300U);
    EXPECT_EQ(kept.back().at("type"), "summary");
    EXPECT_EQ(summary().at("interrupted"), true);
    EXPECT_EQ(batch().exit_code, 0);
    EXPECT_EQ(rows().size(), 301U);
    EXPECT_EQ(summary().at("skipped"), kept.size() - 1);
  }
}

TEST_F(BatchVerb, AfterAKillEveryWholeRowCountsAndTheTornOneIsCut) {
  make_pictures(200);
  {
    Process running(command({"-t", "1", "--no-sync"}));  // which writes each row at once
    ASSERT_TRUE(has_rows(running, 5));
    running.send(SIGKILL);
    EXPECT_EQ(running.wait().signal, SIGKILL);
  }
  const std::string log = read_text(folder_ / "out/results.jsonl");
  const auto whole = std::count(log.begin(), log.end(), '\n');
  write_text(folder_ / "out/results.jsonl", log + "{\"schema\":1,\"type\":\"resu");
  EXPECT_EQ(batch().exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), whole);
  EXPECT_EQ(rows().size(), 201U);
}

TEST_F(BatchVerb, SavedLogitsSurviveAResumeOrAreDoneAgain) {
  make_pictures(4);
  const std::string file = at("out/logits.npy");
  ASSERT_EQ(batch({"--save-logits", file}).exit_code, 0);
  const auto before = parse_npy_f32(read_file(file), file);
  EXPECT_EQ(before.shape, (std::vector<std::size_t>{4, 5}));
  write_picture(folder_ / "in/00.png", 40, 50, 8);  // sorts between 0 and 1: the others move
  ASSERT_EQ(batch({"--save-logits", file}).exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 4);
  const auto after = parse_npy_f32(read_file(file), file);
  ASSERT_EQ(after.shape, (std::vector<std::size_t>{5, 5}));
  const auto all = rows();
  for (std::size_t i = 0; i < 5; ++i) {
    const auto best = std::max_element(after.values.begin() + static_cast<std::ptrdiff_t>(5 * i),
                                       after.values.begin() + static_cast<std::ptrdiff_t>(5 * i + 5));
    EXPECT_EQ(static_cast<std::size_t>(best - after.values.begin()) - 5 * i,
              all[i].at("predictions")[0].at("class_index").get<std::size_t>());
  }
  std::filesystem::remove(file);
  ASSERT_EQ(batch({"--save-logits", file}).exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 0);
  EXPECT_EQ(parse_npy_f32(read_file(file), file).values, after.values);
}

TEST_F(BatchVerb, AFileSizeLimitIsFatalAndTheRowsThatAreThereAreWhole) {
  make_pictures(3);
  write_picture(folder_ / "in/big.png", 900, 900, 1);
  ProcessOptions options;
  options.file_size_limit = 40'000;
  const auto result = batch({"-t", "1"}, options);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.signal, 0);
  EXPECT_THAT(result.err, HasSubstr("cannot be written"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/overlays/big.png.rollout.png"));
  for (const auto& row : rows()) EXPECT_EQ(row.at("type"), "result");
  EXPECT_EQ(rows().size(), 3U);
  EXPECT_EQ(batch().exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 3);
}

TEST_F(BatchVerb, AnOutputBelowARegularFileIsFatal) {
  make_pictures(1);
  write_text(folder_ / "file", "x");
  const auto result = run_fovea({"batch", at("in"), "-o", at("file/out"), "-m", at("model")});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("is a file, expected a folder"));
}

TEST_F(BatchVerb, AReaderThatLeavesDoesNotStopTheFiles) {
  make_pictures(60);
  ProcessOptions options;
  options.close_after = 1;
  const auto result = batch({}, options);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(rows().size(), 61U);
}

}  // namespace
}  // namespace fovea::test
