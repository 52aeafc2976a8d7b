// The default model's answers for samples/, against values computed without fovea (tools/reference/vit_numpy.py).
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "fovea/classifier.hpp"
#include "support/shared.hpp"

namespace fovea::test {
namespace {

nlohmann::json expected_results() {
  std::ifstream stream(source_dir() / "samples/expected.json");
  return nlohmann::json::parse(stream);
}

TEST(Samples, TheDefaultModelGivesTheExpectedTopFive) {
  const auto expected = expected_results();
  const Classifier classifier(source_dir() / "weights" / expected.at("model").get<std::string>());
  for (const auto& result : expected.at("results")) {
    const auto file = result.at("file").get<std::string>();
    SCOPED_TRACE(file);
    const Image image = read_image(source_dir() / "samples" / file);
    EXPECT_EQ(image.size().width, result.at("width"));
    EXPECT_EQ(image.size().height, result.at("height"));

    const auto& wanted = result.at("predictions");
    const auto predictions = classifier.classify(image).predictions;
    ASSERT_EQ(predictions.size(), wanted.size());
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      EXPECT_EQ(predictions[i].class_index, wanted[i].at("class_index").get<std::size_t>());
      EXPECT_EQ(predictions[i].label.value_or(""), wanted[i].at("label").get<std::string>());
      EXPECT_EQ(predictions[i].synset.value_or(""), wanted[i].at("synset").get<std::string>());
      EXPECT_NEAR(predictions[i].probability, wanted[i].at("probability").get<float>(), 1e-4F);
    }
  }
}

TEST(Samples, EveryPhotographHasAnExpectedResultAndALicence) {
  std::set<std::string> listed;
  const auto expected = expected_results();
  for (const auto& result : expected.at("results")) listed.insert(result.at("file").get<std::string>());
  std::ifstream stream(source_dir() / "samples/README.md");
  const std::string table(std::istreambuf_iterator<char>(stream), {});
  std::set<std::string> photographs;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "samples")) {
    if (entry.path().extension() != ".jpg") continue;
    photographs.insert(entry.path().filename());
    EXPECT_NE(table.find("| " + entry.path().filename().string() + " |"), std::string::npos) << entry.path();
  }
  EXPECT_EQ(listed, photographs);
}

}  // namespace
}  // namespace fovea::test
