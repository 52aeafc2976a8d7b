// Names of models, addresses, paths and choices: what of a hub's words is believed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/hub.hpp"
#include "hub/cache.hpp"
#include "hub/http.hpp"
#include "hub/listing.hpp"
#include "hub/url.hpp"
#include "hub/wanted.hpp"
#include "support/pictures.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

template <typename Action>
std::optional<ErrorCode> code_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

TEST(HubNames, AModelIsNamedByItsOwnerAndNameAndMaybeARevision) {
  for (const char* name : {"google/vit-base", "hf:google/vit-base", "hf://google/vit-base", "hf-hub:google/vit-base",
                           "hf_hub:google/vit-base"}) {
    const HubModel model = parse_hub_model(name);
    EXPECT_EQ(model.repo, "google/vit-base") << name;
    EXPECT_EQ(model.revision, "main") << name;
    EXPECT_EQ(is_hub_name(name), std::string(name).find(':') != std::string::npos) << name;
  }
  EXPECT_EQ(parse_hub_model("hf:a/b@refs/pr/1").revision, "refs/pr/1");
  EXPECT_EQ(parse_hub_model("a/b@v1.0").revision, "v1.0");
  EXPECT_EQ(parse_hub_model("timm/vit_tiny_patch16_224.augreg_in21k").repo, "timm/vit_tiny_patch16_224.augreg_in21k");
}

TEST(HubNames, WhatCouldLeadOutOfTheCacheIsNoName) {
  const std::vector<std::string> refused = {"",
                                            "a",
                                            "/",
                                            "a/",
                                            "/b",
                                            "a/b/c",
                                            "../b",
                                            "a/..",
                                            "./b",
                                            "a/.b",
                                            "a/b..c",
                                            "a--b/c",
                                            "a/b--c",
                                            "a/b.git",
                                            "a /b",
                                            "a/b\n",
                                            "a/b%2e",
                                            "-a/b",
                                            "hf:",
                                            "hf:a",
                                            "a/b@",
                                            "a/b@..",
                                            "a/b@../c",
                                            "a/b@/c",
                                            "a/b@-c",
                                            "a/b@c/",
                                            "a/b@c//d",
                                            "a/b@c\nd",
                                            "a/b@c d",
                                            "a/b@c@d",
                                            "a/" + std::string(97, 'b'),
                                            std::string(5000, 'a') + "/b",
                                            "a/b@" + std::string(257, 'c'),
                                            "models--a/b/c",
                                            "https://host/a/b"};
  for (const std::string& name : refused) {
    EXPECT_EQ(code_of([&] { static_cast<void>(parse_hub_model(name)); }), ErrorCode::kUsage) << name;
  }
  for (const HubModel& model : {HubModel{"a/b", "../x"}, HubModel{"../b", "main"}, HubModel{"a/b@c", "main"}}) {
    HubOptions options;
    options.cache = "/nowhere";
    options.offline = true;
    EXPECT_EQ(code_of([&] { pull_model(model, options); }), ErrorCode::kUsage) << model.repo << model.revision;
  }
}

TEST(HubNames, AnAddressIsItsOriginAndItsPath) {
  const Url url = parse_url("HTTPS://Host.Example:443/a/b?c=d#e", "it");
  EXPECT_EQ(url.origin, "https://host.example");
  EXPECT_EQ(url.path, "/a/b?c=d");
  EXPECT_EQ(parse_url("http://127.0.0.1:8080", "it").origin, "http://127.0.0.1:8080");
  EXPECT_EQ(resolve_url(url, "/x?y").text(), "https://host.example/x?y");
  EXPECT_EQ(resolve_url(url, "//other/x").text(), "https://other/x");
  EXPECT_EQ(resolve_url(url, "http://other:81/x").text(), "http://other:81/x");
  EXPECT_EQ(percent_encoded("refs/pr/1 +%", false), "refs%2Fpr%2F1%20%2B%25");
  EXPECT_EQ(percent_encoded("a/b c", true), "a/b%20c");
}

