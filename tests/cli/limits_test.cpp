// Too few threads, too little memory, folders that cannot be searched: a sentence and the contract's exit codes, never
// a signal and never a foreign library's exit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

void limit(decltype(RLIMIT_AS) what, rlim_t amount) {
  const rlimit bound{amount, amount};
  ::setrlimit(what, &bound);
}

class Limits : public ::testing::Test {
 protected:
  Limits() : sample_((source_dir() / "samples/chelsea.jpg").string()) {}
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  TempFolder folder_;
  std::string sample_;
};

TEST_F(Limits, ThreadsThatCannotBeHadAreASentence) {
  if (!sanitizers().empty()) GTEST_SKIP() << "sanitizers need the address space";
  ProcessOptions none;
  none.before_start = [] {  // a thread's stack is as large as this limit, so the address space holds none
    limit(RLIMIT_STACK, rlim_t{64} << 30U);
    limit(RLIMIT_AS, rlim_t{32} << 30U);
  };
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"classify", sample_},
           {"explain", sample_, "-o", at("maps")},
           {"batch", sample_, "-o", at("out")},
           {"embed", sample_, "-o", at("f.npy")},
           {"explore", sample_, "-o", at("p.html")},
           {"doctor", "vit_tiny_tin200", sample_},
           {"bench", "--seconds", "0.1"},
           {"quantize", "vit_tiny_tin200", at("q.safetensors"), "--calibrate", sample_}}) {
    const auto result = run_fovea(arguments, none);
    EXPECT_EQ(result.exit_code, 3) << arguments.front() << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr("fovea: error: threads: "), HasSubstr("hint: "))) << arguments.front();
    EXPECT_THAT(result.out, IsEmpty());
  }
  EXPECT_EQ(run_fovea({"inspect"}, none).exit_code, 0);
}

TEST_F(Limits, MoreThreadsAndLargerBatchesThanThereIsWorkAreBounded) {
  for (const auto& many : std::vector<std::vector<std::string>>{
           {"-t", "1000000"}, {"--batch", "1000000000"}, {"-t", "1000000", "--batch", "1000000000"}}) {
    std::vector<std::string> arguments{"classify", sample_, "-f", "jsonl"};
    const std::string expected = run_fovea(arguments).out;
    arguments.insert(arguments.end(), many.begin(), many.end());
    const auto result = run_fovea(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, expected);
  }
  EXPECT_EQ(run_fovea({"classify", sample_, "--batch", "1000000001"}).exit_code, 2);
}

TEST_F(Limits, MemoryThatCannotBeHadIsASentenceWhereverItEnds) {
  if (!sanitizers().empty()) GTEST_SKIP() << "sanitizers need the address space";
  bool failed = false;
  bool succeeded = false;
  for (rlim_t megabytes = 100; megabytes <= 420; megabytes += 5) {
    ProcessOptions little;
    little.before_start = [megabytes] { limit(RLIMIT_AS, megabytes << 20U); };
    if (run_fovea({"--version"}, little).exit_code != 0) continue;  // even the libraries find no place
    const auto result = run_fovea({"classify", sample_, "-f", "jsonl", "-q"}, little);
    EXPECT_EQ(result.signal, 0) << megabytes << " MB: " << result.err;
    EXPECT_THAT(result.exit_code, AnyOf(0, 1, 3)) << megabytes << " MB: " << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("libgomp"))) << megabytes << " MB";
    EXPECT_THAT(result.err, Not(HasSubstr("internal"))) << megabytes << " MB";
    EXPECT_EQ(result.exit_code != 0, result.err.find("fovea: error: ") != std::string::npos) << megabytes << " MB";
    failed |= result.exit_code == 3;
    succeeded |= result.exit_code == 0;
  }
  EXPECT_TRUE(failed && succeeded);
  const auto bench = run_fovea({"bench", "--seconds", "0.1", "--batch", "1000000000"});
  EXPECT_EQ(bench.exit_code, 3);
  EXPECT_THAT(bench.err, HasSubstr("fovea: error: memory: "));
}

