// A batch over what an earlier one left: what counts as done, whose rows stay, and one run at a time.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ResumedBatch : public ::testing::Test {
 protected:
  ResumedBatch() { write_tiny_model_folder(folder_ / "model"); }
  void make_pictures(const std::string& in, int count) const {
    for (int i = 0; i < count; ++i) write_picture(folder_ / in / (in + std::to_string(i) + ".png"), 40, 50, i);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& inputs,
                                                 const std::vector<std::string>& more = {},
                                                 const std::string& out = "out") const {
    std::vector<std::string> arguments{"batch", "-o", at(out), "-m", at("model"), "-q", "-f", "jsonl"};
    for (const std::string& input : inputs) arguments.push_back(at(input));
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  [[nodiscard]] ProcessResult batch(const std::vector<std::string>& inputs,
                                    const std::vector<std::string>& more = {}) const {
    return run_fovea(command(inputs, more));
  }
  [[nodiscard]] nlohmann::json summary() const {
    return nlohmann::json::parse(read_text(folder_ / "out/summary.json"));
  }
  /// The file names of the rows' pictures, in order.
  [[nodiscard]] std::vector<std::string> row_names() const {
    ProcessResult file;
    file.out = read_text(folder_ / "out/results.jsonl");
    std::vector<std::string> names;
    for (const auto& row : file.json_lines()) {
      if (row.at("type") == "summary") continue;
      EXPECT_EQ(row.at("index"), names.size());
      names.push_back(fs::path(row.at("path").get<std::string>()).filename());
    }
    return names;
  }
  /// What does not change from run to run: all files but the summary and the page, which say how long it took.
  [[nodiscard]] std::map<std::string, std::string> results(const std::string& out = "out") const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / out)) {
      const std::string name = entry.path().lexically_relative(folder_ / out).string();
      if (entry.is_regular_file() && name != "summary.json" && name != "index.html")
        files[name] = read_text(entry.path());
    }
    return files;
  }
  TempFolder folder_;
};

TEST_F(ResumedBatch, RowsOfOtherInputsAreNotLost) {
  make_pictures("a", 3);
  make_pictures("b", 2);
  ASSERT_EQ(batch({"a"}).exit_code, 0);
  const auto before = results();
  for (const std::vector<std::string>& inputs : {std::vector<std::string>{"b"}, {"a/a0.png"}, {"a/a0.png", "b"}}) {
    const auto other = batch(inputs);
    EXPECT_EQ(other.exit_code, 2) << other.err;
    EXPECT_THAT(other.err, AllOf(HasSubstr("--append"), HasSubstr("--fresh")));
    EXPECT_THAT(other.out, "");
    EXPECT_EQ(results(), before);
  }
  fs::rename(folder_ / "a", folder_ / "unmounted");  // gone, but not from below the arguments
  EXPECT_EQ(batch({"b"}).exit_code, 2);
  fs::rename(folder_ / "unmounted", folder_ / "a");
  EXPECT_EQ(batch({"b"}, {"--fresh", "--append"}).exit_code, 2);
  EXPECT_EQ(results(), before);
  EXPECT_EQ(batch({"b"}, {"--fresh"}).exit_code, 0);
  EXPECT_THAT(row_names(), ElementsAre("b0.png", "b1.png"));
}

TEST_F(ResumedBatch, ASubFolderThatIsNoLongerReadIsNotGone) {
  make_pictures("a", 1);
  write_picture(folder_ / "a/sub/deep.png", 40, 50);
  ASSERT_EQ(batch({"a"}).exit_code, 0);
  EXPECT_EQ(batch({"a"}, {"--no-recurse"}).exit_code, 2);
  EXPECT_THAT(row_names(), ElementsAre("a0.png", "deep.png"));
  EXPECT_EQ(batch({"a"}, {"--no-recurse", "--append"}).exit_code, 0);
  EXPECT_THAT(row_names(), ElementsAre("a0.png", "deep.png"));
}