TEST(HubNames, AnAddressThatTwoReadersCouldReadDifferentlyIsRefused) {
  for (const char* text :
       {"", "host", "ftp://host", "https://", "https:///a", "https://user@host/", "https://hub.example@evil/",
        "https://host:port/", "https://host:1234567/", "https://host:/", "https://ho st/", "https://host/a b",
        "https://host\\@evil/", "https://host/\n", "https://[::1/", "https://[x]/", "javascript:alert(1)"}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(parse_url(text, "it")); }), ErrorCode::kUsage) << text;
  }
}

TEST(HubNames, OnlyThisMachineIsLoopback) {
  for (const char* text :
       {"http://localhost", "http://LOCALHOST:80/x", "http://127.0.0.1:9", "http://127.8.9.1", "http://[::1]:9/"}) {
    EXPECT_TRUE(parse_url(text, "it").is_loopback()) << text;
  }
  for (const char* text : {"http://127.0.0.1.example", "http://localhost.example", "http://128.0.0.1", "http://[::2]",
                           "http://0.0.0.0", "http://example/127.0.0.1"}) {
    EXPECT_FALSE(parse_url(text, "it").is_loopback()) << text;
  }
}

TEST(HubNames, PlainHttpStaysWithinThisMachineUnlessTheUserWantsIt) {
  HubOptions options;
  options.endpoint = "http://hub.example";
  EXPECT_EQ(code_of([&] { HttpClient{options}; }), ErrorCode::kUnreadable);
  options.insecure = true;
  EXPECT_EQ(code_of([&] { HttpClient{options}; }), std::nullopt);
  options.insecure = false;
  for (const char* endpoint : {"https://hub.example", "http://localhost:1", "https://hub.example/mirror/"}) {
    options.endpoint = endpoint;
    EXPECT_EQ(code_of([&] { HttpClient{options}; }), std::nullopt) << endpoint;
  }
  EXPECT_EQ(HttpClient(options).address("/api").text(), "https://hub.example/mirror/api");
}

TEST(HubNames, ATokenThatCouldWriteAHeaderOfItsOwnIsRefused) {
  HubOptions options;
  for (const std::string& token :
       {std::string("a b"), std::string("a\r\nX: y"), std::string("\xC3\xA9"), std::string(5000, 'a')}) {
    options.token = token;
    EXPECT_EQ(code_of([&] { HttpClient{options}; }), ErrorCode::kUsage) << token;
  }
  options.token = "hf_abcDEF123";
  EXPECT_EQ(code_of([&] { HttpClient{options}; }), std::nullopt);
}

TEST(HubNames, APathOfAListingStaysInItsFolder) {
  for (const char* path : {"config.json", "a/b.c", "a b/c", "..a", "a..b/c", "\xC3\xA9.bin"})
    EXPECT_TRUE(is_inner_path(path)) << path;
  for (const std::string& path :
       {std::string(), std::string("/a"), std::string("../a"), std::string("a/../b"), std::string("a//b"),
        std::string("a/"), std::string("./a"), std::string("a\\b"), std::string("a\nb"), std::string("a\0b", 3),
        std::string(256, 'a'), "a/" + std::string(1000, 'b')}) {
    EXPECT_FALSE(is_inner_path(path)) << path;
  }
}

std::vector<std::string> wanted(const std::vector<std::string>& names, const std::vector<std::string>& include = {}) {
  return wanted_files("a/b", names, include).paths;
}

