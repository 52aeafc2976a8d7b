// Everything that a hub, a network and an earlier download can do wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/process/interrupt.hpp"
#include "base/sha256.hpp"
#include "support/hub_fixture.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class HubFaults : public HubTest {
 protected:
  void expect_refusal(ErrorCode code, const ::testing::Matcher<std::string>& message,
                      const ::testing::Matcher<std::string>& hint = HasSubstr("")) const {
    const Error error = refusal();
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), message);
    EXPECT_THAT(error.hint(), hint);
    EXPECT_THAT(error.what() + error.hint(), Not(HasSubstr("hf_secret")));
  }
  /// A line "bytes=N-" of a request, or nothing.
  static std::string range_of(const Json& request) { return request.at("headers").value("range", ""); }
};

TEST_F(HubFaults, AGatedModelIsCalledGated) {
  hub_->set_faults({fault("hub", "gated")});
  expect_refusal(ErrorCode::kUnreadable, HasSubstr("org/tiny: is gated"), HasSubstr("HF_TOKEN"));
}

TEST_F(HubFaults, WhatIsNotThereOrPrivateAsksForAToken) {
  hub_->set_faults({fault("hub", "token", {{"is", "hf_right"}})});
  expect_refusal(ErrorCode::kNotFound, HasSubstr("no such model, or a private one"), HasSubstr("needs a token"));
  options_.token = "hf_secret";
  expect_refusal(ErrorCode::kNotFound, HasSubstr("no such model"), HasSubstr("its permissions"));
  hub_->set_faults({});
  EXPECT_THAT(refusal("org/nothing").what(), HasSubstr("org/nothing: no such model"));
  const Error revision = refusal("org/tiny@v9");
  EXPECT_EQ(revision.code(), ErrorCode::kNotFound);
  EXPECT_THAT(revision.what(), HasSubstr("has no revision 'v9'"));
}

TEST_F(HubFaults, AFileThatIsListedAndNotThereEndsThePull) {
  for (const int status : {403, 404, 410}) {
    hub_->set_faults({fault("cdn", "status", {{"code", status}})});
    EXPECT_THAT(refusal().what(), HasSubstr(std::to_string(status))) << status;
  }
  EXPECT_FALSE(fs::exists(stored() / "refs/main")) << "a branch is known when all of it is there";
}

TEST_F(HubFaults, ABusyServerIsAskedAgain) {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    fs::remove_all(folder_ / "home");
    hub_->set_faults({fault("hub", "status", {{"code", status}, {"path", "revision"}, {"times", 2}}),
                      fault("hub", "status", {{"code", status}, {"path", "tree"}, {"times", 1}}),
                      fault("cdn", "status", {{"code", status}, {"times", 3}, {"headers", {{"Retry-After", "0"}}}})});
    expect_whole(pull());
  }
}

TEST_F(HubFaults, AServerThatStaysBusyIsAskedSixTimes) {
  hub_->set_faults({fault("hub", "status", {{"code", 503}})});
  expect_refusal(ErrorCode::kUnreadable, AllOf(HasSubstr("answers 503"), HasSubstr("6 tries")),
                 HasSubstr("HF_HUB_OFFLINE"));
  EXPECT_THAT(hub_->take_log(), SizeIs(6));
}

TEST_F(HubFaults, AServerThatWantsMorePatienceThanTwoMinutesIsNotWaitedFor) {
  hub_->set_faults({fault("hub", "status", {{"code", 429}, {"headers", {{"Retry-After", "3600"}}}})});
  expect_refusal(ErrorCode::kUnreadable, HasSubstr("asks to wait for 3600 s"));
  EXPECT_THAT(hub_->take_log(), SizeIs(1));
}

TEST_F(HubFaults, AHubThatIsNotThereIsSaidToBeNotThere) {
  options_.endpoint = "http://127.0.0.1:9";
  expect_refusal(ErrorCode::kUnreadable, AllOf(HasSubstr("http://127.0.0.1:9"), HasSubstr("3 tries")));
}

