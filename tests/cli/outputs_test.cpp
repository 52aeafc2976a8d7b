// Where results go: nothing that was there is destroyed, whatever the output is called and whatever lies under the
// name.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <future>
#include <map>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr mode_t kUsualPermissions = 07777;

std::string everything_from(int descriptor) {
  std::string text;
  char chunk[4096];
  for (ssize_t got = 0; (got = ::read(descriptor, chunk, sizeof chunk)) > 0;) {
    text.append(chunk, static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  return text;
}

class Outputs : public ::testing::Test {
 protected:
  Outputs() {
    write_tiny_model_folder(folder_ / "model");
    for (int i = 0; i < 3; ++i) write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 40, 50, i);
    write_text(folder_ / "list", at("in/0.png") + "\n");
    write_text(folder_ / "labels.txt", "a\nb\nc\nd\ne\n");
    write_text(folder_ / "fovea.toml", "top-k = 2\n");
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// Every option that names a file to write, as a command that writes only that file to `path`.
  struct Output {
    std::string extension;
    std::vector<std::string> command;  // the path comes last
    bool same_bytes = true;            // in every run
  };
  [[nodiscard]] std::map<std::string, Output> outputs() const {
    const std::string in = at("in");
    const std::string model = at("model");
    return {
        {"classify -o", {".txt", {"classify", in, "-m", model, "-o"}}},
        {"classify --save-logits", {".npy", {"classify", in, "-m", model, "--save-logits"}}},
        {"embed -o .npy", {".npy", {"embed", in, "-m", model, "-o"}}},
        {"embed -o .safetensors", {".safetensors", {"embed", in, "-m", model, "-o"}}},
        {"explore -o", {".html", {"explore", in, "-m", model, "-o"}}},
        {"batch --save-logits", {".npy", {"batch", in, "-m", model, "-o", at("out"), "--fresh", "--save-logits"}}},
        {"bench --svg", {".svg", {"bench", "-m", model, "--seconds", "0.1", "--svg"}, false}},
        {"doctor --dump-pixels", {".npy", {"doctor", model, at("in/0.png"), "--dump-pixels"}}},
        {"doctor --dump-input", {".npy", {"doctor", model, at("in/0.png"), "--dump-input"}}},
        {"quantize", {".safetensors", {"quantize", "--to", "bf16", model}}},
    };
  }
  [[nodiscard]] ProcessResult write_to(const Output& output, const std::string& path) const {
    std::vector<std::string> command = output.command;
    command.push_back(path);
    return run_fovea(command);
  }
  /// What this output is in a new file.
  [[nodiscard]] std::string usual(const Output& output) const {
    const std::string path = at("usual" + output.extension);
    fs::remove(path);
    const ProcessResult result = write_to(output, path);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_text(path);
  }
  /// A script whose "$0" is the program.
  [[nodiscard]] static ProcessResult shell(const std::string& script, std::vector<std::string> arguments = {}) {
    std::vector<std::string> all{"-c", script, program_path().string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Process(all, {}, "/bin/sh").wait();
  }
  [[nodiscard]] std::size_t temporary_files(const std::string& below) const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / below)) {
      if (entry.path().extension() == ".tmp") ++count;
    }
    return count;
  }
  TempFolder folder_;
};

