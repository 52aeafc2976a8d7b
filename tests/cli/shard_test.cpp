// A batch in shards, and their merge: the bytes of one run, whatever dies on the way.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <thread>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;

/// The text without what says how long the work took.
std::string without_times(const std::string& text) {
  static const std::regex kTimes(R"re("(seconds|images_per_second)": ?[0-9.e+-]+)re");
  return std::regex_replace(text, kTimes, "\"$1\":0");
}

class ShardedBatch : public ::testing::Test {
 protected:
  ShardedBatch() { write_tiny_model_folder(folder_ / "model"); }
  void make_pictures(int count) const {
    for (int i = 0; i < count; ++i) write_picture(at("in/" + std::to_string(i) + ".png"), 40, 50, i);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string out() const { return at("out"); }
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& more,
                                                 const std::string& out = "out") const {
    std::vector<std::string> arguments{"batch", at("in"), "-o", at(out), "-m", at("model"), "-q", "-t", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  [[nodiscard]] ProcessResult shard(const std::string& shard, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"--shard", shard});
    return run_fovea(command(more));
  }
  /// @return  the highest exit code
  int all_shards(int count) const {
    int code = 0;
    for (int i = 0; i < count; ++i) {
      code = std::max(code, shard(std::to_string(i) + "/" + std::to_string(count)).exit_code);
    }
    return code;
  }
  [[nodiscard]] ProcessResult merge() const { return run_fovea({"merge", out()}); }
  [[nodiscard]] std::map<std::string, std::string> files(const std::string& out) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / out)) {
      const std::string name = entry.path().lexically_relative(folder_ / out).string();
      if (entry.is_regular_file() && !name.starts_with("shards/") && name != "run.json") {
        files[name] = without_times(read_text(entry.path()));
      }
    }
    return files;
  }
  /// The merged folder has the files and bytes of one run over the same pictures.
  void expect_one_run() const {
    fs::remove_all(folder_ / "whole");
    EXPECT_LE(run_fovea(command({}, "whole")).exit_code, 1);
    const auto whole = files("whole");
    const auto merged = files("out");
    EXPECT_EQ(whole.size(), merged.size());
    for (const auto& [name, content] : whole) {
      ASSERT_TRUE(merged.contains(name)) << name;
      EXPECT_EQ(merged.at(name) == content, true) << name;
    }
  }
  TempFolder folder_;
};

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
  EXPECT_THAT(result.err, HasSubstr("a row is of " + at("single.png")));
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

/// What the scheduler says, and the shard's folder or a part of the error.
struct Scheduled {
  std::vector<std::string> environment;
  std::vector<std::string> arguments;
  std::string expected;
};

TEST_F(ShardedBatch, TheSchedulerIsAskedOnlyWhereAutoIsGiven) {
  make_pictures(1);
  const std::vector<std::string> slurm{"SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_MAX=9",
                                       "SLURM_ARRAY_TASK_STEP=2", "SLURM_ARRAY_TASK_COUNT=5"};
  const std::vector<std::string> gaps{"SLURM_ARRAY_TASK_ID=3", "SLURM_ARRAY_TASK_MIN=3", "SLURM_ARRAY_TASK_MAX=7",
                                      "SLURM_ARRAY_TASK_COUNT=2"};
  const std::vector<std::string> kubernetes{"JOB_COMPLETION_INDEX=2"};
  const std::vector<Scheduled> all{
      {slurm, {"--shard", "auto"}, "00003-of-00005"},
      {slurm, {"--shard", "1/2"}, "00001-of-00002"},
      {gaps, {"--shard", "auto"}, "have gaps"},
      {gaps, {"--shard", "auto", "--shards", "16"}, "00003-of-00016"},
      {kubernetes, {"--shard", "auto", "--shards", "3"}, "00002-of-00003"},
      {kubernetes, {"--shard", "auto"}, "--shards is missing"},
      {kubernetes, {"--shard", "auto", "--shards", "2"}, "JOB_COMPLETION_INDEX 2: the shard is 2, expected 0 to 1"},
      {{"JOB_COMPLETION_INDEX=x"}, {"--shard", "auto", "--shards", "2"}, "is x, expected a whole number"},
      {{"SLURM_ARRAY_TASK_ID=1", "JOB_COMPLETION_INDEX=1"}, {"--shard", "auto"}, "are both set"},
      {{}, {"--shard", "auto"}, "neither SLURM_ARRAY_TASK_ID nor"},
      {{}, {"--shard", "2/2"}, "--shard 2/2: the shard is 2, expected 0 to 1"},
      {{}, {"--shard", "0/0"}, "--shard 0/0: the number of shards is 0, expected 1 to 100000"},
      {{}, {"--shard", "-1/2"}, "expected I/N or auto"},
      {{}, {"--shard", "0/2", "--shards", "2"}, "--shard auto"},
  };
  for (const Scheduled& one : all) {
    fs::remove_all(out());
    ProcessOptions options;
    options.environment = one.environment;
    const auto result = run_fovea(command(one.arguments), options);
    if (result.exit_code == 0) {
      EXPECT_TRUE(fs::exists(folder_ / "out/shards" / one.expected / "results.jsonl")) << one.expected;
    } else {
      EXPECT_EQ(result.exit_code, 2);
      EXPECT_THAT(result.err, HasSubstr(one.expected));
      EXPECT_FALSE(fs::exists(out())) << one.expected;
    }
  }
  ProcessOptions options;
  options.environment = slurm;
  options.environment.emplace_back("FOVEA_SHARD=0/2");
  fs::remove_all(out());
  EXPECT_EQ(run_fovea(command({}), options).exit_code, 0);
  EXPECT_TRUE(fs::exists(at("out/results.jsonl")));
}

