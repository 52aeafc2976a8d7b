#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "fovea/model.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

TEST(SummaryJson, HoldsCountsModelOptionsAndHistograms) {
  const BatchSummary summary{.counts = {.succeeded = 3, .failed = 1, .interrupted = true},
                             .skipped = 2,
                             .removed = 4,
                             .seconds = 1.23456789,
                             .images_per_second = 61.7283945,
                             .model_name = "vit_tiny_tin200",
                             .model_path = "weights/vit_tiny_tin200/model.safetensors",
                             .model_sha256 = "ab",
                             .labels_source = "config.json",
                             .options = {{"--top-k", "5"}},
                             .class_histogram = {{"Egyptian cat", 2}, {"espresso", 1}},
                             .failures = {{"decode", 1}},
                             .version = "0.1.0",
                             .shard = {}};
  const std::string text = summary_json(summary);
  EXPECT_TRUE(text.ends_with("}\n"));
  EXPECT_EQ(
      nlohmann::ordered_json::parse(text).dump(),
      R"({"schema":1,"type":"batch_summary","succeeded":3,"failed":1,"skipped":2,"removed":4,"interrupted":true,"seconds":1.235,)"
      R"("images_per_second":61.728,"model":{"name":"vit_tiny_tin200",)"
      R"("path":"weights/vit_tiny_tin200/model.safetensors","sha256":"ab","labels":"config.json"},"options":{"--top-k":"5"},)"
      R"("class_histogram":{"Egyptian cat":2,"espresso":1},"failures":{"decode":1},"version":"0.1.0"})");
}

TEST(SummaryJson, IsValidJsonForAModelPathThatIsNotUtf8AndARunWithoutAnything) {
  BatchSummary summary;
  summary.model_path = "m\xFF";
  const auto document = nlohmann::ordered_json::parse(summary_json(summary));
  EXPECT_EQ(document["model"]["path"], "m\xEF\xBF\xBD");
  EXPECT_TRUE(document["class_histogram"].is_object());
  EXPECT_EQ(document["succeeded"], 0);
}

}  // namespace
}  // namespace fovea
