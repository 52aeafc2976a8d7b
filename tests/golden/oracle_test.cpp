// Draws of tools/oracle, kept with the answers of the libraries that saved them: from the picture to the row.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/classifier.hpp"
#include "support/golden_family.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

using nlohmann::json;

/// The options that tools/oracle gave: `--preprocess NAME`, `--exif ignore`.
ClassifierOptions options_of(const json& draw) {
  ClassifierOptions options;
  options.threads = 1;
  options.precision = Precision::kF32;
  options.top_k = 1000;
  const json& given = draw.at("options");
  for (std::size_t i = 0; i + 1 < given.size(); i += 2) {
    if (given[i] == "--preprocess") options.preprocess = given[i + 1];
    if (given[i] == "--exif") options.decode.exif = ExifMode::kIgnore;
  }
  return options;
}

void expect_classes(const Classification& actual, const json& draw) {
  test::expect_same_features(actual.logits, draw.at("logits").get<std::vector<float>>());  // as tools/oracle compares
  const auto probabilities = draw.at("probabilities").get<std::vector<float>>();
  ASSERT_EQ(actual.predictions.size(), probabilities.size());
  for (const Prediction& prediction : actual.predictions) {
    const std::size_t c = prediction.class_index;
    EXPECT_NEAR(prediction.value.value_or(prediction.probability), probabilities.at(c), 1e-5F) << "class " << c;
    const json name = draw.at("names").is_null() ? json() : draw.at("names").at(c);
    ASSERT_EQ(prediction.label.has_value(), !name.is_null()) << "class " << c;
    if (!prediction.label) continue;
    const auto description = name.get<std::string>();
    EXPECT_EQ(*prediction.label, description.substr(0, description.find(','))) << "class " << c;
  }
}

TEST(OracleDraws, AreAnsweredAsByTheLibrariesThatSavedThem) {
  const std::filesystem::path folder = test::source_dir() / "tests/golden/oracle";
  std::ifstream stream(folder / "index.json");
  const json index = json::parse(stream);
  EXPECT_GE(index.size(), 80U);
  for (const auto& [name, draw] : index.items()) {
    SCOPED_TRACE(name + ", " + draw.at("family").get<std::string>() + " " + draw.at("keys").dump());
    const Classifier classifier(folder / name / draw.at("model").get<std::string>(), options_of(draw));
    const std::filesystem::path picture = folder / name / draw.at("picture").get<std::string>();
    if (!draw.at("logits").is_null()) expect_classes(classifier.classify(picture), draw);
    if (draw.at("features").is_null()) continue;
    test::expect_same_features(classifier.embed(picture).values, draw.at("features").get<std::vector<float>>());
  }
}

}  // namespace
}  // namespace fovea