TEST(HubNames, WhatIsDownloadedIsWhatAFolderWithAllOfItWouldBeReadAs) {
  EXPECT_THAT(wanted({"README.md", "LICENSE", "config.json", "flax_model.msgpack", "model.safetensors",
                      "preprocessor_config.json", "pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "run.py"}),
              UnorderedElementsAre("config.json", "preprocessor_config.json", "model.safetensors"));
  EXPECT_THAT(wanted({"open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
                      "sub/config.json"}),
              UnorderedElementsAre("open_clip_config.json", "open_clip_model.safetensors"));
  EXPECT_THAT(wanted({"config.json", "model.safetensors.index.json", "model-1.safetensors", "model-2.safetensors"}),
              UnorderedElementsAre("config.json", "model.safetensors.index.json"));
  EXPECT_THAT(wanted({"vit.npz", "README.md"}), ElementsAre("vit.npz"));
  EXPECT_THAT(wanted({"dinov2_vits14_pretrain.pth", "dinov2_vits14_linear_head.pth"}),
              UnorderedElementsAre("dinov2_vits14_pretrain.pth", "dinov2_vits14_linear_head.pth"));
}

TEST(HubNames, TwoCheckpointsAreOneTooManyUnlessAPatternChooses) {
  const std::vector<std::string> names{"config.json", "a.pth", "b.pth", "c/d.bin", "train.py"};
  try {
    static_cast<void>(wanted(names));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("2 checkpoints"));
    EXPECT_THAT(error.hint(), HasSubstr("--include"));
  }
  EXPECT_EQ(code_of([&] { static_cast<void>(wanted({"config.json"})); }), ErrorCode::kNotFound);
  EXPECT_THAT(wanted(names, {"a.*"}), UnorderedElementsAre("config.json", "a.pth"));
  EXPECT_THAT(wanted(names, {"*"}), UnorderedElementsAre("config.json", "a.pth", "b.pth", "c/d.bin"));
  EXPECT_EQ(code_of([&] { static_cast<void>(wanted(names, {"*.py"})); }), ErrorCode::kUsage);
  EXPECT_EQ(code_of([&] { static_cast<void>(wanted(names, {"e*"})); }), ErrorCode::kUsage);
}

TEST(HubNames, TheCacheSaysWhatItHasAndWhatItCannotKnow) {
  const TempFolder folder;
  const std::string commit(40, 'c');
  const HubCache cache(folder.path(), "org/name");
  EXPECT_EQ(cache.folder().filename(), "models--org--name");
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kNothing);
  const auto snapshot = cache.snapshot(commit);
  write_text(snapshot / "config.json", "{}");
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kNothing) << "no weights";
  write_text(snapshot / "model.safetensors", "x");
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kProbably) << "there may be a preprocessor_config.json";
  const std::vector<std::string> absent{"preprocessor_config.json", "processor_config.json", "open_clip_config.json"};
  cache.remember_absent(commit, absent);
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kAll);
  write_text(cache.folder() / "trees" / (commit + ".json"),
             R"({"format_version": 1, "files": {"model.safetensors": {}, "preprocessor_config.json": {}}})");
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kNothing) << "the list of files is the truth";
  write_text(snapshot / "preprocessor_config.json", "{}");
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kAll);
  for (const char* other : {"[]", "{}", "nothing", R"({"format_version": 2, "files": {}})",
                            R"({"format_version": "1"})", R"({"format_version": 1, "files": []})"}) {
    EXPECT_THAT(listed_paths(other), ElementsAre()) << other;
  }
}

TEST(HubNames, AnIndexWithoutItsShardsIsNotAllThatIsNeeded) {
  const TempFolder folder;
  const std::string commit(40, 'c');
  const HubCache cache(folder.path(), "org/name");
  const auto snapshot = cache.snapshot(commit);
  write_text(snapshot / "model.safetensors.index.json",
             R"({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})");
  write_text(snapshot / "one.safetensors", "x");
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kNothing);
  write_text(snapshot / "two.safetensors", "x");
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kProbably);
  std::filesystem::remove(snapshot / "two.safetensors");
  std::filesystem::create_symlink("../../blobs/none", snapshot / "two.safetensors");
  EXPECT_EQ(look_into(cache, "org/name", commit), Cached::kNothing) << "a link to nothing is no file";
}

TEST(HubNames, TheDefaultHubIsTheOnlyServerThatTheSourcesName) {
  const std::regex server("https://[A-Za-z0-9-]+[.][A-Za-z]");
  std::vector<std::string> found;
  for (const char* top : {"src", "include"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source_dir() / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp" && extension != ".def" && extension != ".in") continue;
      std::istringstream lines(read_text(entry.path()));
      for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!std::regex_search(line, match, server)) continue;
        const std::string before = match.prefix();
        const bool is_comment = before.find("//") != std::string::npos;
        const bool is_signature = before.ends_with("version ");  // of git-lfs's pointers
        if (!is_comment && !is_signature) found.push_back(line);
      }
    }
  }
  ASSERT_EQ(found.size(), 1U) << testing::PrintToString(found);
  EXPECT_THAT(found[0], HasSubstr(kHubEndpoint));
}

}  // namespace
}  // namespace fovea::test
