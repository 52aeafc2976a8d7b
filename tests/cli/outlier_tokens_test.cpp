// Patch tokens that stand out as registers do, in everything that explain, batch and explore say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/architecture.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

TEST(OutlierTokensOfAModel, AreWarnedOfInRowsTextAndPages) {
  const TempFolder folder;
  write_tiny_model_folder(folder / "model");
  write_picture(folder / "in/a.png", 60, 80);
  const auto at = [&](const std::string& name) { return (folder / name).string(); };
  const auto run = [&](const std::string& verb, const std::string& out) {
    return run_fovea({verb, "-m", at("model"), at("in"), "-o", at(out), "-f", "jsonl"});
  };
  const auto calm = run("explain", "calm");
  ASSERT_EQ(calm.exit_code, 0) << calm.err;
  EXPECT_FALSE(calm.json_lines().at(0).contains("outliers"));
  const Architecture architecture = tiny_architecture();
  TinyTensors tensors = make_tiny_tensors(architecture, 1);
  TinyTensor& positions = tensors.at("pos_embed");
  const std::size_t width = positions.shape.back();
  for (const std::size_t token : {std::size_t{3}, std::size_t{6}}) {  // of the prefix and the patches
    for (std::size_t i = 0; i < width; ++i) positions.values[token * width + i] *= 60;
  }
  write_tiny_model(folder / "model", architecture, tensors);
  const auto result = run("explain", "out");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto row = result.json_lines().at(0);
  const auto& outliers = row.at("outliers");
  EXPECT_EQ(outliers.at("patches"), 2);
  EXPECT_EQ(outliers.at("of"), architecture.grid().size());
  EXPECT_GT(outliers.at("largest"), 4.0);
  const auto text = run_fovea({"explain", "-m", at("model"), at("in"), "-o", at("out")});
  EXPECT_THAT(text.out, HasSubstr("outlier tokens: 2 of "));
  EXPECT_THAT(text.out, HasSubstr("says nothing about their place"));
  ASSERT_EQ(run_fovea({"explore", "-q", "-m", at("model"), at("in"), "-o", at("page.html")}).exit_code, 0);
  EXPECT_THAT(read_text(folder / "page.html"), HasSubstr("\"outliers\":\"outlier tokens: 2 of "));
  ASSERT_EQ(run("batch", "gallery").exit_code, 0);
  EXPECT_THAT(read_text(folder / "gallery/index.html"), HasSubstr("\"outliers\":\"outlier tokens: 2 of "));
  const auto again = run("batch", "gallery");
  EXPECT_EQ(again.json_lines().at(0).at("outliers"), outliers) << "a row that is kept says it, too";
  EXPECT_FALSE(
      run_fovea({"classify", "-m", at("model"), at("in"), "-f", "jsonl"}).json_lines().at(0).contains("outliers"))
      << "no map, no warning";
}

}  // namespace
}  // namespace fovea::test
