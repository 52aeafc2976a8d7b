// Which inputs are a shard's, and what all shards of a run have in common.
#include "pipeline/folder/shard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "report/files/run_sheet.hpp"

namespace fovea::test {
namespace {

// int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % count, in Python
TEST(ShardOf, IsTheHashThatTheGuideDocuments) {
  EXPECT_EQ(shard_of("cats/tom.jpg", 1), 0U);
  EXPECT_EQ(shard_of("cats/tom.jpg", 7), 5U);
  EXPECT_EQ(shard_of("cats/tom.jpg", 16), 5U);
  EXPECT_EQ(shard_of("cats/tom.jpg", 100000), 2581U);
  EXPECT_EQ(shard_of("", 1), 0U);
  EXPECT_EQ(shard_of("", 7), 1U);
  EXPECT_EQ(shard_of("", 16), 4U);
  EXPECT_EQ(shard_of("", 100000), 61652U);
  EXPECT_EQ(shard_of("\xff.png", 1), 0U);
  EXPECT_EQ(shard_of("\xff.png", 7), 4U);
  EXPECT_EQ(shard_of("\xff.png", 16), 13U);
  EXPECT_EQ(shard_of("\xff.png", 100000), 19357U);
}

TEST(TakePart, PartsEveryInputOnceAndKeepsTheOrder) {
  std::vector<Input> all;
  for (int i = 0; i < 500; ++i) all.push_back({"in/" + std::to_string(i), std::to_string(i), std::nullopt});
  const std::vector<std::string> arguments{"in"};
  std::vector<bool> seen(all.size());
  std::set<std::string> hashes;
  for (std::size_t index = 0; index < 7; ++index) {
    std::vector<Input> own = all;
    std::vector<Input> others;
    const ShardPart part = take_part({index, 7}, arguments, own, others);
    ASSERT_EQ(part.places.size(), own.size());
    EXPECT_EQ(own.size() + others.size(), all.size());
    EXPECT_TRUE(std::is_sorted(part.places.begin(), part.places.end()));
    EXPECT_GT(own.size(), 40U) << "of 71 on average";
    for (std::size_t i = 0; i < own.size(); ++i) {
      EXPECT_EQ(own[i].path, all[part.places[i]].path);
      EXPECT_FALSE(seen[part.places[i]]);
      seen[part.places[i]] = true;
    }
    hashes.insert(part.inputs_sha256);
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 500);
  EXPECT_EQ(hashes.size(), 1U);
}

TEST(RunSheetDocument, ReadsBackAndNamesEachDifference) {
  const RunSheet sheet{.shards = 3,
                       .version = "1",
                       .model_sha256 = "ab",
                       .arguments_sha256 = "cd",
                       .options = {{"alpha", "0.5"}, {"top-k", "3"}},
                       .columns = {.top_k = 3, .values = true, .verdicts = true}};
  const RunSheet read = run_sheet_from_json(run_sheet_json(sheet), "run.json");
  EXPECT_EQ(difference(read, sheet), "");
  EXPECT_EQ(run_sheet_json(read), run_sheet_json(sheet));
  RunSheet other = sheet;
  other.options.erase("top-k");
  EXPECT_EQ(difference(other, sheet), "top-k is not given, expected 3");
  EXPECT_EQ(difference(sheet, other), "top-k is 3, expected not given");
  other = sheet;
  other.version = "2";
  EXPECT_EQ(difference(other, sheet), "fovea's version is 2, expected 1");
  for (const char* wrong :
       {"", "{}", "[1]", R"({"schema":1,"type":"batch_summary"})", R"({"schema":1,"type":"batch_run"})"}) {
    EXPECT_THROW((void)run_sheet_from_json(wrong, "run.json"), Error) << wrong;
  }
}

}  // namespace
}  // namespace fovea::test