TEST_F(ResumedBatch, AppendNumbersNewInputsAfterTheOldOnes) {
  make_pictures("a", 3);
  make_pictures("b", 2);
  write_text(folder_ / "a/a9.png", "no picture");
  ASSERT_EQ(batch({"a"}, {"--save-logits", at("logits.npy")}).exit_code, 1);
  const auto before = results();
  ASSERT_EQ(batch({"b"}, {"--append", "--save-logits", at("logits.npy")}).exit_code, 1) << "a9 is still no picture";
  EXPECT_THAT(row_names(), ElementsAre("a0.png", "a1.png", "a2.png", "a9.png", "b0.png", "b1.png"));
  EXPECT_EQ(summary().at("skipped"), 4);
  EXPECT_EQ(summary().at("succeeded"), 5);
  for (const auto& [name, content] : before) {
    if (name.starts_with("overlays/") || name.starts_with("thumbs/")) {
      EXPECT_EQ(results().at(name), content) << name;
    }
  }
  write_picture(folder_ / "a/a00.png", 40, 50, 7);  // sorts first, and is new: it comes last
  write_picture(folder_ / "a/a1.png", 40, 50, 8);   // changed: done again in its place
  ASSERT_EQ(batch({"a"}, {"--append", "--save-logits", at("logits.npy")}).exit_code, 1);
  EXPECT_THAT(row_names(), ElementsAre("a0.png", "a1.png", "a2.png", "a9.png", "b0.png", "b1.png", "a00.png"));
  EXPECT_EQ(summary().at("skipped"), 4) << "a0, a2, b0, b1";
  EXPECT_THAT(read_text(folder_ / "out/index.html"), AllOf(HasSubstr("a00.png"), HasSubstr("b1.png")));
}

