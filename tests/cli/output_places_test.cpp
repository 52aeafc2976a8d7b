// Outputs that are refused, the sooner the better, and what one picture's output may not do to the others.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "support/output_commands.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using OutputPlaces = OutputCommands;

/// A command with an output that is something it reads, under other names of the same file.
TEST_F(OutputPlaces, NoneIsAFileThatTheRunReads) {
  const std::string in = at("in");
  const std::string model = at("model");
  const std::string picture = at("in/0.png");
  const std::vector<std::pair<std::string, std::vector<std::string>>> commands{
      {picture, {"classify", in, "-m", model, "-o"}},
      {picture, {"classify", picture, "-m", model, "--save-logits"}},
      {at("list"), {"classify", "--files-from", at("list"), "-m", model, "-o"}},
      {at("labels.txt"), {"classify", in, "-m", model, "--labels", at("labels.txt"), "-o"}},
      {at("fovea.toml"), {"classify", in, "-m", model, "--config", at("fovea.toml"), "-o"}},
      {at("model/model.safetensors"), {"classify", in, "-m", model, "-o"}},
      {at("model/config.json"), {"classify", in, "-m", at("model/model.safetensors"), "-o"}},
      {at("model/config.json"), {"explore", in, "-m", model, "-o"}},
      {picture, {"explore", in, "-m", model, "-o"}},
      {at("model/model.safetensors"), {"embed", in, "-m", model, "-o"}},
      {picture, {"bench", picture, "-m", model, "--svg"}},
      {picture, {"bench", "--folder", in, "-m", model, "--svg"}},
      {at("model/config.json"), {"bench", "-m", model, "--svg"}},
      {picture, {"doctor", model, picture, "--dump-pixels"}},
      {at("model/config.json"), {"doctor", model, picture, "--dump-input"}},
      {at("model/model.safetensors"), {"quantize", model, "--to", "bf16"}},
      {at("model/config.json"), {"batch", in, "-m", model, "-o", at("out"), "--save-logits"}},
      {at("labels.txt"), {"batch", in, "-m", model, "--labels", at("labels.txt"), "-o", at("out"), "--save-logits"}},
  };
  for (const auto& [file, command] : commands) {
    const std::string before = read_text(file);
    const bool features = command.front() == "embed" || command.front() == "quantize";
    const std::string link = at(features ? "link.safetensors" : "link");
    const std::string hard = at(features ? "hard.safetensors" : "hard");
    fs::remove(link);
    fs::remove(hard);
    fs::create_symlink(file, link);
    fs::create_hard_link(file, hard);
    for (const std::string& name : {file, link, hard}) {
      if (features && !name.ends_with(".safetensors")) continue;
      std::vector<std::string> arguments = command;
      arguments.push_back(name);
      const auto result = run_fovea(arguments);
      EXPECT_EQ(result.exit_code, 2) << command.front() << " " << name << result.err;
      EXPECT_THAT(result.err, HasSubstr("output is the ")) << command.front();
      EXPECT_THAT(result.out, IsEmpty());
      EXPECT_EQ(read_text(file), before) << name;
    }
    EXPECT_FALSE(fs::exists(folder_ / "out")) << "nothing is written";
  }
}

TEST_F(OutputPlaces, NoneIsThePictureThatStandardInputIsReadFrom) {
  const std::string before = read_text(at("in/0.png"));
  for (const char* script :
       {"\"$0\" classify - -m \"$1\" -o \"$2\" < \"$2\"", "\"$0\" classify -m \"$1\" - < \"$2\" >> \"$2\"",
        "\"$0\" classify -m \"$1\" \"$2\" >> \"$2\""}) {
    const auto result = shell(script, {at("model"), at("in/0.png")});
    EXPECT_EQ(result.exit_code, 2) << script << result.err;
    EXPECT_EQ(read_text(at("in/0.png")), before) << script;
  }
}

TEST_F(OutputPlaces, NoneIsAMountOfAFileThatTheRunReadsOrOfAnother) {
  const std::string mounted = "unshare -m sh -c 'touch \"$4\" && mount --bind \"$3\" \"$4\" && ";
  if (shell(mounted + "true' \"$0\" \"$0\" \"$1\" \"$2\" \"$3\"", {"", at("in/0.png"), at("probe")}).exit_code != 0) {
    GTEST_SKIP() << "only root may mount";
  }
  const auto classify = [&](const std::string& what) {
    return shell(mounted + "\"$1\" classify \"$2\" -m \"$5\" -o \"$4\"' x \"$0\" \"$1\" \"$2\" \"$3\" \"$4\"",
                 {at("in"), at(what), at("mount"), at("model")});
  };
  const std::string picture = read_text(at("in/0.png"));
  const auto input = classify("in/0.png");
  EXPECT_EQ(input.exit_code, 2) << input.err;
  EXPECT_THAT(input.err, HasSubstr("is the input"));
  EXPECT_EQ(read_text(at("in/0.png")), picture);
  write_text(folder_ / "other", "old");
  const auto other = classify("other");
  EXPECT_EQ(other.exit_code, 3) << other.err;
  EXPECT_THAT(other.err, AllOf(HasSubstr("is a mount of its own"), HasSubstr("mount the folder")));
  EXPECT_THAT(other.out, IsEmpty()) << "found before the work";
  EXPECT_EQ(read_text(at("other")), "old");
}