TEST_F(Limits, AFolderThatCannotBeSearchedIsOneRowAndTheOthersAreDone) {
  write_tiny_model_folder(folder_ / "model");
  for (const char* name : {"in/a.png", "in/locked/b.png", "in/locked/c.png", "in/unlisted/d.png", "in/z.png"}) {
    write_picture(folder_ / name, 40, 40);
  }
  namespace fs = std::filesystem;
  fs::permissions(folder_ / "in/locked", fs::perms(0644));
  fs::permissions(folder_ / "in/unlisted", fs::perms(0311));
  fs::permissions(folder_.path(), fs::perms(0777));
  ProcessOptions nobody;
  nobody.before_start = [] {
    if (::geteuid() == 0) static_cast<void>(!::setuid(65534));  // root may search any folder
  };
  if (run_fovea({"--version"}, nobody).exit_code != 0) GTEST_SKIP() << "nobody may not run the program";
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"classify", "-r", at("in")}, {"batch", at("in"), "-o", at("out")}}) {
    std::vector<std::string> words = arguments;
    words.insert(words.end(), {"-m", at("model"), "-f", "jsonl", "-q"});
    const auto result = run_fovea(words, nobody);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    const auto rows = result.json_lines();
    ASSERT_EQ(rows.size(), 5U) << result.out;
    EXPECT_EQ(rows[0].at("type"), "result");
    for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
      EXPECT_EQ(rows[i].at("code"), "unreadable");
      EXPECT_THAT(rows[i].at("message").get<std::string>(), HasSubstr("folder cannot be read: Permission denied"));
    }
    EXPECT_EQ(rows[3].at("type"), "result");
  }
  for (const char* name : {"in/locked", "in/unlisted"}) fs::permissions(folder_ / name, fs::perms(0755));
}

TEST_F(Limits, PathsThatAreTooLongForTheSystemAreOneRowAndTheOthersAreDone) {
  write_tiny_model_folder(folder_ / "model");
  write_picture(folder_ / "in/a.png", 40, 40);
  std::filesystem::create_directories(folder_ / "in/deep");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_ / "in/deep");
  for (int level = 0; level < 22; ++level) {  // a path of more than 4,096 bytes, made step by step
    std::filesystem::create_directory(std::string(200, 'd'));
    std::filesystem::current_path(std::string(200, 'd'));
  }
  std::filesystem::current_path(before);
  const auto result = run_fovea({"classify", "-r", at("in"), "-m", at("model"), "-f", "jsonl", "-q"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), 3U) << result.out;
  EXPECT_EQ(rows[0].at("type"), "result");
  EXPECT_EQ(rows[1].at("code"), "unreadable");
  EXPECT_THAT(rows[1].at("message").get<std::string>(), HasSubstr("File name too long"));
}

TEST_F(Limits, ANameThatTheDiskRefusesIsOneRowAndTheOthersAreDone) {
  // A disk such as exFAT, which takes no colon: it neither makes such a folder nor gives a file such a name.
  write_tiny_model_folder(folder_ / "model");
  for (const char* name : {"in/12:30.png", "in/a.png", "in/b:c/d.png", "in/e/f.png"})
    write_picture(folder_ / name, 40, 40);
  struct Refusal {
    const char* call;
    std::vector<std::string> codes;  // of the pictures; empty: done
  };
  for (const Refusal& refusal :
       {Refusal{"rename", {"output", "", "output", ""}}, Refusal{"mkdir", {"", "", "output", ""}}}) {
    const std::filesystem::path out = folder_ / refusal.call;
    ProcessOptions exfat;
    exfat.environment = {"LD_PRELOAD=" + faults_path().string(),
                         "ASAN_OPTIONS=verify_asan_link_order=0",
                         std::string("FAULTS_KIND=") + refusal.call,
                         "FAULTS_NTH=1",
                         "FAULTS_ALWAYS=1",
                         "FAULTS_ERRNO=" + std::to_string(EINVAL),
                         "FAULTS_PATH=:"};
    const auto result =
        run_fovea({"batch", at("in"), "-o", out.string(), "-m", at("model"), "-f", "jsonl", "-q"}, exfat);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    const auto rows = result.json_lines();
    ASSERT_EQ(rows.size(), refusal.codes.size() + 1) << result.out << result.err;  // and the summary
    for (std::size_t i = 0; i < refusal.codes.size(); ++i) {
      EXPECT_EQ(rows[i].value("code", ""), refusal.codes[i]);
      if (!refusal.codes[i].empty()) {
        EXPECT_THAT(rows[i].at("message").get<std::string>(), HasSubstr("Invalid argument"));
      }
    }
  }
}

TEST_F(Limits, AMethodThatTheModelHasNoRulesForIsExitTwoAtOnce) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"explain", sample_, "-o", at("maps"), "--method", "attribution"},
                                             {"explain", sample_, "--compare", "generic,attribution"},
                                             {"batch", sample_, "-o", at("out"), "--method", "attribution"},
                                             {"bench", "--seconds", "0.1", "--method", "attribution"}}) {
    std::vector<std::string> words = arguments;
    words.insert(words.end(), {"-m", (source_dir() / "tests/golden/families/timm_qk_norm").string()});
    const auto result = run_fovea(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr("attribution: the model has norms of queries and keys"));
    EXPECT_FALSE(std::filesystem::exists(at("out/results.jsonl")));
  }
}

}  // namespace
}  // namespace fovea::test