TEST_F(ResumedBatch, AppendRefusesAnInputThatWouldBeWrittenOverAnOldOnesFiles) {
  write_picture(folder_ / "a/same.png", 40, 50, 1);
  write_picture(folder_ / "b/same.png", 40, 50, 2);
  ASSERT_EQ(batch({"a"}).exit_code, 0);
  const auto before = results();
  const auto result = batch({"b"}, {"--append"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("would both be written to"));
  EXPECT_EQ(results(), before);
}

TEST_F(ResumedBatch, RowsOfDeletedInputsGoAndAreCounted) {
  make_pictures("a", 4);
  make_pictures("b", 1);
  ASSERT_EQ(batch({"a", "b"}).exit_code, 0);
  EXPECT_EQ(summary().at("removed"), 0);
  fs::remove(folder_ / "a/a1.png");
  fs::remove(folder_ / "b/b0.png");  // `b` is now an empty argument
  auto arguments = command({"a", "b"});
  std::erase(arguments, "-q");
  const auto result = run_fovea(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 removed"));
  EXPECT_EQ(summary().at("removed"), 2);
  EXPECT_EQ(summary().at("skipped"), 3);
  EXPECT_THAT(row_names(), ElementsAre("a0.png", "a2.png", "a3.png"));
}

TEST_F(ResumedBatch, AnotherSpellingOfAnArgumentIsTheSameArgument) {
  make_pictures("a", 2);
  ASSERT_EQ(batch({"a"}).exit_code, 0);
  fs::create_directory_symlink("a", folder_ / "link");
  for (const char* spelling : {"./a", "a/", "model/../a", "link"}) {
    EXPECT_EQ(batch({spelling}).exit_code, 0) << spelling;
    EXPECT_THAT(row_names(), ElementsAre("a0.png", "a1.png")) << spelling;
  }
  fs::remove(folder_ / "a/a1.png");
  EXPECT_EQ(batch({"a/../a"}).exit_code, 0);
  EXPECT_THAT(row_names(), ElementsAre("a0.png"));
  EXPECT_EQ(summary().at("removed"), 1);
}

TEST_F(ResumedBatch, AClaimedFileThatIsMissingCutOrGrownIsMadeAgain) {
  make_pictures("a", 6);
  const std::vector<std::string> options{"--save-map", "--panel"};
  ASSERT_EQ(batch({"a"}, options).exit_code, 0);
  const auto before = results();
  const auto row = nlohmann::json::parse(before.at("results.jsonl").substr(0, before.at("results.jsonl").find('\n')));
  const auto files = row.at("source").at("files");
  EXPECT_EQ(files.size(), 4U);
  for (const auto& [name, bytes] : files.items()) EXPECT_EQ(before.at(name).size(), bytes.get<std::size_t>()) << name;
  fs::remove(folder_ / "out/thumbs/a0.png.jpg");
  fs::resize_file(folder_ / "out/overlays/a1.png.rollout.png", 10);
  fs::resize_file(folder_ / "out/overlays/a2.png.rollout.npy", 0);
  write_text(folder_ / "out/overlays/a3.png.panel.png", before.at("overlays/a3.png.panel.png") + "x");
  ASSERT_EQ(batch({"a"}, options).exit_code, 0);
  EXPECT_EQ(summary().at("skipped"), 2);
  EXPECT_EQ(results(), before);
}

TEST_F(ResumedBatch, ASecondRunIsRefusedWhileTheFirstOneWrites) {
  make_pictures("a", 1500);
  Process first(command({"a"}, {"-t", "1"}));
  while (first.is_running() && !fs::exists(folder_ / "out/results.jsonl")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const auto second = batch({"a"});
  EXPECT_EQ(second.exit_code, 3) << second.err;
  std::string host(256, '\0');
  ::gethostname(host.data(), host.size());
  EXPECT_THAT(second.err,
              AllOf(HasSubstr(std::string("host ") + host.c_str()), HasSubstr("process "), HasSubstr("--share")));
  EXPECT_EQ(second.out, "");
  EXPECT_EQ(batch({"a"}, {"--share"}).exit_code, 0);
  first.send(SIGKILL);
  first.wait();
  EXPECT_EQ(batch({"a"}).exit_code, 0) << "the lock has died with its holder";
  EXPECT_FALSE(fs::exists(folder_ / "out/.fovea-lock"));
  EXPECT_EQ(row_names().size(), 1500U);
}

TEST_F(ResumedBatch, RunsThatAreKilledAtAnyMomentAndGoOnMakeTheSameBytes) {
  make_pictures("a", 600);
  std::mt19937 random(7);
  for (const char* sync : {"", "--no-sync"}) {
    std::vector<std::string> options{"-t", "1"};
    if (*sync != '\0') options.emplace_back(sync);
    ASSERT_EQ(run_fovea(command({"a"}, options, "whole")).exit_code, 0);
    for (int kill = 0; kill < 6; ++kill) {
      Process running(command({"a"}, options));
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1000));
      running.send(SIGKILL);
      running.wait();
      const std::string log = fs::exists(folder_ / "out/results.jsonl") ? read_text(folder_ / "out/results.jsonl") : "";
      std::size_t pictures = 0;
      if (fs::exists(folder_ / "out/thumbs")) {
        for (const auto& entry : fs::directory_iterator(folder_ / "out/thumbs")) {
          if (entry.path().extension() == ".jpg") ++pictures;
        }
      }
      constexpr std::size_t kInWork = 8;  // workers' rounds of slack
      EXPECT_LE(pictures, static_cast<std::size_t>(std::count(log.begin(), log.end(), '\n')) + 256 + kInWork);
    }
    EXPECT_EQ(run_fovea(command({"a"}, options)).exit_code, 0);
    const auto whole = results("whole");
    const auto resumed = results();
    ASSERT_EQ(resumed.size(), whole.size());
    for (const auto& [name, content] : whole) EXPECT_EQ(resumed.at(name) == content, true) << name;
    fs::remove_all(folder_ / "out");
    fs::remove_all(folder_ / "whole");
  }
}

}  // namespace
}  // namespace fovea::test
