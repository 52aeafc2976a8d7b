// fovea quantize as a process, and what the other verbs make of its file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fovea/precision.hpp"
#include "support/needs_precision.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class QuantizeVerb : public ::testing::Test {
 protected:
  QuantizeVerb() {
    write_tiny_model_folder(folder_ / "model");
    std::filesystem::create_directories(folder_ / "pictures/inner");
    for (int i = 0; i < 6; ++i) {
      write_picture(folder_ / ("pictures/" + std::string(i < 3 ? "" : "inner/") + std::to_string(i) + ".png"), 60, 80,
                    40 * i);
    }
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult quantize(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"quantize", at("model"), at("small.safetensors"), "--calibrate", at("pictures")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_fovea(arguments);
  }
  TempFolder folder_;
};

TEST_F(QuantizeVerb, WritesAFileThatEveryVerbTakes) {
  const auto made = quantize();
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("small.safetensors: int8, "));
  EXPECT_THAT(made.err, IsEmpty());
  const std::string small = at("small.safetensors");
  const std::string picture = at("pictures/0.png");
  const auto exact = run_fovea({"classify", "-m", at("model"), picture, "-f", "jsonl"});
  const auto ours = run_fovea({"classify", "-m", small, picture, "-f", "jsonl", "--precision", "auto", "-v"});
  ASSERT_EQ(ours.exit_code, 0) << ours.err;
  EXPECT_THAT(ours.err, HasSubstr(has_units(Precision::kInt8) ? "linear layers in int8" : "linear layers in"));
  const auto top1 = [](const ProcessResult& result) { return result.json_lines().at(0).at("predictions").at(0); };
  EXPECT_EQ(top1(ours).at("class_index"), top1(exact).at("class_index"));
  EXPECT_NEAR(top1(ours).at("probability").get<double>(), top1(exact).at("probability").get<double>(), 0.05);
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"explain", picture, "-o", at("maps"), "--method", "rollout", "--method", "generic"},
           {"batch", picture, "-o", at("rows")},
           {"embed", picture, "-o", at("features.npy")},
           {"inspect"},
           {"doctor", small, picture}}) {
    std::vector<std::string> all = arguments;
    if (all.front() != "doctor") all.insert(all.end(), {"-m", small});
    if (all.front() != "inspect") all.insert(all.end(), {"--precision", "auto"});
    const auto result = run_fovea(all);
    EXPECT_EQ(result.exit_code, 0) << all.front() << ": " << result.err;
  }
}

TEST_F(QuantizeVerb, ReportsEachLayerAndWhatStaysTheSame) {
  const auto made = quantize({"--report", "-f", "json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const auto report = nlohmann::json::parse(made.out);
  EXPECT_EQ(report.at("precision"), "int8");
  ASSERT_EQ(report.at("layers").size(), 8U) << "four in each of two blocks";
  EXPECT_EQ(report.at("layers").at(0).at("layer"), "attn.qkv");
  for (const auto& layer : report.at("layers")) {
    EXPECT_GT(layer.at("snr_db").get<double>(), 10.0);
    EXPECT_LT(layer.at("snr_db").get<double>(), 80.0);
  }
  EXPECT_EQ(report.at("int8_layers").get<int>() + report.at("bf16_layers").get<int>(), 8);
  EXPECT_EQ(report.at("bytes_after"), std::filesystem::file_size(folder_ / "small.safetensors"));
  if (has_units(Precision::kInt8)) {
    EXPECT_EQ(report.at("agreement").at("pictures"), 6);
    EXPECT_LT(report.at("agreement").at("largest_difference").get<double>(), 0.1);
  }
  const auto text = quantize({"--report"});
  EXPECT_THAT(text.out, HasSubstr("blocks.1.mlp.fc2"));
}

TEST_F(QuantizeVerb, SaysWhatIsMissing) {
  const auto expect_usage = [](const ProcessResult& result, const std::string& words) {
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(words));
    EXPECT_THAT(result.out, IsEmpty());
  };
  expect_usage(run_fovea({"quantize", at("model")}), "the number of paths is 1, expected two");
  expect_usage(run_fovea({"quantize", at("model"), at("small.safetensors")}), "--calibrate is missing");
  expect_usage(run_fovea({"quantize", at("model"), at("small.bin"), "--calibrate", at("pictures")}),
               "the output's extension is '.bin', expected .safetensors");
  expect_usage(run_fovea({"quantize", at("model"), at("model/model.safetensors"), "--calibrate", at("pictures")}),
               "output is the model's file");
  std::filesystem::create_directories(folder_ / "empty");
  expect_usage(run_fovea({"quantize", at("model"), at("small.safetensors"), "--calibrate", at("empty")}),
               "the number of pictures to calibrate with is 0");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "small.safetensors"));
}

