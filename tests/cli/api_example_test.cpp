// The C++ example of GUIDE.md, as it stands there: it compiles, and does what it says.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/pictures.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

void look_at(const std::string& model, const std::string& file);

// clang-format off: what lies between the two lines is GUIDE.md's, letter by letter
// The example begins.
#include <fovea/classifier.hpp>
#include <iostream>

void look_at(const std::string& model, const std::string& file) {
  fovea::Classifier classifier(model);
  const fovea::Image picture = fovea::read_image(file);
  for (const fovea::Prediction& prediction : classifier.classify(picture).predictions) {
    std::cout << prediction.label.value_or("?") << ' ' << prediction.probability << '\n';
  }
  const fovea::Explanation explanation = classifier.explain(picture);
  fovea::write_png(file + ".rollout.png", fovea::draw_overlay(explanation));
}
// The example ends.
// clang-format on

namespace fovea::test {
namespace {

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

TEST(ApiExample, OfTheGuideCompilesAndRuns) {
  const std::string source = read_text(source_dir() / "tests/cli/api_example_test.cpp");
  const std::string guide = read_text(source_dir() / "GUIDE.md");
  EXPECT_EQ(between(guide, "```cpp\n", "```\n"),
            between(source, "\n// The example begins.\n", "// The example ends.\n"));

  const TempFolder folder;
  std::filesystem::copy(source_dir() / "samples/coffee.jpg", folder / "coffee.jpg");
  testing::internal::CaptureStdout();
  look_at((source_dir() / "weights/vit_tiny_tin200").string(), (folder / "coffee.jpg").string());
  EXPECT_TRUE(testing::internal::GetCapturedStdout().starts_with("espresso 0.9"));
  EXPECT_GT(std::filesystem::file_size(folder / "coffee.jpg.rollout.png"), 10'000U);
}

}  // namespace
}  // namespace fovea::test
