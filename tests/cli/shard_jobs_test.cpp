// Shards as schedulers start them: what --shard auto reads, and the job files of tools/examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <utility>

#include "support/sharded_batch.hpp"
#include "support/shared.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

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
