// What is downloaded, where it lies then, and what is asked for at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/sha256.hpp"
#include "support/hub_fixture.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class HubPull : public HubTest {};

std::vector<std::string> names_below(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(folder));
  }
  return names;
}

TEST_F(HubPull, BringsWhatLoadingNeedsAndNothingElse) {
  const HubSnapshot snapshot = pull();
  expect_whole(snapshot);
  EXPECT_THAT(names_below(snapshot.folder),
              UnorderedElementsAre("config.json", "preprocessor_config.json", "model.safetensors"));
  EXPECT_EQ(snapshot.files, 3U);
  EXPECT_EQ(snapshot.downloaded, snapshot.bytes);
  for (const nlohmann::json& request : hub_->take_log()) {
    const std::string path = request.at("path");
    EXPECT_EQ(path.find("modeling.py") + path.find("README"), 2 * std::string::npos) << path;
  }
}

TEST_F(HubPull, LaysTheCacheOutAsTheLibraryDoes) {
  const HubSnapshot snapshot = pull();
  EXPECT_EQ(snapshot.folder, stored() / "snapshots" / snapshot.commit);
  EXPECT_EQ(read_text(stored() / "refs/main"), snapshot.commit);
  EXPECT_EQ(fs::read_symlink(snapshot.folder / "model.safetensors"), "../../blobs/" + sha256_hex(weights_));
  EXPECT_EQ(fs::read_symlink(snapshot.folder / "preprocessor_config.json"),
            "../../blobs/9e26dfeeb6e641a33dae4961196235bdb965b21b");  // git hash-object of {}
  EXPECT_THAT(read_text(folder_ / "home/hub/CACHEDIR.TAG"), HasSubstr("Signature: 8a477f597d28d172789f06886806bc55\n"));
  EXPECT_THAT(names_below(stored() / ".no_exist" / snapshot.commit),
              UnorderedElementsAre("open_clip_config.json", "processor_config.json"));
  EXPECT_TRUE(fs::exists(folder_ / "home/hub/.locks/models--org--tiny" / (sha256_hex(weights_) + ".lock")));
}

TEST_F(HubPull, FilesInFoldersAreLinkedFromWhereTheyAre) {
  publish("a/b/extra.txt", "deep");
  options_.include = {"a/*"};
  const HubSnapshot snapshot = pull();
  EXPECT_EQ(read_text(snapshot.folder / "a/b/extra.txt"), "deep");
  EXPECT_THAT(fs::read_symlink(snapshot.folder / "a/b/extra.txt").string(), HasSubstr("../../../../blobs/"));
}

TEST_F(HubPull, TheTokenGoesToTheHubAndToNobodyElse) {
  options_.token = "hf_secret";
  hub_->set_faults({fault("hub", "token", {{"is", "hf_secret"}})});
  expect_whole(pull());
  std::size_t elsewhere = 0;
  for (const nlohmann::json& request : hub_->take_log()) {
    const bool hub = request.at("at") == "hub";
    EXPECT_EQ(request.at("headers").value("authorization", ""), hub ? "Bearer hf_secret" : "");
    elsewhere += hub ? 0U : 1U;
  }
  EXPECT_EQ(elsewhere, 1U);
}

TEST_F(HubPull, ARedirectOfTheHubItselfKeepsTheTokenAndOneElsewhereDropsIt) {
  options_.token = "hf_secret";
  hub_->set_faults({fault("hub", "redirect",
                          {{"path", "revision/main"}, {"to", "/api/models/org/tiny/revision/main?x"}, {"times", 1}}),
                    fault("hub", "redirect", {{"path", "resolve"}, {"to", "{cdn}/elsewhere"}})});
  EXPECT_EQ(refusal().code(), ErrorCode::kUnreadable);
  const auto log = hub_->take_log();
  EXPECT_EQ(log.at(1).at("headers").at("authorization"), "Bearer hf_secret");
  EXPECT_EQ(log.back().at("path"), "/elsewhere");
  EXPECT_FALSE(log.back().at("headers").contains("authorization"));
}