TEST_F(QuantizeVerb, Bfloat16NeedsNoPictures) {
  const auto made = run_fovea({"quantize", at("model"), at("half.safetensors"), "--precision", "bf16"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("0 layers in int8, 8 in bf16"));
}

TEST_F(QuantizeVerb, WithoutTheUnitsInt8IsRefusedAndAutoWarnsAndRunsFloat32) {
  ASSERT_EQ(quantize().exit_code, 0);
  ProcessOptions older;
  older.environment = {"DNNL_MAX_CPU_ISA=AVX2", "ONEDNN_MAX_CPU_ISA=AVX2"};
  const std::vector<std::string> classify{"classify", "-m", at("small.safetensors"), at("pictures/0.png"), "-v"};
  std::vector<std::string> asked = classify;
  asked.insert(asked.end(), {"--precision", "int8"});
  const auto refused = run_fovea(asked, older);
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, HasSubstr("int8 is asked for, expected f32: this CPU (avx2) has no units"));
  std::vector<std::string> automatic = classify;
  automatic.insert(automatic.end(), {"--precision", "auto"});
  const auto ran = run_fovea(automatic, older);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("linear layers in f32"));
  EXPECT_THAT(ran.err, HasSubstr("quantised for int8"));
}

TEST_F(QuantizeVerb, TheReportSaysWhatTheFileCostsOnPicturesWithAndWithoutLabels) {
  FOVEA_NEEDS_PRECISION(Precision::kInt8)
  const auto unlabelled = nlohmann::json::parse(quantize({"--report", "-f", "json"}).out).at("price");
  EXPECT_EQ(unlabelled.at("folder"), at("pictures"));
  const auto& same = unlabelled.at("comparison");
  EXPECT_EQ(same.at("pictures"), 6);
  EXPECT_FALSE(same.contains("both_right")) << "nothing is known to be right";
  EXPECT_THAT(same.at("missing").dump(), HasSubstr("right and wrong"));
  EXPECT_EQ(same.at("maps").at("method"), "rollout");
  EXPECT_GT(same.at("maps").at("correlation").at("value"), 0.9);

  for (int i = 0; i < 6; ++i) {
    write_picture(folder_ / ("kinds/" + std::to_string(i % 2) + "/" + std::to_string(i) + ".png"), 60, 80, 30 * i);
  }
  const auto labelled =
      nlohmann::json::parse(quantize({"--report", "--test", at("kinds"), "-f", "json"}).out).at("price");
  EXPECT_EQ(labelled.at("labels"), "folders");
  const auto& c = labelled.at("comparison");
  EXPECT_EQ(c.at("both_right").get<int>() + c.at("only_first_right").get<int>() + c.at("only_second_right").get<int>() +
                c.at("both_wrong").get<int>(),
            6);
  const auto exact = run_fovea({"eval", at("kinds"), "-m", at("model"), "-f", "json"});
  EXPECT_EQ(labelled.at("first_top1").at("value"),
            nlohmann::json::parse(exact.out).at("models").at(0).at("top1").at("value"));
  EXPECT_EQ(quantize({"--test", at("kinds")}).exit_code, 2) << "--test changes nothing without --report";
}

}  // namespace
}  // namespace fovea::test