TEST_F(Outputs, ALinkLeadsToTheFileThatIsWrittenAndItsPermissionsStay) {
  for (const auto& [name, output] : outputs()) {
    SCOPED_TRACE(name);
    const std::string link = at("link" + output.extension);
    fs::create_directories(folder_ / "elsewhere");
    write_text(folder_ / "elsewhere/file", "old");
    fs::permissions(folder_ / "elsewhere/file", fs::perms(0640));
    fs::remove(link);
    fs::create_symlink("elsewhere/again", link);
    fs::remove(folder_ / "elsewhere/again");
    fs::create_symlink("file", folder_ / "elsewhere/again");
    const auto result = write_to(output, link);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(fs::read_symlink(link), "elsewhere/again");
    EXPECT_EQ(fs::read_symlink(folder_ / "elsewhere/again"), "file");
    if (output.same_bytes) {
      EXPECT_EQ(read_text(folder_ / "elsewhere/file"), usual(output));
    }
    EXPECT_NE(read_text(folder_ / "elsewhere/file"), "old");
    struct stat status {};
    ASSERT_EQ(::stat(at("elsewhere/file").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & kUsualPermissions, 0640U);
    fs::remove_all(folder_ / "elsewhere");
    EXPECT_EQ(write_to(output, link).exit_code, 0) << "a link to a file that is not there yet";
    EXPECT_TRUE(fs::is_symlink(link) && fs::exists(folder_ / "elsewhere/again"));
  }
}

TEST_F(Outputs, NullAndFullAreWrittenIntoAndStay) {
  for (const auto& [name, output] : outputs()) {
    SCOPED_TRACE(name);
    for (const auto& [device, code] : {std::pair{"/dev/null", 0}, std::pair{"/dev/full", 3}}) {
      const std::string link = at("device" + output.extension);
      fs::remove(link);
      fs::create_symlink(device, link);  // a test that fails must not replace the machine's own
      const auto result = write_to(output, link);
      EXPECT_EQ(result.exit_code, code) << device << result.err;
      EXPECT_TRUE(fs::is_symlink(link)) << device;
      EXPECT_TRUE(fs::is_character_file(link)) << device;
      if (code != 0) {
        EXPECT_THAT(result.err, HasSubstr("No space left"));
      }
    }
  }
}

TEST_F(Outputs, AFifoGetsTheBytesAndStays) {
  for (const auto& [name, output] : outputs()) {
    SCOPED_TRACE(name);
    const std::string fifo = at("fifo" + output.extension);
    fs::remove(fifo);
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    auto text = std::async(std::launch::async, [&] { return everything_from(::open(fifo.c_str(), O_RDONLY)); });
    const auto result = write_to(output, fifo);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(fs::is_fifo(fifo));
    if (result.exit_code != 0) ::close(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK));  // or the reader waits for ever
    const std::string got = text.get();
    EXPECT_FALSE(got.empty());
    if (output.same_bytes) {
      EXPECT_EQ(got, usual(output));
    }
  }
}