TEST_F(HubPull, WhatIsThereIsNotDownloadedAgainAndWhatIsCachedNeedsNoHub) {
  const HubSnapshot first = pull();
  static_cast<void>(hub_->take_log());
  const HubSnapshot second = pull();
  EXPECT_EQ(second.downloaded, 0U);
  EXPECT_EQ(second.bytes, first.bytes);
  EXPECT_THAT(hub_->take_log(), SizeIs(2)) << "the commit and the list";
  EXPECT_EQ(find().folder, first.folder);
  EXPECT_EQ(find("org/tiny@" + first.commit).folder, first.folder);
  options_.offline = true;
  EXPECT_EQ(find().folder, first.folder);
  EXPECT_EQ(pull().folder, first.folder);
  EXPECT_THAT(hub_->take_log(), IsEmpty());
}

TEST_F(HubPull, OfflineAModelThatIsNotThereIsRefusedWithoutAConnection) {
  options_.offline = true;
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("org/tiny"), HasSubstr((folder_ / "home/hub").string())));
  EXPECT_THAT(error.hint(), HasSubstr("fovea pull org/tiny"));
  EXPECT_THAT(hub_->take_log(), IsEmpty());
}

TEST_F(HubPull, ANewCommitComesWithTheNextPullAndBringsOnlyWhatHasChanged) {
  const HubSnapshot old = pull();
  publish("config.json", "{\"new\": true}");
  EXPECT_EQ(find().folder, old.folder) << "a run does not change under its user's hands";
  const HubSnapshot next = pull();
  EXPECT_NE(next.commit, old.commit);
  EXPECT_EQ(next.downloaded, 13U);
  EXPECT_EQ(read_text(next.folder / "config.json"), "{\"new\": true}");
  EXPECT_TRUE(read_text(next.folder / "model.safetensors") == weights_);
  EXPECT_EQ(find().folder, next.folder);
  EXPECT_EQ(find("org/tiny@" + old.commit).folder, old.folder);
}

TEST_F(HubPull, BranchesTagsAndCommitsAreRevisions) {
  for (const char* revision : {"v1.0", "refs+pr+1"}) {
    publish("config.json", revision, std::string("org/tiny@") + revision);
    publish("model.safetensors", "weights", std::string("org/tiny@") + revision);
  }
  const HubSnapshot tag = pull("org/tiny@v1.0");
  EXPECT_EQ(read_text(tag.folder / "config.json"), "v1.0");
  const HubSnapshot request = pull("org/tiny@refs/pr/1");
  EXPECT_EQ(read_text(request.folder / "config.json"), "refs+pr+1");
  EXPECT_EQ(read_text(stored() / "refs/refs/pr/1"), request.commit);
  fs::remove_all(folder_ / "home");
  EXPECT_EQ(pull("org/tiny@" + tag.commit).folder, tag.folder);
  EXPECT_FALSE(fs::exists(stored() / "refs"));
}

TEST_F(HubPull, ShardsAreThoseThatTheIndexNames) {
  const std::string index = R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})";
  publish("model.safetensors.index.json", index, "org/large");
  publish("model-1.safetensors", noise(5000, 1), "org/large");
  publish("model-2.safetensors", noise(5000, 2), "org/large");
  publish("model-3.safetensors", noise(5000, 3), "org/large");
  const HubSnapshot snapshot = pull("org/large");
  EXPECT_THAT(names_below(snapshot.folder),
              UnorderedElementsAre("model.safetensors.index.json", "model-1.safetensors", "model-2.safetensors"));
  EXPECT_EQ(find("org/large").folder, snapshot.folder);
  publish("model.safetensors.index.json", R"({"weight_map": {"a": "gone.safetensors"}})", "org/large");
  EXPECT_THAT(refusal("org/large").what(), HasSubstr("no file gone.safetensors"));
  publish("model.safetensors.index.json", R"({"weight_map": {"a": "../gone.safetensors"}})", "org/large");
  EXPECT_THAT(refusal("org/large").what(), HasSubstr("'../gone.safetensors'"));
}

