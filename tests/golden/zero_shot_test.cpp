// Classes by text, from the JPEG to the probabilities, against transformers (tools/make_golden_zero_shot.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "report/files/documents.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

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

TEST_P(GoldenZeroShot, EveryTextHasTheMapsThatAutogradGives) {
  const std::filesystem::path golden = source_dir() / "tests/golden/zero_shot" / GetParam();
  const auto checkpoint = open_checkpoint(golden / "maps.safetensors");
  const TempFolder folder;
  std::vector<std::string> arguments{"explain",
                                     "-m",
                                     golden.string(),
                                     "--text-embeddings",
                                     (golden / "text.safetensors").string(),
                                     "--map-format",
                                     "npy",
                                     "-q",
                                     "-o",
                                     folder.path().string(),
                                     (source_dir() / "samples/cat_and_espresso.jpg").string()};
  std::size_t texts = 0;
  for (const TensorView& maps : checkpoint->tensors()) {
    texts = maps.shape[0];
    arguments.insert(arguments.end(), {"--method", std::string(maps.name)});
  }
  ASSERT_EQ(checkpoint->tensors().size(), 2U);
  for (std::size_t text = 0; text < texts; ++text) {
    arguments.insert(arguments.end(), {"--target", std::to_string(text)});
  }
  const ProcessResult result = run_fovea(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const TensorView& maps : checkpoint->tensors()) {
    const std::vector<float> expected = to_float(maps);
    const std::size_t patches = expected.size() / texts;
    for (std::size_t text = 0; text < texts; ++text) {
      const auto file =
          folder.path() / ("cat_and_espresso.jpg." + std::string(maps.name) + "." + std::to_string(text) + ".npy");
      const NpyArray map = parse_npy_f32(read_file(file), "map");
      ASSERT_EQ(map.shape, (std::vector<std::size_t>{maps.shape[1], maps.shape[2]}));
      const auto wanted = std::span(expected).subspan(text * patches, patches);
      const float largest = *std::max_element(wanted.begin(), wanted.end());
      ASSERT_GT(largest, 0.0F);
      for (std::size_t i = 0; i < patches; ++i) {
        ASSERT_NEAR(map.values[i], wanted[i], 1e-4F * largest) << maps.name << ", text " << text << ", patch " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Towers, GoldenZeroShot, ::testing::Values("clip", "siglip"),
                         [](const auto& tower) { return tower.param; });

}  // namespace
}  // namespace fovea::test
