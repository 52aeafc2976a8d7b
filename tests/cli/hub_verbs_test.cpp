// A hub from the command line: -m hf:ORG/NAME in every verb, `pull`, `models`, the environment, signals, limits.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/sha256.hpp"
#include "support/hub_fixture.hpp"
#include "support/process.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class HubVerbs : public HubTest {
 protected:
  void SetUp() override {
    HubTest::SetUp();
    if (IsSkipped()) return;
    write_tiny_model_folder(hub_->model("org/real"));
    write_picture(folder_ / "a.png", 40, 40);
    process_.environment = hub_->environment(folder_ / "home");
    process_.folder = folder_.path();
  }
  ProcessResult run(const std::vector<std::string>& arguments) const { return run_fovea(arguments, process_); }
  void set(const std::string& variable) { process_.environment.insert(process_.environment.begin(), variable); }

  ProcessOptions process_;
};

TEST_F(HubVerbs, AModelIsDownloadedWhenItIsFirstNamedAndNeverAskedForAgain) {
  const ProcessResult local = run({"classify", "a.png", "-m", hub_->model("org/real").string()});
  const ProcessResult first = run({"classify", "a.png", "-m", "hf:org/real"});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(first.out, local.out);
  EXPECT_THAT(first.err, StartsWith("fovea: hf:org/real: 2 files, "));
  static_cast<void>(hub_->take_log());
  const ProcessResult second = run({"classify", "a.png", "-m", "hf:org/real@main"});
  EXPECT_EQ(second.out, local.out);
  EXPECT_THAT(second.err, Not(HasSubstr("downloaded")));
  EXPECT_THAT(hub_->take_log(), IsEmpty());
  set("HF_HUB_OFFLINE=1");
  EXPECT_EQ(run({"classify", "a.png", "-m", "hf://org/real"}).out, local.out);
}

TEST_F(HubVerbs, EveryVerbThatTakesAModelTakesOneOfAHub) {
  for (const std::vector<std::string>& call :
       {std::vector<std::string>{"explain", "a.png", "-m", "hf:org/real", "-o", "maps"},
        {"batch", "a.png", "-m", "hf:org/real", "-o", "out"},
        {"embed", "a.png", "-m", "hf:org/real", "-o", "f.npy"},
        {"inspect", "hf:org/real"},
        {"doctor", "hf:org/real", "a.png"},
        {"quantize", "hf:org/real", "small.safetensors", "--to", "bf16"},
        {"bench", "-m", "hf:org/real", "--seconds", "0.1"}}) {
    const ProcessResult result = run(call);
    EXPECT_EQ(result.exit_code, 0) << call[0] << result.err;
  }
  EXPECT_THAT(run({"inspect", "hf:org/real"}).out, AllOf(HasSubstr("name          real\n"), HasSubstr("/snapshots/")));
}