TEST_F(HubPull, AListOfManyPagesIsReadToItsEnd) {
  hub_->set_faults({fault("hub", "pages", {{"size", 1}})});
  expect_whole(pull());
}

TEST_F(HubPull, WithoutLinksASnapshotHasFilesOfItsOwn) {
  options_.symlinks = false;
  const HubSnapshot snapshot = pull();
  expect_whole(snapshot);
  EXPECT_FALSE(fs::is_symlink(snapshot.folder / "model.safetensors"));
  EXPECT_EQ(pull().downloaded, 0U);
}

TEST_F(HubPull, ASharedBlobOfTheLibraryIsFollowed) {
  const HubSnapshot snapshot = pull();
  const fs::path blob = stored() / "blobs" / sha256_hex(weights_);
  fs::create_directories(folder_ / "home/hub/blobs/ab");
  fs::rename(blob, folder_ / "home/hub/blobs/ab/shared");
  fs::create_symlink("../../blobs/ab/shared", blob);
  EXPECT_EQ(pull().downloaded, 0U);
  EXPECT_EQ(find().folder, snapshot.folder);
}

TEST_F(HubPull, TwoAtOnceDownloadEachFileOnce) {
  hub_->set_faults({fault("cdn", "slow", {{"chunk", 50'000}, {"seconds", 0.05}})});
  std::vector<HubSnapshot> snapshots(4);
  {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
      threads.emplace_back([&, i] { snapshots[i] = pull_model({"org/tiny", "main"}, options_); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (const HubSnapshot& snapshot : snapshots) expect_whole(snapshot);
  EXPECT_THAT(requests_for_weights(), SizeIs(1));
  std::uint64_t downloaded = 0;
  for (const HubSnapshot& snapshot : snapshots) downloaded += snapshot.downloaded;
  EXPECT_EQ(downloaded, snapshots[0].bytes);
}

TEST_F(HubPull, ProgressGrowsToTheSumOfAllFiles) {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  options_.on_progress = [&](const HubProgress& progress) {
    EXPECT_GE(progress.done, done);
    EXPECT_LE(progress.done, progress.total);
    done = progress.done;
    total = progress.total;
  };
  EXPECT_EQ(pull().bytes, total);
  EXPECT_EQ(done, total);
}

TEST_F(HubPull, TheCacheIsListedWithWhatIsNotComplete) {
  const HubSnapshot snapshot = pull();
  publish("config.json", "{}", "org/half");
  publish("model.safetensors", noise(2000), "org/half");
  const HubSnapshot half = pull("org/half");
  fs::remove(half.folder / "model.safetensors");
  write_text(half.folder / "other.pth", "x");
  write_text(half.folder / "another.pth", "x");
  write_text(folder_ / "home/hub/datasets--org--set/snapshots" / snapshot.commit / "model.safetensors", "x");
  write_text(folder_ / "home/hub/models--org--odd/snapshots/main/model.safetensors", "x");
  const std::vector<CachedModel> models = cached_hub_models(options_.cache);
  ASSERT_THAT(models, SizeIs(2));
  EXPECT_EQ(models[0].model.repo, "org/half");
  EXPECT_FALSE(models[0].complete);
  EXPECT_EQ(models[1].model.repo, "org/tiny");
  EXPECT_EQ(models[1].model.revision, "main");
  EXPECT_EQ(models[1].folder, snapshot.folder);
  EXPECT_EQ(models[1].bytes, snapshot.bytes);
  EXPECT_TRUE(models[1].complete);
  EXPECT_THAT(cached_hub_models("/nowhere"), IsEmpty());
}

}  // namespace
}  // namespace fovea::test
