#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/model.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

TEST(InspectVerb, TheDefaultModelIsDescribedInTextAndJson) {
  const auto text = run_fovea({"inspect"});
  EXPECT_EQ(text.exit_code, 0);
  for (const char* word : {"vit_tiny_tin200", "F16", "class token, 200 classes", "bicubic", "goldfish"}) {
    EXPECT_THAT(text.out, HasSubstr(word));
  }
  const auto json = nlohmann::json::parse(run_fovea({"inspect", "vit_tiny_tin200", "-f", "json", "-v"}).out);
  EXPECT_EQ(json.at("embed_dim"), 192);
  EXPECT_EQ(json.at("depth"), 12);
  EXPECT_EQ(json.at("preprocessing").at("interpolation"), "bicubic");
  EXPECT_EQ(json.at("labels").size(), 200U);
  EXPECT_EQ(json.at("labels")[0].at("synset"), "n01443537");
  std::uint64_t parameters = 0;
  for (const auto& tensor : json.at("tensors")) {
    std::uint64_t count = 1;
    for (const auto& side : tensor.at("shape")) count *= side.get<std::uint64_t>();
    parameters += count;
  }
  EXPECT_EQ(json.at("parameters"), parameters);
}

TEST(InspectVerb, TheArithmeticOfKnownModelsIsCounted) {
  // Multiply-adds as timm's model cards give them, doubled: ViT-Ti/16 1.3 G, at 224 px with 200 classes 1.26 G.
  const auto json = nlohmann::json::parse(run_fovea({"inspect", "-f", "json"}).out);
  const double patches = 196.0 * 768 * 192;
  const double block = 197.0 * 192 * 576 + 2 * 197.0 * 197 * 192 + 197.0 * 192 * 192 + 2 * 197.0 * 192 * 768;
  EXPECT_NEAR(json.at("gflop_per_image").get<double>(), 2e-9 * (patches + 12 * block + 192.0 * 200), 1e-9);
  EXPECT_NEAR(json.at("gflop_per_image").get<double>(), 2 * 1.26, 0.03);
}

TEST(BenchVerb, TheReportHasEveryKeyOfTheContractAndTheyAgree) {
  const TempFolder folder;
  write_tiny_model_folder(folder / "model");
  for (int i = 0; i < 6; ++i) write_picture(folder / ("in/" + std::to_string(i) + ".jpg"), 60, 80, i);
  const auto result =
      run_fovea({"bench", "-m", (folder / "model").string(), "-f", "json", "--seconds", "0.1", "--batch", "2", "-t",
                 "1", "--folder", (folder / "in").string(), (folder / "in/0.jpg").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  const auto& ms = json.at("ms_per_image");
  EXPECT_LE(ms.at("min"), ms.at("median"));
  EXPECT_LE(ms.at("median"), ms.at("p90"));
  EXPECT_NEAR(json.at("images_per_second").get<double>(), 1000 / ms.at("median").get<double>(), 1e-3);
  EXPECT_NEAR(json.at("gflops").get<double>(),
              json.at("gflop_per_image").get<double>() / ms.at("median").get<double>() * 1000, 1e-3);
  for (const char* key : {"fma_peak_gflops", "matmul_peak_gflops", "peak_rss_mb"}) EXPECT_GT(json.at(key), 0) << key;
  for (const char* key : {"decode", "preprocess", "forward", "encode"}) EXPECT_GT(json.at("stages").at(key), 0) << key;
  EXPECT_EQ(json.at("stages").count("explain"), 1U);
  EXPECT_EQ(json.at("batch"), 2);
  EXPECT_EQ(json.at("threads"), 1);
  EXPECT_EQ(json.at("precision"), "f32");
  EXPECT_FALSE(json.at("isa").get<std::string>().empty());
  EXPECT_EQ(json.at("versions").count("backend"), 1U);
  EXPECT_EQ(json.at("folder").at("images"), 6);
}

TEST(BenchVerb, ANameOfTimmsIsEnoughForARandomModel) {
  const auto result = run_fovea({"bench", "--arch", "vit_tiny_patch16_224", "-f", "json", "--seconds", "0.1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("parameters"), 5'717'416);
}

}  // namespace
}  // namespace fovea::test
