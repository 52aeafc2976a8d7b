// What lies under the name of an output: links are followed, streams are written into, nothing of them is replaced.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <future>

#include "support/output_commands.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr mode_t kUsualPermissions = 07777;

using Outputs = OutputCommands;

std::string everything_from(int descriptor) {
  std::string text;
  char chunk[4096];
  for (ssize_t got = 0; (got = ::read(descriptor, chunk, sizeof chunk)) > 0;) {
    text.append(chunk, static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  return text;
}

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
    EXPECT_THAT(read_text(folder_ / "logits.npy"), StartsWith("\x93NUMPY")) << closed;
    EXPECT_EQ(fs::file_size(folder_ / "logits.npy"), 128U + 2 * 5 * sizeof(float)) << closed;
    const auto batch =
        shell(std::string("\"$0\" batch \"$1\" -m \"$2\" -o \"$3\" ") + closed, {at("in"), at("model"), at("out")});
    EXPECT_EQ(batch.exit_code, 0) << closed;
    for (const char* file : {"out/overlays/0.png.rollout.png", "out/overlays/2.png.rollout.png"}) {
      EXPECT_THAT(read_text(folder_ / file), StartsWith("\x89PNG")) << closed;
    }
    EXPECT_THAT(read_text(folder_ / "out/results.jsonl"), StartsWith("{\"schema\"")) << closed;
  }
}

}  // namespace
}  // namespace fovea::test