TEST_F(OutputPlaces, TwoOutputsAreTwoFiles) {
  const std::string in = at("in");
  const std::vector<std::vector<std::string>> commands{
      {"classify", in, "-m", at("model"), "-o", at("x"), "--save-logits", at("x")},
      {"classify", in, "-m", at("model"), "-o", at("x"), "--save-logits", at("./in/../x")},
      {"doctor", at("model"), at("in/0.png"), "--dump-input", at("x"), "--dump-pixels", at("x")},
      {"batch", in, "-m", at("model"), "-o", at("out"), "--save-logits", at("out/results.csv")}};
  for (const auto& command : commands) {
    const auto result = run_fovea(command);
    EXPECT_EQ(result.exit_code, 2) << command.front() << result.err;
    EXPECT_THAT(result.err, HasSubstr("is the place of two outputs"));
    EXPECT_FALSE(fs::exists(folder_ / "x"));
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  }
}

TEST_F(OutputPlaces, APlaceThatCannotBeWrittenIsFoundBeforeTheWork) {
  for (const auto& [name, output] : outputs()) {
    SCOPED_TRACE(name);
    const std::string folder = at("folder" + output.extension);
    fs::create_directories(folder);
    const auto result = write_to(output, folder);
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr("Is a directory"));
    if (output.command.front() != "batch") {
      EXPECT_THAT(result.out, IsEmpty());
    }
    const auto nowhere = write_to(output, "/proc/nowhere" + output.extension);
    EXPECT_EQ(nowhere.exit_code, 3) << nowhere.err;
  }
  for (const char* verb : {"explain", "batch"}) {
    const auto result = run_fovea({verb, at("in"), "-m", at("model"), "-o", "/proc/nowhere"});
    EXPECT_EQ(result.exit_code, 3) << verb << result.err;
    EXPECT_THAT(result.out, IsEmpty()) << verb;
  }
}

TEST_F(OutputPlaces, ANameThatIsTooLongByItselfOrByWhatIsAddedIsFoundBeforeTheWork) {
  const std::string longest(251, 'n');  // the disk takes 255 bytes
  const auto features = run_fovea({"embed", at("in"), "-m", at("model"), "-o", at(longest + ".npy")});
  EXPECT_EQ(features.exit_code, 3) << "its sidecar is called .jsonl";
  EXPECT_THAT(features.err, HasSubstr("File name too long"));
  EXPECT_THAT(features.out, IsEmpty());
  EXPECT_EQ(run_fovea({"classify", at("in"), "-m", at("model"), "-o", at(longest + ".csv")}).exit_code, 0);
  const auto rows = run_fovea({"classify", at("in"), "-m", at("model"), "-o", at(longest + ".jsonl")});
  EXPECT_EQ(rows.exit_code, 3);
  EXPECT_THAT(rows.err, HasSubstr("File name too long"));
  const auto deep = run_fovea({"classify", at("in"), "-m", at("model"), "-o", at(std::string(5000, '/') + "rows")});
  EXPECT_EQ(deep.exit_code, 3);
}

TEST_F(OutputPlaces, APathOfMoreThan4096BytesIsARowOfItsOwn) {
  const auto made = shell(
      "cd \"$1\" && d=$(printf %0250d 0) && for i in $(seq 16); do mkdir $d && cd -P $d; done && "
      "cp \"$2\" $(printf %0200d 0).png",
      {at("in"), at("in/0.png")});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  for (const char* verb : {"classify", "explain", "batch"}) {
    std::vector<std::string> arguments{verb, at("in"), "-m", at("model"), "-f", "jsonl"};
    if (std::string(verb) != "batch") arguments.push_back("-r");
    if (std::string(verb) != "classify") arguments.insert(arguments.end(), {"-o", at("out")});
    const auto result = run_fovea(arguments);
    EXPECT_EQ(result.exit_code, 1) << verb << result.err;
    const auto rows = result.json_lines();
    ASSERT_EQ(rows.size(), 5U) << verb;
    EXPECT_EQ(rows.back().at("succeeded"), 3) << verb;
    EXPECT_EQ(rows.back().at("failed"), 1) << verb;
  }
  EXPECT_EQ(shell("rm -r \"$1\"/0[0-9]*", {at("in")}).exit_code, 0) << "std::filesystem cannot";
}