/// The job files of tools/examples, run as their scheduler would.
class JobFile : public ShardedBatch {
 protected:
  JobFile() {
    make_pictures(20);
    write_text(at("in/broken.png"), "no picture");
  }
  void run(const std::vector<std::string>& arguments, const std::string& program,
           std::vector<std::string> environment) const {
    environment.push_back("PATH=" + program_path().parent_path().string() + ":/usr/bin:/bin");
    environment.push_back("FOVEA_MODEL=" + at("model"));
    environment.push_back("FOVEA_THREADS=1");
    ProcessOptions options;
    options.environment = std::move(environment);
    const auto result = Process(arguments, options, program).wait();
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  [[nodiscard]] static std::string number_after(const std::string& text, const std::string& key) {
    std::smatch found;
    return std::regex_search(text, found, std::regex(key + "([0-9]+)")) ? found[1].str() : "";
  }
};

TEST_F(JobFile, SlurmsRunsEachTaskOfItsArray) {
  const fs::path file = source_dir() / "tools/examples/fovea.sbatch";
  const std::string text = read_text(file);
  const std::string last = number_after(text, "#SBATCH --array=0-");
  EXPECT_EQ(number_after(text, "--shards "), std::to_string(std::stoi(last) + 1));
  for (int task = 0; task <= std::stoi(last); ++task) {
    run({file.string()}, "/bin/bash",
        {"PICTURES=" + at("in"), "OUT=" + out(), "SLURM_CPUS_PER_TASK=1", "SLURM_ARRAY_TASK_MIN=0",
         "SLURM_ARRAY_TASK_MAX=" + last, "SLURM_ARRAY_TASK_ID=" + std::to_string(task)});
  }
  EXPECT_EQ(merge().exit_code, 0);
}

TEST_F(JobFile, KubernetesRunsEachIndexOfItsJob) {
  const std::string text = read_text(source_dir() / "tools/examples/fovea-job.yaml");
  const std::string count = number_after(text, "completions: ");
  EXPECT_EQ(number_after(text, "--shards "), count);
  const std::size_t begin = text.find("command: ") + std::string("command: ").size();
  auto words =
      nlohmann::json::parse(text.substr(begin, text.find('\n', begin) - begin)).get<std::vector<std::string>>();
  words.back() = std::regex_replace(words.back(), std::regex("/pictures"), at("in"));
  words.back() = std::regex_replace(words.back(), std::regex("/out"), out());
  for (int index = 0; index < std::stoi(count); ++index) {
    run({words.begin() + 1, words.end()}, words.front(), {"JOB_COMPLETION_INDEX=" + std::to_string(index)});
  }
  EXPECT_EQ(merge().exit_code, 0);
}

}  // namespace
}  // namespace fovea::test
