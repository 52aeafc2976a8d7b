// Ctrl-C and SIGTERM: every verb ends soon, with 130 or 143, whatever it is at; rows that are done stay.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/process/interrupt.hpp"
#include "pipeline/folder/scheduler.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::array kSignals{std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}};

class Signals : public ::testing::Test {
 protected:
  Signals() : sample_((source_dir() / "samples/chelsea.jpg").string()) {
    for (int i = 0; i < 400; ++i) {
      std::filesystem::create_directories(folder_ / "many");
      std::filesystem::create_symlink(sample_, folder_ / fmt::format("many/{}.jpg", i));
    }
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// Sends each signal `delay` after the program is ready for it and expects the verb to end because of it, far earlier
  /// than its work would.
  void expect_end(const std::vector<std::string>& arguments, std::chrono::milliseconds delay = 400ms,
                  const ProcessOptions& options = {}) const {
    for (const auto& [signal, code] : kSignals) {
      Process running(arguments, options);
      running.wait_until_it_catches(signal);
      std::this_thread::sleep_for(delay);
      ASSERT_TRUE(running.is_running()) << arguments.front();
      const auto sent = std::chrono::steady_clock::now();
      running.send(signal);
      const ProcessResult result = running.wait();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - sent;
      EXPECT_EQ(result.exit_code, code) << arguments.front() << ": " << result.err;
      EXPECT_LT(took.count(), 20.0) << arguments.front();  // a second, and what sanitizers and other work add
      EXPECT_THAT(result.err, Not(HasSubstr("error")));
      RecordProperty(arguments.front(), std::to_string(took.count()));
    }
  }

  TempFolder folder_;
  std::string sample_;
};

TEST_F(Signals, EndAVerbAmongItsRowsAndTheRowsBeforeStay) {
  for (const auto& [signal, code] : kSignals) {
    Process running({"classify", at("many"), "-f", "jsonl", "-q", "-o", at("rows.jsonl")});
    running.wait_until_it_catches(signal);
    std::this_thread::sleep_for(700ms);
    running.send(signal);
    EXPECT_EQ(running.wait().exit_code, code);
    ProcessResult file;
    file.out = read_text(folder_ / "rows.jsonl");
    const auto rows = file.json_lines();
    ASSERT_LT(rows.size(), 401U);
    EXPECT_EQ(rows.back().at("type"), "summary");
    EXPECT_EQ(rows.back().at("interrupted"), true);
    EXPECT_EQ(rows.back().at("failed"), 0);
    for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
      EXPECT_EQ(rows[i].at("index"), i);
      EXPECT_EQ(rows[i].at("type"), "result");
    }
  }
}

TEST_F(Signals, EndEveryVerbThatRunsPictures) {
  expect_end({"classify", at("many")});
  expect_end({"explain", at("many"), "-o", at("maps"), "--method", "generic"});
  expect_end({"explore", at("many"), "-o", at("page.html")});
  expect_end({"embed", at("many"), "-o", at("features.npy")});
  expect_end({"batch", at("many"), "-o", at("out"), "--fresh"});
  std::string table = "file_name,label\n";
  for (int i = 0; i < 400; ++i) table += fmt::format("{}.jpg,tabby\n", i);
  write_text(folder_ / "table.csv", table);
  expect_end({"eval", at("many"), "--label-table", at("table.csv"), "--report", at("report.html")});
  EXPECT_FALSE(std::filesystem::exists(at("report.html")));
}

TEST_F(Signals, EndTheRunsOfOneLongPictureWhichThenHasNoRow) {
  const std::vector<std::vector<std::string>> runs{
      {"--method", "rise", "--masks", "10000000"},
      {"--compare", "rollout,rise", "--masks", "10000000"},
      {"--keep", "0.7", "--sample", "--draws", "10000000"},
  };
  for (const auto& run : runs) {
    std::vector<std::string> arguments{"explain", sample_, "-o", at("maps"), "-f", "jsonl", "-q"};
    arguments.insert(arguments.end(), run.begin(), run.end());
    for (const auto& [signal, code] : kSignals) {
      Process running(arguments);
      running.wait_until_it_catches(signal);
      std::this_thread::sleep_for(700ms);
      running.send(signal);
      const ProcessResult result = running.wait();
      EXPECT_EQ(result.exit_code, code) << run.front();
      EXPECT_THAT(result.out, Not(HasSubstr("\"result\"")));
      EXPECT_THAT(result.out, Not(HasSubstr("\"error\"")));
    }
  }
}

TEST_F(Signals, EndBenchAndQuantizeWhichThenWriteNothing) {
  expect_end({"bench", "--seconds", "3000"});
  expect_end({"bench", "--folder", at("many"), "--seconds", "1"}, 1500ms);
  expect_end({"quantize", "vit_tiny_tin200", at("small.safetensors"), "--calibrate", at("many"), "--pictures", "400"});
  EXPECT_FALSE(std::filesystem::exists(at("small.safetensors")));
}

TEST_F(Signals, EndWhatWaitsForAStream) {
  ProcessOptions waiting;
  waiting.input_stays_open = true;
  expect_end({"classify", "-"}, 200ms, waiting);
  expect_end({"classify", "--files-from", "-"}, 200ms, waiting);
  if (sanitizers() == "thread")
    return;  // it runs handlers after the call that a signal comes in, here open(), which waits
  ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
  expect_end({"classify", "--files-from", at("fifo")}, 200ms);
  expect_end({"classify", sample_, "--labels", at("fifo")}, 400ms);
  expect_end({"classify", sample_, "--config", at("fifo")}, 200ms);
}

TEST_F(Signals, EndWhatNobodyReads) {
  if (sanitizers() == "thread") GTEST_SKIP() << "a handler runs after the call that its signal comes in, here write()";
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  ASSERT_GT(::fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
  ProcessOptions unread;
  unread.before_start = [&] { ::dup2(ends[1], STDOUT_FILENO); };
  expect_end({"classify", at("many"), "-f", "jsonl", "-q"}, 1500ms, unread);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(Signals, EndAVerbWheneverTheyCome) {
  for (const auto delay : {0ms, 5ms, 10ms, 20ms, 40ms, 80ms, 160ms}) {
    Process running({"classify", at("many"), "-f", "jsonl", "-q"});
    std::this_thread::sleep_for(delay);
    running.send(SIGINT);
    const ProcessResult result = running.wait();
    // Before the program's first line the system ends it, which a shell reports in the same way.
    EXPECT_TRUE(result.exit_code == 130 || result.signal == SIGINT) << delay.count() << " ms: " << result.exit_code;
  }
}

/// Two workers of which the second ignores interrupts, as a foreign library does.
void run_beside_a_foreign_library() {
  static std::atomic<bool> inside{false};
  const auto make = [](std::size_t) {
    WorkerSteps<int, int> steps;
    steps.prepare = [](std::size_t item) {
      if (item == 1) inside = true;
      if (item == 1) std::this_thread::sleep_for(1h);
      return static_cast<int>(item);
    };
    steps.infer = [](std::span<int>) {
      while (!inside) std::this_thread::yield();
      request_interrupt();
    };
    steps.render = [](int& job) { return job; };
    steps.fail = [](std::size_t item, const Failure&) { return static_cast<int>(item); };
    return steps;
  };
  run_batch<int, int>(
      2, {2, 1, 2}, make, [](std::size_t, int) {}, nullptr,
      [](std::size_t written) { std::_Exit(static_cast<int>(written)); });
}

TEST(GiveUp, IsToldHowManyRowsAreWrittenOnceAWorkerDoesNotAnswer) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(run_beside_a_foreign_library(), ::testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace fovea::test