TEST_F(Outputs, ASocketGetsTheBytesAndStays) {
  const Output output = outputs().at("classify --save-logits");
  const std::string path = at("socket.npy");
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::copy(path.begin(), path.end(), address.sun_path);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  auto text = std::async(std::launch::async, [&] { return everything_from(::accept(listener, nullptr, nullptr)); });
  const auto result = write_to(output, path);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  if (result.exit_code != 0) ::shutdown(listener, SHUT_RDWR);
  EXPECT_EQ(text.get(), usual(output));
  EXPECT_TRUE(fs::is_socket(path));
  ::close(listener);
  const auto refused = write_to(output, path);  // nobody listens any more
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, HasSubstr("cannot be written"));
  EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(Outputs, StandardOutputByItsNameIsTheDescriptorItself) {
  const Output output = outputs().at("classify -o");
  const std::string rows = usual(output);
  for (const char* name : {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/fd/5"}) {
    const auto result =
        shell("(echo head; \"$0\" classify \"$1\" -m \"$2\" -o \"$3\" 5>&1; echo tail) > \"$4\"; cat \"$4\"",
              {at("in"), at("model"), name, at("file")});
    EXPECT_EQ(result.out, "head\n" + rows + "tail\n") << name << result.err;
  }
  const auto piped = shell("\"$0\" classify \"$1\" -m \"$2\" -o /dev/stdout | cat", {at("in"), at("model")});
  EXPECT_EQ(piped.out, rows);
}

TEST_F(Outputs, DescriptorsThatAreClosedAtTheStartAreNoFilesOfTheRun) {
  for (const char* closed : {"<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"}) {
    fs::remove(folder_ / "logits.npy");
    fs::remove_all(folder_ / "out");
    const std::string script =
        std::string("\"$0\" classify \"$1/none.png\" \"$1/0.png\" -m \"$2\" --save-logits \"$3\" ") + closed;
    EXPECT_EQ(shell(script, {at("in"), at("model"), at("logits.npy")}).exit_code, 1) << closed;
    EXPECT_THAT(read_text(folder_ / "logits.npy"), ::testing::StartsWith("\x93NUMPY")) << closed;
    EXPECT_EQ(fs::file_size(folder_ / "logits.npy"), 128U + 2 * 5 * sizeof(float)) << closed;
    const auto batch =
        shell(std::string("\"$0\" batch \"$1\" -m \"$2\" -o \"$3\" ") + closed, {at("in"), at("model"), at("out")});
    EXPECT_EQ(batch.exit_code, 0) << closed;
    for (const char* file : {"out/overlays/0.png.rollout.png", "out/overlays/2.png.rollout.png"}) {
      EXPECT_THAT(read_text(folder_ / file), ::testing::StartsWith("\x89PNG")) << closed;
    }
    EXPECT_THAT(read_text(folder_ / "out/results.jsonl"), ::testing::StartsWith("{\"schema\"")) << closed;
  }
}

/// A command with an output that is something it reads, under other names of the same file.
TEST_F(Outputs, NoneIsAFileThatTheRunReads) {
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

TEST_F(Outputs, NoneIsThePictureThatStandardInputIsReadFrom) {
  const std::string before = read_text(at("in/0.png"));
  for (const char* script :
       {"\"$0\" classify - -m \"$1\" -o \"$2\" < \"$2\"", "\"$0\" classify -m \"$1\" - < \"$2\" >> \"$2\"",
        "\"$0\" classify -m \"$1\" \"$2\" >> \"$2\""}) {
    const auto result = shell(script, {at("model"), at("in/0.png")});
    EXPECT_EQ(result.exit_code, 2) << script << result.err;
    EXPECT_EQ(read_text(at("in/0.png")), before) << script;
  }
}

TEST_F(Outputs, NoneIsAMountOfAFileThatTheRunReadsOrOfAnother) {
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

TEST_F(Outputs, TwoOutputsAreTwoFiles) {
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

TEST_F(Outputs, APlaceThatCannotBeWrittenIsFoundBeforeTheWork) {
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

TEST_F(Outputs, ANameThatIsTooLongByItselfOrByWhatIsAddedIsFoundBeforeTheWork) {
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

TEST_F(Outputs, APathOfMoreThan4096BytesIsARowOfItsOwn) {
  const auto made =
      shell("cd \"$1\" && d=$(printf %0250d 0) && for i in $(seq 17); do mkdir $d && cd -P $d; done && cp \"$2\" x.png",
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
}

TEST_F(Outputs, WhatFailsForOnePictureIsItsRowAndWhatFailsForAllEndsTheRun) {
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
    for (const std::size_t failed : {1, 2, 3, 4}) {
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

TEST_F(Outputs, WhatAKilledRunLeftIsRemovedAndWhatALivingRunWritesIsNot) {
  const std::string dead = ".fovea-0123456789abcdef.tmp";
  const std::string living = ".fovea-fedcba9876543210.tmp";
  for (const std::string& place : {"", "maps/", "out/", "out/overlays/", "out/thumbs/"}) {
    for (const std::string& name : {dead, living, std::string(".fovea-mine.tmp"), std::string("x.tmp")}) {
      write_text(folder_ / (place + name), "part");
    }
  }
  std::vector<int> held;
  for (const std::string& place : {"", "maps/", "out/", "out/overlays/", "out/thumbs/"}) {
    held.push_back(::open(at(place + living).c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::flock(held.back(), LOCK_EX | LOCK_NB), 0);
  }
  ASSERT_EQ(run_fovea({"classify", at("in"), "-m", at("model"), "-o", at("rows.csv")}).exit_code, 0);
  ASSERT_EQ(run_fovea({"explain", at("in"), "-m", at("model"), "-o", at("maps")}).exit_code, 0);
  ASSERT_EQ(run_fovea({"batch", at("in"), "-m", at("model"), "-o", at("out")}).exit_code, 0);
  for (const std::string& place : {"", "maps/", "out/", "out/overlays/", "out/thumbs/"}) {
    EXPECT_FALSE(fs::exists(folder_ / (place + dead))) << place;
    for (const std::string& name : {living, std::string(".fovea-mine.tmp"), std::string("x.tmp")}) {
      EXPECT_TRUE(fs::exists(folder_ / (place + name))) << place << name;
    }
  }
  for (const int file : held) ::close(file);
}

TEST_F(Outputs, ARunThatIsKilledLeavesTheOldFileAndTheNextRunCleansUp) {
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
