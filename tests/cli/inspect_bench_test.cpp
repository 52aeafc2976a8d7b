#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

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

TEST(BenchVerb, FaithfulnessIsMeasuredBesideAsManyPlainForwardPasses) {
  const TempFolder folder;
  write_tiny_model_folder(folder / "model");
  const std::vector<std::string> command{"bench", "-m", (folder / "model").string(), "--seconds", "0.1", "-t", "1"};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), command.begin(), command.end());
    const auto result = run_fovea(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  EXPECT_FALSE(nlohmann::json::parse(run({"-f", "json"})).contains("faithfulness"));
  const auto json = nlohmann::json::parse(run({"-f", "json", "--method", "generic,rollout", "--faithfulness"}));
  const auto& cost = json.at("faithfulness");
  EXPECT_EQ(cost.at("method"), "generic") << "the first";
  EXPECT_EQ(cost.at("forwards"), 3 * 15) << "16 patches one by one, without the ends: deletion both ways, insertion";
  EXPECT_GT(cost.at("ms"), 0);
  EXPECT_GT(cost.at("forwards_ms"), 0);
  EXPECT_GT(cost.at("ratio"), 0);
  EXPECT_THAT(run({"--faithfulness"}), HasSubstr("faithfulness  of rollout: 45 forward passes in "));
}

class BenchOfHardAttention : public ::testing::Test {
 protected:
  BenchOfHardAttention() {
    write_tiny_model_folder(folder_ / "model");
    for (int i = 0; i < 6; ++i) write_picture(at("in/" + std::to_string(i) + ".png"), 60, 80, i);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult bench(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"bench", "-m", at("model"), "--seconds", "0.1", "-t", "1"});
    return run_fovea(arguments);
  }
  /// The part of the report, with these options.
  [[nodiscard]] nlohmann::json hard_attention(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-f", "json"});
    const ProcessResult result = bench(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out).value("hard_attention", nlohmann::json());
  }
  TempFolder folder_;
};

TEST_F(BenchOfHardAttention, CountsTheImagesThatHaveTheSameClassAsClassifySaysOfThem) {
  const auto json = hard_attention({"--keep", "0.3", "--folder", at("in")});
  EXPECT_EQ(json.at("keep"), 0.3);
  EXPECT_EQ(json.at("merge"), 0);
  for (const char* key : {"ms_per_image", "whole_ms_per_image", "speedup"}) EXPECT_GT(json.at(key), 0) << key;

  const auto rows = [&](const std::string& keep) {
    return run_fovea({"classify", "-m", at("model"), "-k", "100", "--keep", keep, "-f", "jsonl", at("in")})
        .json_lines();
  };
  const auto whole = rows("1");
  const auto reduced = rows("0.3");
  int same = 0;
  double largest = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    std::map<int, double> probabilities;
    for (const auto& p : whole[i].at("predictions")) probabilities[p.at("class_index")] = p.at("probability");
    for (const auto& p : reduced[i].at("predictions")) {
      const double difference = probabilities.at(p.at("class_index")) - p.at("probability").get<double>();
      largest = std::max(largest, std::abs(difference));
    }
    const auto best = [&](const auto& row) { return row.at("predictions")[0].at("class_index"); };
    if (best(whole[i]) == best(reduced[i])) ++same;
  }
  const auto& agreement = json.at("agreement");
  EXPECT_EQ(agreement.at("images"), 6);
  EXPECT_EQ(agreement.at("images_found"), 6);
  EXPECT_EQ(agreement.at("same_top1"), same);
  EXPECT_DOUBLE_EQ(agreement.at("share").get<double>(), same / 6.0);
  EXPECT_GT(largest, 1e-3) << "the test would not see a comparison of a model with itself";
  EXPECT_NEAR(agreement.at("largest_probability_difference").get<double>(), largest, 1e-6);
  EXPECT_EQ(json.at("tokens"), reduced[0].at("tokens"));
}

TEST_F(BenchOfHardAttention, ThatKeepsEverythingAgreesInAll) {
  const auto json = hard_attention({"--keep", "1.0", "--folder", at("in")});
  EXPECT_EQ(json.at("tokens").size(), 1U);
  EXPECT_EQ(json.at("agreement").at("same_top1"), 6);
  EXPECT_EQ(json.at("agreement").at("share"), 1.0);
  EXPECT_EQ(json.at("agreement").at("largest_probability_difference"), 0.0);
}

TEST_F(BenchOfHardAttention, IsOfTheGivenImageWithoutAFolder) {
  const auto json = hard_attention({"--merge", "1", "--batch", "2", at("in/3.png")});
  EXPECT_EQ(json.at("merge"), 1);
  EXPECT_EQ(json.at("agreement").at("images"), 1);
  EXPECT_GT(json.at("agreement").at("largest_probability_difference"), 0.0);
  const auto text = bench({"--keep", "0.5", "--sample", "--draws", "3", at("in/3.png")});
  EXPECT_THAT(text.out, HasSubstr("keep 0.5, drawn at random, mean of 3 draws: "));
  EXPECT_THAT(text.out, HasSubstr("of 1 images"));
}

TEST_F(BenchOfHardAttention, LeavesOutPicturesThatCannotBeReadAndSaysWhenThereAreNoOthers) {
  std::ofstream(at("in/bad.png")) << "no picture";
  const auto json = hard_attention({"--keep", "0.5", "--folder", at("in")});
  EXPECT_EQ(json.at("agreement").at("images"), 6);
  EXPECT_EQ(json.at("agreement").at("images_found"), 7);
  EXPECT_THAT(bench({"--keep", "0.5", "--folder", at("in")}).out, HasSubstr("of 6 images out of 7, "));
  std::filesystem::create_directory(at("bad"));
  std::ofstream(at("bad/bad.png")) << "no picture";
  const auto none = bench({"--keep", "0.5", "--folder", at("bad")});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("none of 1 images could be read"));
}

TEST_F(BenchOfHardAttention, IsThereOnlyWhenAskedForAndRefusesOptionsThatMeanNothing) {
  EXPECT_TRUE(hard_attention({}).is_null());
  EXPECT_EQ(bench({"--sample"}).exit_code, 2);
  EXPECT_EQ(bench({"--keep", "0.5", "--merge", "2"}).exit_code, 2);
}

TEST(BenchVerb, ANameOfTimmsIsEnoughForARandomModel) {
  const auto result = run_fovea({"bench", "--arch", "vit_tiny_patch16_224", "-f", "json", "--seconds", "0.1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("parameters"), 5'717'416);
}

}  // namespace
}  // namespace fovea::test
