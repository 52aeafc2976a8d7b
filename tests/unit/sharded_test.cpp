#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "support/checkpoint_files.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

/// a.safetensors with the tensors a1 and a2, b.safetensors with b1, and an index of them.
class ShardedTest : public testing::Test {
 protected:
  ShardedTest() {
    test::write_safetensors(folder_ / "a.safetensors", {{"a1", {{2}, {1, 2}}}, {"a2", {{1, 2}, {3, 4}}}});
    test::write_safetensors(folder_ / "b.safetensors", {{"b1", {{}, {5}}}}, "F16");
  }
  [[nodiscard]] std::filesystem::path write_index(const json& weight_map) const {
    const auto file = folder_ / "model.safetensors.index.json";
    test::write_bytes(file, json{{"metadata", {{"total_size", 18}}}, {"weight_map", weight_map}}.dump(2));
    return file;
  }
  const json whole_{{"a1", "a.safetensors"}, {"a2", "a.safetensors"}, {"b1", "b.safetensors"}};
  test::TempFolder folder_;
};

TEST_F(ShardedTest, GivesTheTensorsOfAllShardsSorted) {
  const auto checkpoint = open_checkpoint(write_index(whole_));
  EXPECT_EQ(checkpoint->format(), "sharded safetensors");
  ASSERT_EQ(checkpoint->tensors().size(), 3U);
  EXPECT_EQ(to_float(*checkpoint->find("a2")), (std::vector<float>{3, 4}));
  EXPECT_EQ(to_float(*checkpoint->find("b1")), std::vector<float>{5});
}

TEST_F(ShardedTest, FindsTheShardsBesideALinkToTheIndex) {
  // As in the cache of Hugging Face, where the index is a link to a folder that has no shards.
  std::filesystem::create_directory(folder_ / "blobs");
  std::filesystem::rename(write_index(whole_), folder_ / "blobs/1f");
  std::filesystem::create_symlink("blobs/1f", folder_ / "model.safetensors.index.json");
  EXPECT_EQ(open_checkpoint(folder_ / "model.safetensors.index.json")->tensors().size(), 3U);
}

TEST_F(ShardedTest, RefusesNamesThatLeadOutOfTheFolder) {
  for (const std::string shard : {"../a.safetensors", "/etc/passwd", "..", ".", "", "x/../a.safetensors"}) {
    auto map = whole_;
    map["a1"] = shard;
    EXPECT_THAT(test::refusal(write_index(map)), HasSubstr("expected the name of a file in the index's folder"))
        << shard;
  }
  auto map = whole_;
  map["a1"] = std::string("a.safetensors\0", 14);
  EXPECT_THAT(test::refusal(write_index(map)), HasSubstr("expected the name of a file in the index's folder"));
}

TEST_F(ShardedTest, ListsAllThatIsMissingAndAllThatIsTooMuchInOneError) {
  const json map{{"a1", "a.safetensors"}, {"a3", "a.safetensors"}, {"b2", "b.safetensors"}, {"c", "c.safetensors"}};
  EXPECT_THAT(test::refusal(write_index(map)),
              AllOf(HasSubstr("'a3' is missing from a.safetensors"), HasSubstr("'b2' is missing from b.safetensors"),
                    HasSubstr("'a2' is in a.safetensors, but the index does not list it there"),
                    HasSubstr("'b1' is in b.safetensors, but the index does not list it there"),
                    HasSubstr("the file c.safetensors is missing")));
  json many = whole_;
  for (int i = 0; i < 500; ++i) many['x' + std::to_string(i)] = "a.safetensors";
  EXPECT_THAT(test::refusal(write_index(many)), HasSubstr("and 488 more"));
}

TEST_F(ShardedTest, RefusesATensorThatTwoShardsHave) {
  test::write_safetensors(folder_ / "b.safetensors", {{"b1", {{}, {5}}}, {"a1", {{2}, {6, 7}}}});
  EXPECT_THAT(test::refusal(write_index(whole_)), HasSubstr("'a1' is in b.safetensors, but the index does not"));
}

TEST_F(ShardedTest, RefusesAnIndexAsAShard) {
  auto map = whole_;
  map["a1"] = "model.safetensors.index.json";
  EXPECT_THAT(test::refusal(write_index(map)), HasSubstr("is an index itself"));
}

TEST_F(ShardedTest, NamesTheShardThatIsDamaged) {
  std::filesystem::resize_file(folder_ / "b.safetensors", 60);
  EXPECT_THROW(static_cast<void>(open_checkpoint(write_index(whole_))), Error);
  try {
    static_cast<void>(open_checkpoint(write_index(whole_)));
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("b.safetensors: "));
  }
}

TEST_F(ShardedTest, RefusesWhatIsNoIndexAndEveryTruncation) {
  for (const json& map : {json::object(), json::array({"a.safetensors"}), json(nullptr), json(7), json{{"a1", 7}},
                          json{{"a1", {{"b", "c"}}}}}) {
    EXPECT_NE(test::refusal(write_index(map)), "accepted") << map;
  }
  EXPECT_THAT(test::refusal_of(R"({"architecture": "vit_tiny_patch16_224"})", "config.json"),
              HasSubstr("config.json: the file has no weight_map"));
  const std::string index = test::read_bytes(write_index(whole_));
  for (std::size_t cut = 0; cut < index.size(); ++cut) {
    test::write_bytes(folder_ / "model.safetensors.index.json", index.substr(0, cut));
    EXPECT_NE(test::refusal(folder_ / "model.safetensors.index.json"), "accepted") << cut;
  }
}

}  // namespace
}  // namespace fovea