TEST_F(HubVerbs, QuietMeansQuiet) {
  const ProcessResult result = run({"classify", "a.png", "-q", "-m", "hf:org/real"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, Not(HasSubstr("downloaded")));
  EXPECT_THAT(run({"pull", "-q", "org/tiny"}).err, IsEmpty());
}

TEST_F(HubVerbs, PullPrintsTheFolderAndSaysWhatCame) {
  const ProcessResult first = run({"pull", "org/real", "hf:org/tiny@main"});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  const std::size_t line = first.out.find('\n');
  const fs::path folder = first.out.substr(0, line);
  EXPECT_TRUE(fs::exists(folder / "model.safetensors")) << first.out;
  EXPECT_THAT(first.out.substr(line + 1), StartsWith(stored().string() + "/snapshots/"));
  EXPECT_THAT(first.err, HasSubstr("fovea: org/tiny: 3 files, 300.0 kB, 300.0 kB of them downloaded\n"));
  EXPECT_THAT(run({"pull", "org/tiny"}).err, HasSubstr("3 files, 300.0 kB, all there before\n"));
  EXPECT_THAT(run({"pull", "org/tiny", "--offline"}).err, HasSubstr("all there before"));
  EXPECT_EQ(run({"inspect", folder.string()}).exit_code, 0);
}

TEST_F(HubVerbs, PullTakesPatternsAndAnEndpoint) {
  set("HF_ENDPOINT=http://127.0.0.1:9");
  const ProcessResult result = run({"pull", "org/tiny", "--include", "READ*", "--endpoint", hub_->endpoint() + "/"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(fs::path(result.out.substr(0, result.out.size() - 1)) / "README.md"));
  const ProcessResult none = run({"pull", "org/tiny", "--include", "*.py", "--endpoint", hub_->endpoint()});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("--include '*.py' matches no file of org/tiny"));
}

TEST_F(HubVerbs, AModelsListHasNamesSizesAndFolders) {
  run({"pull", "org/real", "org/tiny"});
  const ProcessResult text = run({"models"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, AllOf(HasSubstr("vit_tiny_tin200"), HasSubstr("hf:org/real "), HasSubstr("hf:org/tiny  "),
                              HasSubstr("300.0 kB"), HasSubstr(stored().string())));
  const auto list = nlohmann::json::parse(run({"models", "-f", "json"}).out);
  EXPECT_EQ(list.at("models").back().at("name"), "hf:org/tiny");
  EXPECT_EQ(list.at("models").back().at("source"), "hub");
  for (const auto& model : list.at("models")) {
    EXPECT_TRUE(fs::exists(model.at("path").get<std::string>())) << model;
  }
  EXPECT_EQ(run({"models", "-m", "x"}).exit_code, 2);
  EXPECT_EQ(run({"models", "x"}).exit_code, 2);
}

TEST_F(HubVerbs, WhatIsNoNameOfAModelIsAUsageError) {
  for (const std::vector<std::string>& call : {std::vector<std::string>{"pull"},
                                               {"pull", "vit"},
                                               {"pull", "a/b/c"},
                                               {"pull", "../b"},
                                               {"pull", "org/tiny", "a/b@.."},
                                               {"classify", "a.png", "-m", "hf:vit"},
                                               {"inspect", "hf:"},
                                               {"pull", "org/tiny", "--endpoint", "ftp://x"},
                                               {"pull", "org/tiny", "-t", "2"},
                                               {"pull", "org/tiny", "-m", "x"}}) {
    const ProcessResult result = run(call);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, AllOf(StartsWith("fovea: error: "), Not(HasSubstr("internal"))));
  }
  EXPECT_THAT(hub_->take_log(), IsEmpty()) << "before any work";
}

TEST_F(HubVerbs, AHubThatRefusesEndsTheProgramWithThree) {
  hub_->set_faults({fault("hub", "gated")});
  for (const std::vector<std::string>& call :
       {std::vector<std::string>{"pull", "org/tiny"}, {"classify", "a.png", "-m", "hf:org/tiny"}}) {
    const ProcessResult result = run(call);
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, AllOf(HasSubstr("org/tiny: is gated"), HasSubstr("\nhint: ")));
  }
}

TEST_F(HubVerbs, TheEnvironmentIsReadAsTheLibraryReadsIt) {
  const auto cache_of = [&](const std::vector<std::string>& variables) {
    ProcessOptions options;
    options.environment = variables;
    options.environment.emplace_back("HF_HUB_OFFLINE=yes");
    const std::string message = run_fovea({"pull", "org/tiny"}, options).err;
    const std::string begin = "is not in the cache ";
    const std::size_t at = message.find(begin);
    if (at == std::string::npos) return message;
    return message.substr(at + begin.size(), message.find(", expected") - at - begin.size());
  };
  EXPECT_EQ(cache_of({"HF_HOME=/x"}), "/x/hub");
  EXPECT_EQ(cache_of({"HF_HUB_CACHE=/y", "HUGGINGFACE_HUB_CACHE=/z", "HF_HOME=/x"}), "/y");
  EXPECT_EQ(cache_of({"HUGGINGFACE_HUB_CACHE=/z", "HF_HOME=/x"}), "/z");
  EXPECT_EQ(cache_of({"HF_HOME=", "XDG_CACHE_HOME=/w", "HOME=/h"}), "/w/huggingface/hub");
  EXPECT_EQ(cache_of({"HF_HOME=~/models", "HOME=/h"}), "/h/models/hub");
  EXPECT_EQ(cache_of({"HF_HOME=$DISK/${NAME}s/$NONE", "DISK=/d", "NAME=model"}), "/d/models/$NONE/hub");
  EXPECT_THAT(cache_of({"HF_HOME=/x", "HF_HUB_DOWNLOAD_TIMEOUT=soon"}), HasSubstr("HF_HUB_DOWNLOAD_TIMEOUT is 'soon'"));
}

