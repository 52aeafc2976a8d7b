// A batch in shards, and their merge: the bytes of one run, whatever dies on the way.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <regex>
#include <thread>

#include "support/sharded_batch.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(ShardedBatch, TogetherTheyAreTheRunWithoutShards) {
  make_pictures(6);
  write_picture(at("in/sub/deep.jpg"), 60, 30);
  write_picture(at("in/\xff.png"), 40, 48, 2);
  write_text(at("in/broken.png"), "no picture");
  EXPECT_EQ(all_shards(3), 1) << "the broken picture's shard";
  EXPECT_FALSE(fs::exists(at("out/results.jsonl"))) << "before the merge";
  const auto result = merge();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("3 shards, 8 done, 1 failed; look at "));
  expect_one_run();
  EXPECT_EQ(merge().exit_code, 0) << "again";
  expect_one_run();
}

TEST_F(ShardedBatch, AShardWithoutPicturesIsAShard) {
  make_pictures(1);
  EXPECT_EQ(all_shards(4), 0);
  EXPECT_EQ(merge().exit_code, 0);
  expect_one_run();
}

TEST_F(ShardedBatch, KilledAtAnyMomentAndRunAgainTheyAreTheSame) {
  make_pictures(150);
  std::mt19937 random(20);
  constexpr int kShards = 4;
  for (int round = 0; round < 3; ++round) {  // all at once, as a cluster runs them
    std::vector<std::unique_ptr<Process>> running;
    for (int i = 0; i < kShards; ++i) {
      running.push_back(std::make_unique<Process>(
          command({"--shard", std::to_string(i) + "/" + std::to_string(kShards), "--no-sync"})));
    }
    for (const auto& process : running) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 120));
      process->send(SIGKILL);
    }
    for (const auto& process : running) process->wait();
    const auto early = merge();
    EXPECT_TRUE(early.exit_code == 0 || early.exit_code == 1 || !fs::exists(at("out/run.json"))) << early.err;
  }
  EXPECT_EQ(all_shards(kShards), 0);
  EXPECT_EQ(merge().exit_code, 0);
  auto whole = folder_ / "whole";
  EXPECT_EQ(run_fovea(command({}, "whole")).exit_code, 0);
  for (const char* name : {"results.jsonl", "results.csv"}) {
    EXPECT_EQ(read_text(folder_ / "out" / name) == read_text(whole / name), true) << name;
  }
  EXPECT_EQ(files("out").size(), files("whole").size());
}

TEST_F(ShardedBatch, MissingShardsAreNamedAndNothingIsWritten) {
  make_pictures(8);
  ASSERT_EQ(shard("1/4").exit_code, 0);
  ASSERT_EQ(shard("3/4").exit_code, 0);
  fs::rename(at("out/shards/00003-of-00004/results.jsonl"), at("out/shards/00003-of-00004/results.jsonl.part"));
  const auto result = merge();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("3 of 4 shards have not ended: 0, 2, 3\n"));
  EXPECT_FALSE(fs::exists(at("out/results.jsonl")));
  const auto nothing = run_fovea({"merge", at("in")});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("run.json: no such file"));
}

TEST_F(ShardedBatch, AnotherRunInTheSameFolderIsRefusedAndNamed) {
  make_pictures(4);
  write_picture(at("other/5.png"), 40, 40, 5);
  ASSERT_EQ(shard("0/2").exit_code, 0);
  const auto before = files("out");
  for (const auto& [arguments, what] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--shard", "1/3"}, "the number of shards is 3, expected 2"},
           {{"--shard", "1/2", "--alpha", "0.3"}, "alpha is 0.3, expected 0.55"},
           {{"--shard", "1/2", at("other")}, "the SHA-256 of the PATHs"}}) {
    const auto result = run_fovea(command(arguments));
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr("run.json: " + what), HasSubstr("as the first shard had it")));
  }
  write_tiny_model_folder(folder_ / "model", 2);
  EXPECT_THAT(shard("1/2").err, HasSubstr("the model's SHA-256 is "));
  EXPECT_EQ(files("out"), before);
  EXPECT_FALSE(fs::exists(at("out/shards/00001-of-00002")));
  EXPECT_EQ(run_fovea({"batch", at("in"), "-o", at("new/out"), "-m", at("in"), "--shard", "0/2"}).exit_code, 3);
  EXPECT_FALSE(fs::exists(at("new"))) << "of a run that has not begun";
  EXPECT_EQ(shard("1/2", {"--append"}).exit_code, 2);
  EXPECT_EQ(shard("1/2", {"--save-logits", at("l.npy")}).exit_code, 2);
}

