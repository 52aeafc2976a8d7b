// Streams: lists, labels and configurations through pipes, lists of other systems, output that does not block.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

class Streams : public ::testing::Test {
 protected:
  Streams() {
    write_tiny_model_folder(folder_ / "model");
    for (const char* name : {"a.png", "b c.png", "d.png"}) write_picture(folder_ / name, 40, 40);
    options_.folder = folder_.path();
    options_.environment = {"FOVEA_MODEL=model"};
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  /// A FIFO that gives this text once.
  [[nodiscard]] std::thread give(const std::string& name, const std::string& text) const {
    EXPECT_EQ(::mkfifo(at(name).c_str(), 0600), 0);
    return std::thread([path = at(name), text] { write_text(path, text); });
  }
  [[nodiscard]] std::size_t pictures_in(const std::string& list, const std::vector<std::string>& more = {}) const {
    write_text(folder_ / "list", list);
    std::vector<std::string> arguments{"classify", "--files-from", "list", "-f", "jsonl"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = run_fovea(arguments, options_);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json_lines().size() - 1;
  }

  TempFolder folder_;
  ProcessOptions options_;
};

TEST_F(Streams, ListsLabelsAndConfigurationsMayBeFifosWhichAreReadOnce) {
  std::thread list = give("list", "a.png\nb c.png\n");
  std::thread labels = give("labels", "one\ntwo\nthree\nfour\nfive\n");
  std::thread config = give("config", "top-k = 2\n");
  const auto result = run_fovea({"batch", "--files-from", "list", "--labels", "labels", "--config", "config", "-o",
                                 "out", "--method", "generic", "-f", "jsonl"},
                                options_);
  for (std::thread* writer : {&list, &labels, &config}) writer->join();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].at("path"), "b c.png");
  EXPECT_EQ(rows[1].at("predictions").size(), 2U);
  EXPECT_THAT((std::vector<std::string>{"one", "two", "three", "four", "five"}),
              ::testing::Contains(rows[1].at("predictions")[0].at("label").get<std::string>()));
}

TEST_F(Streams, TheShellsSubstitutionsWork) {
  if (!std::filesystem::exists("/bin/bash")) GTEST_SKIP() << "no bash";
  Process bash({"-c", program_path().string() +
                          " classify -q -f jsonl --files-from <(printf 'a.png\\nd.png\\n') --config <(echo 'top-k = 1')"
                          " --labels <(printf '%s\\n' v w x y z)"},
               options_, "/bin/bash");
  const auto result = bash.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json_lines().size(), 3U);
  Process nul({"-c", program_path().string() + " classify -q -f jsonl -0 --files-from <(printf 'a.png\\0d.png\\0')"},
              options_, "/bin/bash");
  EXPECT_EQ(nul.wait().json_lines().size(), 3U);
}

TEST_F(Streams, ListsOfOtherSystemsAreRead) {
  EXPECT_EQ(pictures_in("a.png\r\nb c.png\r\nd.png\r\n"), 3U);
  EXPECT_EQ(pictures_in("a.png\r\nb c.png\r\nd.png"), 3U);
  EXPECT_EQ(pictures_in("\xEF\xBB\xBF"
                        "a.png\nd.png\n"),
            2U);
  EXPECT_EQ(pictures_in("\xEF\xBB\xBF"
                        "a.png\r\nd.png\r\n"),
            2U);
  EXPECT_EQ(pictures_in(std::string("a.png\0d.png\0", 12), {"-0"}), 2U);
  write_picture(folder_ / "e\r", 40, 40);  // a name may end so where other lines do not
  EXPECT_EQ(pictures_in("a.png\ne\r\n"), 2U);
}

TEST_F(Streams, ListsThatCannotBeMeantAreExitTwoOrNamed) {
  write_text(folder_ / "list", std::string("a.png\0d.png\0", 12));
  const auto nul = run_fovea({"classify", "--files-from", "list"}, options_);
  EXPECT_EQ(nul.exit_code, 2);
  EXPECT_THAT(nul.err, HasSubstr("-0 reads lists"));
  ProcessOptions piped = options_;
  piped.input = std::string("a.png\0d.png\0", 12);
  EXPECT_EQ(run_fovea({"classify", "--files-from", "-"}, piped).exit_code, 2);
  write_text(folder_ / "list", std::string("\xFF\xFE"
                                           "a\0.\0",
                                           6));
  EXPECT_THAT(run_fovea({"classify", "--files-from", "list"}, options_).err, HasSubstr("UTF-16, expected UTF-8"));
}

TEST_F(Streams, APictureOnStandardInputIsBoundedByItsPixels) {
  ProcessOptions piped = options_;
  piped.input = std::string(1'100'000, 'x');
  const auto result = run_fovea({"classify", "-", "--max-pixels", "1000", "-f", "jsonl"}, piped);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.json_lines().at(0).at("code"), "too_large");
  piped.input.resize(900'000);
  EXPECT_EQ(run_fovea({"classify", "-", "--max-pixels", "1000", "-f", "jsonl"}, piped).json_lines().at(0).at("code"),
            "decode");
}

TEST_F(Streams, WhatNeverEndsIsNotRead) {
  EXPECT_NE(run_fovea({"classify", "--files-from", "/dev/zero"}, options_).exit_code, 0);
}

TEST_F(Streams, OutputThatDoesNotBlockIsWaitedForAndInputThatDoesNotIs) {
  ProcessOptions plain = options_;
  const std::vector<std::string> command{"inspect", "vit_tiny_tin200", "-f", "json", "-v"};
  const std::string expected = run_fovea(command, plain).out;
  ASSERT_GT(expected.size(), 20'000U);
  ProcessOptions limp = options_;
  limp.before_start = [] {
    ::fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 4096);
    for (const int stream : {0, 1, 2}) ::fcntl(stream, F_SETFL, ::fcntl(stream, F_GETFL) | O_NONBLOCK);
  };
  const auto result = run_fovea(command, limp);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, expected);
  limp.input = read_text(folder_ / "a.png");
  EXPECT_EQ(run_fovea({"classify", "-", "-f", "jsonl"}, limp).exit_code, 0);
}

}  // namespace
}  // namespace fovea::test