TEST_F(HubFaults, ADownloadThatIsCutGoesOnWhereItWas) {
  hub_->set_faults({fault("cdn", "cut", {{"bytes", 100'000}, {"times", 2}})});
  const HubSnapshot snapshot = pull();
  expect_whole(snapshot);
  EXPECT_EQ(snapshot.downloaded, snapshot.bytes);
  const auto requests = requests_for_weights();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_EQ(range_of(requests[0]), "");
  EXPECT_EQ(range_of(requests[1]), "bytes=100000-");
  EXPECT_EQ(range_of(requests[2]), "bytes=200000-");
  EXPECT_THAT(requests[2].at("headers").at("if-range").get<std::string>(), HasSubstr("cdn-"));
}

TEST_F(HubFaults, OneByteATimeIsProgress) {
  publish("model.safetensors", weights_.substr(0, 1'007));
  hub_->set_faults({fault("cdn", "cut", {{"bytes", 100}, {"times", 10}})});
  EXPECT_TRUE(read_text(pull().folder / "model.safetensors") == weights_.substr(0, 1'007));
}

TEST_F(HubFaults, AServerWithoutPartsIsReadFromTheBeginning) {
  hub_->set_faults({fault("cdn", "cut", {{"bytes", 100'000}, {"times", 1}}), fault("cdn", "whole")});
  expect_whole(pull());
}

TEST_F(HubFaults, AnotherPartThanWasAskedForIsNotTaken) {
  hub_->set_faults({fault("cdn", "cut", {{"bytes", 100'000}, {"times", 1}}), fault("cdn", "part", {{"times", 2}})});
  expect_whole(pull());
}

TEST_F(HubFaults, AStalledConnectionIsGivenUpAndOpenedAgain) {
  options_.timeout = std::chrono::seconds(1);
  hub_->set_faults({fault("cdn", "stall", {{"bytes", 100'000}, {"seconds", 20}, {"times", 1}})});
  expect_whole(pull());
  EXPECT_THAT(requests_for_weights(), SizeIs(2));
}

TEST_F(HubFaults, WrongBytesAreNoticedAndNotKept) {
  hub_->set_faults({fault("cdn", "wrong", {{"byte", 150'000}})});
  std::string wrong = weights_;
  wrong[150'000] ^= 1;
  expect_refusal(ErrorCode::kCheckpoint,
                 AllOf(HasSubstr("model.safetensors"), HasSubstr(sha256_hex(weights_)), HasSubstr(sha256_hex(wrong))));
  EXPECT_THAT(requests_for_weights(), SizeIs(2));
  EXPECT_FALSE(fs::exists(stored() / "blobs" / sha256_hex(weights_)));
  EXPECT_THAT(left_overs(), IsEmpty());
  fs::remove_all(stored());
  hub_->set_faults({fault("hub", "wrong", {{"path", "/config.json"}, {"byte", 3}})});
  expect_refusal(ErrorCode::kCheckpoint, HasSubstr("config.json"));
  hub_->set_faults({fault("cdn", "wrong", {{"byte", 0}, {"times", 1}})});
  expect_whole(pull());
}

TEST_F(HubFaults, AFileOfAnotherSizeThanListedIsRefusedAtOnce) {
  hub_->set_faults({fault("cdn", "short")});
  expect_refusal(ErrorCode::kUnreadable, AllOf(HasSubstr("299999 bytes"), HasSubstr("expected 300000")));
  hub_->set_faults({fault("cdn", "html")});
  expect_refusal(ErrorCode::kUnreadable, HasSubstr("expected 300000"), HasSubstr("browser"));
}

TEST_F(HubFaults, AFileWithoutEndIsNotReadToIt) {
  hub_->set_faults({fault("cdn", "endless")});
  expect_refusal(ErrorCode::kUnreadable, HasSubstr("goes on after 300000 bytes"));
}

TEST_F(HubFaults, AnotherHashThanListedIsRefusedBeforeAnyByte) {
  hub_->set_faults({fault("hub", "linked", {{"etag", std::string(64, 'a')}})});
  expect_refusal(ErrorCode::kCheckpoint, AllOf(HasSubstr(std::string(64, 'a')), HasSubstr(sha256_hex(weights_))));
  EXPECT_THAT(requests_for_weights(), IsEmpty());
}

TEST_F(HubFaults, APathThatLeadsOutOfTheModelIsNotFollowed) {
  const std::string hash(40, 'a');
  for (const char* path : {"../../../evil.txt", "/etc/evil", "a/../../evil", "a//b", ""}) {
    hub_->set_faults(
        {fault("hub", "tree", {{"entry", {{"type", "file"}, {"path", path}, {"size", 3}, {"oid", hash}}}})});
    expect_refusal(ErrorCode::kCheckpoint, HasSubstr("expected a path in the model's folder"),
                   HasSubstr("do not trust"));
  }
  for (const Json& odd :
       {Json{{"path", "a"}, {"size", -1}, {"oid", hash}}, Json{{"path", "a"}, {"size", 1.5}, {"oid", hash}},
        Json{{"path", "a"}, {"oid", hash}}, Json{{"path", "a"}, {"size", 3}, {"oid", "../evil"}},
        Json{{"path", "a"}, {"size", 3}}, Json{{"path", 7}, {"size", 3}, {"oid", hash}},
        Json{{"path", "a"}, {"size", 3}, {"oid", hash}, {"lfs", {{"oid", hash}, {"size", 3}}}}}) {
    Json entry = odd;
    entry["type"] = "file";
    hub_->set_faults({fault("hub", "tree", {{"entry", entry}})});
    expect_refusal(ErrorCode::kCheckpoint, HasSubstr("the hub lists"));
  }
  hub_->set_faults({fault("hub", "tree", {{"entry", "text"}})});
  expect_refusal(ErrorCode::kCheckpoint, HasSubstr("something else than files"));
  EXPECT_FALSE(fs::exists(folder_ / "home"));
}

TEST_F(HubFaults, ACommitThatIsNoneIsRefused) {
  for (const Json& commit : {Json("../../evil"), Json(""), Json(7), Json(std::string(40, 'G'))}) {
    hub_->set_faults({fault("hub", "commit", {{"is", commit}})});
    expect_refusal(ErrorCode::kUnreadable, HasSubstr("expected 40 hex digits"));
  }
}

TEST_F(HubFaults, APageThatIsNoJsonMayStandBeforeTheHub) {
  hub_->set_faults({fault("hub", "html")});
  expect_refusal(ErrorCode::kUnreadable, HasSubstr("something else than JSON"), HasSubstr("no hub"));
}

TEST_F(HubFaults, RedirectsLeadNowhereThatIsNotAllowed) {
  for (const auto& [to, message] : std::vector<std::pair<std::string, std::string>>{
           {"http://192.0.2.1/x", "plain http"},
           {"file:///etc/passwd", "expected an address"},
           {"//evil@host/", "expected an address"},
           {"/api/models/org/tiny/revision/main", "redirects more than 10 times"}}) {
    hub_->set_faults({fault("hub", "redirect", {{"to", to}})});
    expect_refusal(ErrorCode::kUnreadable, HasSubstr(message));
  }
}

TEST_F(HubFaults, MoreThanTheDiskHoldsIsRefusedBeforeTheFirstByte) {
  const Json large{{"oid", std::string(64, 'a')}, {"size", std::uint64_t{1} << 49U}, {"pointerSize", 134}};
  hub_->set_faults({fault("hub", "tree",
                          {{"entry",
                            {{"type", "file"},
                             {"path", "preprocessor_config.json"},
                             {"size", 3},
                             {"oid", std::string(40, 'a')},
                             {"lfs", large}}}})});
  fs::remove(hub_->model("org/tiny") / "preprocessor_config.json");
  expect_refusal(ErrorCode::kOutput, HasSubstr("the disk has room for"), HasSubstr("HF_HOME"));
  EXPECT_FALSE(fs::exists(folder_ / "home"));
}

TEST_F(HubFaults, WhatAnEarlierDownloadHasLeftIsGoneOnWith) {
  const fs::path part = left_part(pull());
  for (const std::size_t size : {std::size_t{1}, std::size_t{123'456}, weights_.size() - 1, weights_.size()}) {
    fs::remove_all(stored());
    static_cast<void>(hub_->take_log());
    write_text(part, weights_.substr(0, size));
    const HubSnapshot snapshot = pull();
    expect_whole(snapshot);
    EXPECT_EQ(snapshot.downloaded, snapshot.bytes - size);
    const auto requests = requests_for_weights();
    ASSERT_THAT(requests, SizeIs(size == weights_.size() ? 0 : 1));
    for (const Json& request : requests) EXPECT_EQ(range_of(request), "bytes=" + std::to_string(size) + "-");
  }
}

TEST_F(HubFaults, WhatAnEarlierDownloadHasLeftWrongIsDownloadedWhole) {
  const fs::path part = left_part(pull());
  for (const std::string& left : {noise(1000, 7), noise(weights_.size(), 7), noise(weights_.size() + 1, 7),
                                  weights_ + "more", std::string(weights_.size(), '\0')}) {
    fs::remove_all(stored());
    write_text(part, left);
    expect_whole(pull());
  }
}

TEST_F(HubFaults, APartIsKeptWhereTheNetworkEndsForGood) {
  write_text(stored() / "blobs" / (sha256_hex(weights_) + ".incomplete"), weights_.substr(0, 1000));
  hub_->set_faults({fault("cdn", "cut", {{"bytes", 0}})});
  expect_refusal(ErrorCode::kUnreadable, AllOf(HasSubstr("model.safetensors"), HasSubstr("6 tries")),
                 HasSubstr("goes on from what is there"));
  EXPECT_THAT(left_overs(), ElementsAre(sha256_hex(weights_) + ".incomplete"));
  EXPECT_EQ(fs::file_size(stored() / "blobs" / left_overs().front()), 1000U);
}

TEST_F(HubFaults, AFileInTheCacheThatWasDamagedIsReplaced) {
  const HubSnapshot snapshot = pull();
  std::string damaged = weights_;
  damaged[7] ^= 1;
  for (const std::string& content : {damaged, weights_.substr(1), std::string()}) {
    write_text(stored() / "blobs" / sha256_hex(weights_), content);
    EXPECT_EQ(pull().downloaded, weights_.size());
    expect_whole(snapshot);
  }
  fs::remove(snapshot.folder / "model.safetensors");
  EXPECT_EQ(pull().downloaded, 0U) << "the blob was there";
  expect_whole(snapshot);
  fs::remove(snapshot.folder / "model.safetensors");
  write_text(snapshot.folder / "model.safetensors", "a file in the link's place");
  EXPECT_EQ(pull().downloaded, 0U);
  expect_whole(snapshot);
}

TEST_F(HubFaults, AnInterruptLeavesAPartForTheNextPull) {
  hub_->set_faults({fault("cdn", "slow", {{"chunk", 20'000}, {"seconds", 0.02}})});
  options_.on_progress = [&](const HubProgress& progress) {
    if (progress.file == "model.safetensors" && progress.done > 100'000) request_interrupt();
  };
  EXPECT_THROW(pull(), Interrupted);
  withdraw_interrupt();
  options_.on_progress = {};
  ASSERT_THAT(left_overs(), SizeIs(1));
  const auto there = fs::file_size(stored() / "blobs" / left_overs().front());
  EXPECT_GT(there, 90'000U);
  const HubSnapshot snapshot = pull();
  expect_whole(snapshot);
  EXPECT_EQ(snapshot.downloaded, weights_.size() - there);
}

}  // namespace
}  // namespace fovea::test