TEST_F(HubVerbs, TheTokenComesFromTheEnvironmentOrItsFile) {
  hub_->set_faults({fault("hub", "token", {{"is", "hf_right"}})});
  EXPECT_EQ(run({"pull", "org/tiny"}).exit_code, 3);
  write_text(folder_ / "home/token", "hf_right\n");
  EXPECT_EQ(run({"pull", "org/tiny"}).exit_code, 0);
  set("HF_HUB_DISABLE_IMPLICIT_TOKEN=1");
  EXPECT_EQ(run({"pull", "org/tiny"}).exit_code, 3);
  set("HF_HUB_DISABLE_IMPLICIT_TOKEN=0");
  set("HF_TOKEN= hf_wrong ");
  EXPECT_EQ(run({"pull", "org/tiny"}).exit_code, 3) << "the variable comes before the file";
  set("HF_TOKEN=hf_right");
  EXPECT_EQ(run({"pull", "org/tiny"}).exit_code, 0);
  set("HF_TOKEN=a b");
  EXPECT_EQ(run({"pull", "org/tiny"}).exit_code, 2);
}

TEST_F(HubVerbs, ASignalLeavesAPartThatTheNextPullGoesOnWith) {
  for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
    fs::remove_all(folder_ / "home");
    hub_->set_faults({fault("cdn", "slow", {{"chunk", 10'000}, {"seconds", 0.05}})});
    Process process({"pull", "org/tiny"}, process_);
    const fs::path part = stored() / "blobs" / (sha256_hex(weights_) + ".incomplete");
    std::error_code missing;
    while (process.is_running() && (!fs::exists(part) || fs::file_size(part, missing) < 50'000)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    process.send(signal);
    const ProcessResult result = process.wait();
    EXPECT_EQ(result.exit_code, signal == SIGKILL ? -1 : 128 + signal) << result.err;
    const auto there = fs::file_size(part);
    EXPECT_GE(there, 50'000U);
    hub_->set_faults({});
    static_cast<void>(hub_->take_log());
    EXPECT_EQ(run({"pull", "org/tiny"}).exit_code, 0);
    EXPECT_EQ(requests_for_weights().at(0).at("headers").at("range"), "bytes=" + std::to_string(there) + "-");
    expect_whole(find());
  }
}

TEST_F(HubVerbs, AFullDiskIsExitThreeWithASentence) {
  process_.file_size_limit = 100'000;
  const ProcessResult result = run({"pull", "org/tiny"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr(".incomplete: cannot be written: "), HasSubstr("free some space"), HasSubstr("HF_HOME")));
  process_.file_size_limit.reset();
  EXPECT_EQ(run({"pull", "org/tiny"}).exit_code, 0);
  expect_whole(find());
}

TEST_F(HubVerbs, ACacheThatMayOnlyBeReadIsEnough) {
  ASSERT_EQ(run({"pull", "org/real"}).exit_code, 0);
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_symlink()) fs::permissions(entry, entry.is_directory() ? fs::perms(0555) : fs::perms(0444));
  }
  fs::permissions(folder_.path(), fs::perms(0555));
  if (::getuid() == 0) {  // root may write everywhere
    process_.before_start = [] {
      constexpr uid_t kNobody = 65534;
      if (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) ::_exit(99);
    };
  }
  for (const std::vector<std::string>& call :
       {std::vector<std::string>{"classify", "a.png", "-m", "hf:org/real"}, {"pull", "org/real"}}) {
    const ProcessResult result = run(call);
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  const ProcessResult other = run({"pull", "org/tiny"});
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.err, AllOf(HasSubstr("cannot be written"), HasSubstr("hint: HF_HOME names another folder")));
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (entry.is_directory()) fs::permissions(entry, fs::perms(0755));
  }
  fs::permissions(folder_.path(), fs::perms(0755));
}

TEST_F(HubVerbs, ACheckpointAmongSeveralIsDownloadedByItsPattern) {
  publish("a.pth", noise(2000), "org/two");
  publish("b.pth", noise(2000, 2), "org/two");
  const ProcessResult both = run({"inspect", "hf:org/two"});
  EXPECT_EQ(both.exit_code, 3);
  EXPECT_THAT(both.err,
              AllOf(HasSubstr("org/two: the folder has 2 checkpoints"), HasSubstr("fovea pull org/two --include")));
  const ProcessResult one = run({"pull", "org/two", "--include", "a.pth"});
  EXPECT_EQ(one.exit_code, 0);
  EXPECT_FALSE(fs::exists(fs::path(one.out.substr(0, one.out.size() - 1)) / "b.pth"));
}

}  // namespace
}  // namespace fovea::test