TEST_F(OutputPlaces, WhatFailsForOnePictureIsItsRowAndWhatFailsForAllEndsTheRun) {
  write_picture(folder_ / "in/sub/3.png", 40, 50, 3);
  write_picture(folder_ / ("in/" + std::string(247, 'l') + ".png"), 40, 50, 4);  // no room for ".rollout.png"
  for (const auto& [verb, maps] : {std::pair{"explain", "out/"}, std::pair{"batch", "out/overlays/"}}) {
    fs::remove_all(folder_ / "out");
    const std::string overlays = maps;
    fs::create_directories(folder_ / (overlays + "1.png.rollout.png"));  // a folder lies where the overlay goes,
    write_text(folder_ / (overlays + "sub"), "a file");                  // a file where a folder goes
    fs::create_symlink("loop.png", folder_ / (overlays + "loop.png"));
    fs::create_symlink("loop.png", folder_ / (overlays + "2.png.rollout.png"));
    const std::vector<std::string> command{verb, at("in"), "-r", "-m", at("model"), "-o", at("out"), "-f", "jsonl"};
    std::vector<std::string> arguments = command;
    if (std::string(verb) == "batch") std::erase(arguments, "-r");
    const auto result = run_fovea(arguments);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    const auto rows = result.json_lines();
    ASSERT_EQ(rows.size(), 6U) << verb;
    EXPECT_EQ(rows[0].at("type"), "result");
    for (std::size_t failed = 1; failed <= 4; ++failed) {
      EXPECT_EQ(rows[failed].at("type"), "error") << verb << failed;
      EXPECT_EQ(rows[failed].at("code"), "output") << verb << failed;
    }
    fs::remove_all(folder_ / (overlays + "0.png.rollout.png"));
    fs::create_symlink("/dev/full", folder_ / (overlays + "0.png.rollout.png"));
    arguments.insert(arguments.end(), {"-t", "1"});
    if (std::string(verb) == "batch") arguments.push_back("--fresh");
    const auto full = run_fovea(arguments);
    EXPECT_EQ(full.exit_code, 3) << verb << full.err;
    EXPECT_THAT(full.err, HasSubstr("No space left"));
  }
}

TEST_F(OutputPlaces, WhatAKilledRunLeftIsRemovedAndWhatALivingRunWritesIsNot) {
  const std::string dead = ".fovea-0123456789abcdef.tmp";
  const std::string living = ".fovea-fedcba9876543210.tmp";
  const std::vector<std::string> places{"", "maps/", "out/", "out/overlays/", "out/thumbs/"};
  for (const std::string& place : places) {
    for (const std::string& name : {dead, living, std::string(".fovea-mine.tmp"), std::string("x.tmp")}) {
      write_text(folder_ / (place + name), "part");
    }
  }
  std::vector<int> held;
  for (const std::string& place : places) {
    held.push_back(::open(at(place + living).c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::flock(held.back(), LOCK_EX | LOCK_NB), 0);
  }
  ASSERT_EQ(run_fovea({"classify", at("in"), "-m", at("model"), "-o", at("rows.csv")}).exit_code, 0);
  ASSERT_EQ(run_fovea({"explain", at("in"), "-m", at("model"), "-o", at("maps")}).exit_code, 0);
  ASSERT_EQ(run_fovea({"batch", at("in"), "-m", at("model"), "-o", at("out")}).exit_code, 0);
  for (const std::string& place : places) {
    EXPECT_FALSE(fs::exists(folder_ / (place + dead))) << place;
    for (const std::string& name : {living, std::string(".fovea-mine.tmp"), std::string("x.tmp")}) {
      EXPECT_TRUE(fs::exists(folder_ / (place + name))) << place << name;
    }
  }
  for (const int file : held) ::close(file);
}

TEST_F(OutputPlaces, ARunThatIsKilledLeavesTheOldFileAndTheNextRunCleansUp) {
  for (int i = 3; i < 400; ++i) write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 40, 50, i);
  write_text(folder_ / "rows/rows.csv", "old");
  const std::vector<std::string> command{"classify", at("in"), "-m", at("model"), "-t", "1", "-o", at("rows/rows.csv")};
  Process running(command);
  while (running.is_running() && temporary_files("rows") == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  running.send(SIGKILL);
  ASSERT_EQ(running.wait().signal, SIGKILL);
  EXPECT_EQ(temporary_files("rows"), 1U);
  EXPECT_EQ(read_text(at("rows/rows.csv")), "old");
  EXPECT_EQ(run_fovea(command).exit_code, 0);
  EXPECT_EQ(temporary_files("rows"), 0U);
  EXPECT_NE(read_text(at("rows/rows.csv")), "old");
}

}  // namespace
}  // namespace fovea::test
