// Classes by text, from the JPEG to the probabilities, against transformers (tools/make_golden_zero_shot.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "support/process.hpp"
#include "support/shared.hpp"

namespace fovea::test {
namespace {

class GoldenZeroShot : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenZeroShot, EveryPhotographHasTheProbabilitiesThatTransformersComputes) {
  const std::filesystem::path golden = source_dir() / "tests/golden/zero_shot" / GetParam();
  std::ifstream stream(golden / "expected.json");
  const auto expected = nlohmann::json::parse(stream);  // photograph → text → probability
  std::vector<std::string> arguments{
      "classify", "-m", golden.string(), "--text-embeddings", (golden / "text.safetensors").string(), "-f", "jsonl"};
  arguments.reserve(arguments.size() + expected.size());
  for (const auto& [photograph, wanted] : expected.items()) {
    arguments.push_back((source_dir() / "samples" / photograph).string());
  }
  const ProcessResult result = run_fovea(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, ::testing::IsEmpty()) << "nothing has to be assumed";

  std::size_t photographs = 0;
  for (const auto& row : result.json_lines()) {
    if (row.at("type") != "result") continue;
    const auto wanted = expected.at(std::filesystem::path(row.at("path").get<std::string>()).filename())
                            .get<std::map<std::string, double>>();
    const auto& predictions = row.at("predictions");
    ASSERT_EQ(predictions.size(), wanted.size());
    double last = 1.0;
    for (const auto& prediction : predictions) {
      const auto label = prediction.at("label").get<std::string>();
      const auto probability = prediction.at("probability").get<double>();
      EXPECT_NEAR(probability, wanted.at(label), 1e-5) << row.at("path") << ", " << label;
      EXPECT_LE(probability, last) << "best first";
      last = probability;
    }
    ++photographs;
  }
  EXPECT_EQ(photographs, expected.size());
}

INSTANTIATE_TEST_SUITE_P(Towers, GoldenZeroShot, ::testing::Values("clip", "siglip"),
                         [](const auto& tower) { return tower.param; });

}  // namespace
}  // namespace fovea::test