TEST_F(ShardedBatch, AFolderThatGrowsBetweenShardsIsNoticedAndTheShardsGoOn) {
  make_pictures(5);
  ASSERT_EQ(shard("0/2").exit_code, 0);
  write_picture(at("in/00.png"), 40, 40, 9);  // sorts second: the indices of most rows change
  ASSERT_EQ(shard("1/2").exit_code, 0);
  const auto result = merge();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("shard 1: saw 6 inputs, and shard 0 saw 5: the folder has changed"));
  EXPECT_EQ(all_shards(2), 0);
  EXPECT_EQ(merge().exit_code, 0);
  const auto summary = nlohmann::json::parse(read_text(at("out/summary.json")));
  EXPECT_GE(summary.at("skipped"), 5);
  EXPECT_EQ(run_fovea(command({}, "whole")).exit_code, 0);
  EXPECT_EQ(read_text(at("out/results.jsonl")), read_text(at("whole/results.jsonl")));
}

TEST_F(ShardedBatch, RowsTwiceLostFilesAndForeignShardsAreNoMerge) {
  make_pictures(6);
  ASSERT_EQ(all_shards(2), 0);
  const std::string rows = at("out/shards/00001-of-00002/results.jsonl");
  const std::string own = read_text(rows);
  write_text(rows, read_text(at("out/shards/00000-of-00002/results.jsonl")) + own);
  auto result = merge();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(" of shard 1 is shard 0's, too"));
  write_text(rows, own.substr(own.find('\n') + 1));
  result = merge();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no shard has row "));
  write_text(rows, own);
  write_text(at("out/overlays/3.png.rollout.png"), "cut");
  result = merge();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("overlays/3.png.rollout.png is gone or is not as it was written"));
  ASSERT_EQ(all_shards(2), 0) << "which mends it";
  EXPECT_EQ(merge().exit_code, 0);
  const std::string summary = at("out/shards/00001-of-00002/summary.json");
  write_text(summary, std::regex_replace(read_text(summary), std::regex(R"("run": "[0-9a-f]+")"), R"("run": "abc")"));
  result = merge();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("its run is abc, expected "));
}

TEST_F(ShardedBatch, RowsOfABatchWithoutShardsAreNotLost) {
  make_pictures(2);
  write_picture(at("single.png"), 40, 40, 7);
  ASSERT_EQ(run_fovea({"batch", at("single.png"), "-o", out(), "-m", at("model"), "-q"}).exit_code, 0);
  const std::string before = read_text(at("out/results.jsonl"));
  ASSERT_EQ(all_shards(2), 0);
  const auto result = merge();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("has a row of " + at("single.png")));
  EXPECT_EQ(read_text(at("out/results.jsonl")), before);
}

TEST_F(ShardedBatch, TheLockIsTheShards) {
  make_pictures(4);
  ASSERT_EQ(shard("0/2").exit_code, 0);
  const int held = ::open(at("out/shards/00000-of-00002/.fovea-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  EXPECT_EQ(shard("0/2").exit_code, 3);
  EXPECT_EQ(shard("1/2").exit_code, 0);
  ::close(held);
  EXPECT_EQ(shard("0/2").exit_code, 0);
}

}  // namespace
}  // namespace fovea::test
