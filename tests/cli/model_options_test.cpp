// What the user knows better than the model's files, and what nobody knows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "report/files/documents.hpp"
#include "support/checkpoint_writers.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::filesystem::path kFamilies = source_dir() / "tests/golden/families";

class ModelOptions : public ::testing::Test {
 protected:
  ModelOptions() {
    write_tiny_model_folder(folder_ / "model");
    write_picture(folder_ / "a.png", 40, 50);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult run(const std::string& verb, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {verb, "-m", at("model")});
    return run_fovea(arguments);
  }
  TempFolder folder_;
};

TEST_F(ModelOptions, LabelsOfAFileReplaceTheConfigsAndHaveToBeAsMany) {
  write_text(folder_ / "five.txt", "n01440764 tench, Tinca tinca\nb\nc\nd\ne\n");
  const auto row = run("classify", {at("a.png"), "--labels", at("five.txt"), "-f", "jsonl"}).json_lines().at(0);
  for (const auto& prediction : row.at("predictions")) {
    const auto c = prediction.at("class_index").get<std::size_t>();
    EXPECT_EQ(prediction.at("label"), (std::vector<std::string>{"tench", "b", "c", "d", "e"}[c]));
    EXPECT_EQ(prediction.count("synset"), c == 0 ? 1U : 0U);
  }
  write_text(folder_ / "four.txt", "a\nb\nc\nd\n");
  for (const char* verb : {"classify", "inspect"}) {
    const auto refused = verb == std::string("inspect")
                             ? run_fovea({"inspect", at("model"), "--labels", at("four.txt")})
                             : run(verb, {at("a.png"), "--labels", at("four.txt")});
    EXPECT_EQ(refused.exit_code, 2) << verb;
    EXPECT_THAT(refused.err, HasSubstr("is 4, expected 5"));
  }
  EXPECT_THAT(run_fovea({"inspect", at("model"), "--labels", at("five.txt")}).out, HasSubstr("five.txt"));
}

TEST_F(ModelOptions, AKeyThatNobodyKnowsIsRefusedUnlessTheUserSaysToReadPastItAndRowsSaySo) {
  auto config = nlohmann::json::parse(std::ifstream(folder_ / "model" / "config.json"));
  config["model_args"]["rope_offset"] = 0.5;
  write_text(folder_ / "model" / "config.json", config.dump());
  const auto refused = run("classify", {at("a.png"), "-f", "jsonl"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("model_args.rope_offset is 0.5, which fovea does not know; expected one of"));
  const auto row =
      run("classify", {at("a.png"), "--ignore-config", "model_args.rope_offset", "-f", "jsonl"}).json_lines().at(0);
  EXPECT_EQ(row.at("ignored_config"), nlohmann::json::array({"model_args.rope_offset"}));
  const auto unknown = run("classify", {at("a.png"), "--ignore-config", "rope_offset"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("--ignore-config is 'rope_offset', which no config file"));
}

TEST_F(ModelOptions, AMapOfLabelsMayLeaveOutClasses) {
  write_text(folder_ / "map.json", R"({"0": "a", "3": 7})");
  const auto row = run("classify", {at("a.png"), "--labels", at("map.json"), "-f", "jsonl"}).json_lines().at(0);
  for (const auto& prediction : row.at("predictions")) {
    const auto c = prediction.at("class_index").get<std::size_t>();
    EXPECT_EQ(prediction.at("label"), c == 0 ? nlohmann::json("a") : c == 3 ? nlohmann::json("7") : nlohmann::json());
  }
  write_text(folder_ / "map.json", R"({"5": "a"})");
  EXPECT_THAT(run("classify", {at("a.png"), "--labels", at("map.json")}).err, HasSubstr("is 6, expected 5"));
}

TEST_F(ModelOptions, TheTestSizeOfTimmsConfigIsFedWhereItIsAskedFor) {
  auto config = nlohmann::json::parse(std::ifstream(folder_ / "model" / "config.json"));
  const Size size = inspect_model(folder_ / "model").architecture.image_size;
  config["model_args"]["dynamic_img_size"] = true;
  config["model_args"]["img_size"] = {size.height, size.width};
  config["pretrained_cfg"]["test_input_size"] = {3, 2 * size.height, 2 * size.width};
  config["pretrained_cfg"]["test_crop_pct"] = 1.0;
  write_text(folder_ / "model" / "config.json", config.dump());
  const auto inspected = nlohmann::json::parse(run("inspect", {"--test-size", "-f", "json"}).out);
  EXPECT_EQ(inspected.at("image_size"), nlohmann::json::array({2 * size.height, 2 * size.width}));
  EXPECT_EQ(inspected.at("preprocessing").at("crop_pct"), 1.0);
  EXPECT_EQ(nlohmann::json::parse(run("inspect", {"-f", "json"}).out).at("image_size")[0], size.height);
  EXPECT_EQ(run("classify", {at("a.png"), "--test-size"}).exit_code, 0);
  EXPECT_THAT(run("classify", {at("a.png"), "--test-size", "--preprocess", "clip"}).err, HasSubstr("--test-size"));
  const auto diagnosis = run_fovea({"doctor", at("model"), at("a.png"), "--test-size", "-f", "json"});
  EXPECT_THAT(diagnosis.out, HasSubstr("test size"));
}

TEST_F(ModelOptions, ARegressionHasValuesInPlaceOfProbabilities) {
  auto config = nlohmann::json::parse(std::ifstream(folder_ / "model" / "config.json"));
  config["model_type"] = "timm_wrapper";
  config["architectures"] = {"TimmWrapperForImageClassification"};
  config["problem_type"] = "regression";
  write_text(folder_ / "model" / "config.json", config.dump());
  const auto row = run("classify", {at("a.png"), "-f", "jsonl", "--save-logits", at("l.npy")}).json_lines().at(0);
  const auto logits = parse_npy_f32(read_file(folder_ / "l.npy"), "l.npy").values;
  ASSERT_EQ(row.at("predictions").size(), 5U);
  for (const auto& prediction : row.at("predictions")) {
    EXPECT_FALSE(prediction.contains("probability"));
    EXPECT_EQ(prediction.at("value").get<float>(), logits.at(prediction.at("class_index").get<std::size_t>()));
  }
  EXPECT_THAT(run("classify", {at("a.png"), "-f", "csv", "-k", "1"}).out, HasSubstr("label1,value1,error"));
  EXPECT_EQ(nlohmann::json::parse(run("inspect", {"-f", "json"}).out).at("regression"), true);
  const std::vector<std::vector<std::string>> about_probabilities{
      {"classify", "--threshold", "0.5"}, {"explain", "--faithfulness"}, {"explain", "--method", "rise"}};
  for (const std::vector<std::string>& about : about_probabilities) {
    std::vector<std::string> arguments(about.begin() + 1, about.end());
    arguments.insert(arguments.end(), {at("a.png"), "-o", at("refused")});
    const auto refused = run(about.front(), arguments);
    EXPECT_EQ(refused.exit_code, 2) << about.back();
    EXPECT_THAT(refused.err, HasSubstr("is about probabilities")) << refused.err;
  }
  const auto explained = run("explain", {at("a.png"), "--method", "generic", "-o", at("maps"), "-f", "jsonl"});
  EXPECT_EQ(explained.exit_code, 0) << explained.err;
  EXPECT_TRUE(explained.json_lines().at(0).at("maps")[0].contains("target"));
  EXPECT_EQ(run("batch", {at("a.png"), "-o", at("folder")}).exit_code, 0);
  EXPECT_THAT(read_text_file(folder_ / "folder" / "results.csv"), HasSubstr("value1"));
}

TEST_F(ModelOptions, InspectSaysUnderWhichKeyTheWeightsAre) {
  const auto tensors = make_tiny_tensors(tiny_vit({32, 32}), 1);
  write_pth(folder_ / "loop.ckpt", tensors, "model_state_dict");
  EXPECT_THAT(run_fovea({"inspect", at("loop.ckpt")}).out, HasSubstr("under model_state_dict"));
  EXPECT_THAT(run_fovea({"inspect", at("loop.ckpt"), "--weights", "ema"}).err, HasSubstr("no weights under 'ema'"));
}

TEST_F(ModelOptions, InspectListsTheTensorsOfWhatIsNoVisionTransformer) {
  write_safetensors(folder_ / "resnet.safetensors", {{"layer1.0.conv1.weight", {{1}, {0.5F}}}});
  const auto result = run_fovea({"inspect", "-v", at("resnet.safetensors")});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("layer1.0.conv1.weight"));
  EXPECT_THAT(result.err, HasSubstr("a ResNet"));
}

TEST_F(ModelOptions, AThousandClassesWithoutNamesAreImageNetsAndItIsSaid) {
  Architecture architecture = tiny_architecture();
  architecture.num_classes = 1000;
  write_tiny_model(folder_ / "model", architecture, make_tiny_tensors(architecture, 2));
  const auto result = run("classify", {at("a.png"), "-v", "-f", "jsonl"});
  EXPECT_THAT(result.err, HasSubstr("labels from built-in list of ImageNet-1k"));
  EXPECT_TRUE(result.json_lines().at(0).at("predictions")[0].contains("synset"));
  EXPECT_THAT(run("inspect", {}).out, HasSubstr("from built-in list of ImageNet-1k"));
  ASSERT_EQ(run("batch", {at("a.png"), "-o", at("out")}).exit_code, 0);
  const auto summary = nlohmann::json::parse(read_text(folder_ / "out/summary.json"));
  EXPECT_THAT(summary.at("model").at("labels").get<std::string>(), HasSubstr("built-in"));
}

TEST_F(ModelOptions, AThresholdLeavesOutClassesAndPossiblyAll) {
  const auto all = run("classify", {at("a.png"), "-f", "jsonl"}).json_lines().at(0).at("predictions");
  const std::string second = std::to_string(all[1].at("probability").get<double>() * 0.999);
  const auto two = run("classify", {at("a.png"), "-f", "jsonl", "--threshold", second}).json_lines().at(0);
  EXPECT_EQ(two.at("predictions").size(), 2U);
  for (const char* verb : {"classify", "explain", "batch"}) {
    std::vector<std::string> arguments{at("a.png"), "-f", "jsonl", "--threshold", "1"};
    if (verb != std::string("classify")) arguments.insert(arguments.end(), {"-o", at(verb)});
    const auto none = run(verb, arguments);
    EXPECT_EQ(none.exit_code, 0) << none.err;
    EXPECT_EQ(none.json_lines().at(0).at("predictions").size(), 0U) << verb;
  }
  EXPECT_THAT(run("classify", {at("a.png"), "--threshold", "1"}).out, HasSubstr("no class is probable enough"));
  EXPECT_EQ(run("classify", {at("a.png"), "--threshold", "1.5"}).exit_code, 2);
}

TEST_F(ModelOptions, AnotherImageSizeIsAnotherGridForEveryVerb) {
  const auto inspected = nlohmann::json::parse(run("inspect", {"--image-size", "40x64", "-f", "json"}).out);
  EXPECT_EQ(inspected.at("image_size"), (std::vector<int>{40, 64}));
  EXPECT_EQ(inspected.at("tokens"), 1 + 5 * 8);
  EXPECT_EQ(inspected.at("preprocessing").at("input_size"), (std::vector<int>{40, 64}));
  EXPECT_EQ(run("classify", {at("a.png"), "--image-size", "64"}).exit_code, 0);
  EXPECT_EQ(run("explain", {at("a.png"), "--image-size", "64", "-o", at("out")}).exit_code, 0);
  EXPECT_EQ(run("embed", {at("a.png"), "--image-size", "64", "-o", at("f.npy")}).exit_code, 0);
  EXPECT_EQ(run("bench", {"--image-size", "64", "--seconds", "0.1"}).exit_code, 0);
  for (const char* wrong : {"30", "32x", "0", "x32", "32x32x32", "-32"}) {
    EXPECT_EQ(run("classify", {at("a.png"), "--image-size", wrong}).exit_code, 2) << wrong;
  }
}

TEST_F(ModelOptions, BatchDoesRowsAgainForAnotherSizeRecipeOrLabels) {
  write_text(folder_ / "five.txt", "a\nb\nc\nd\ne\n");
  const auto skipped = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {at("a.png"), "-o", at("out")});
    EXPECT_EQ(run("batch", arguments).exit_code, 0);
    return nlohmann::json::parse(read_text(folder_ / "out/summary.json")).at("skipped").get<int>();
  };
  EXPECT_EQ(skipped({}), 0);
  EXPECT_EQ(skipped({}), 1);
  for (const std::vector<std::string>& options : {std::vector<std::string>{"--image-size", "64"},
                                                  {"--heads", "2"},
                                                  {"--crop-pct", "0.5"},
                                                  {"--labels", at("five.txt")},
                                                  {"--threshold", "0.1"}}) {
    EXPECT_EQ(skipped(options), 0) << options[0];
    EXPECT_EQ(skipped(options), 1) << options[0];
  }
  write_text(folder_ / "five.txt", "a\nb\nc\nd\nf\n");
  EXPECT_EQ(skipped({"--labels", at("five.txt"), "--threshold", "0.1"}), 0);
  write_text(folder_ / "five.txt", "a\nb\nc\nd\ng\n");
  EXPECT_EQ(skipped({"--labels", at("five.txt"), "--threshold", "0.1"}), 0) << "the file says something else now";
}

TEST_F(ModelOptions, HeadsThatNoConfigNamesAreAssumedAloudOnceOrGiven) {
  std::filesystem::remove(folder_ / "model/config.json");
  const auto assumed = run("classify", {at("a.png")});
  EXPECT_EQ(assumed.exit_code, 0);
  EXPECT_THAT(assumed.err, HasSubstr("warning: assumed num_heads 1 from width 24"));
  EXPECT_EQ(assumed.err.find("num_heads"), assumed.err.rfind("num_heads"));
  EXPECT_EQ(run("classify", {at("a.png"), "-q"}).err, "");
  EXPECT_THAT(run("inspect", {}).out, HasSubstr("num_heads 1 from width 24"));
  const auto given = run("classify", {at("a.png"), "--heads", "3"});
  EXPECT_THAT(given.err, Not(HasSubstr("num_heads")));
  EXPECT_NE(given.out, assumed.out);
  const auto wrong = run("classify", {at("a.png"), "--heads", "5"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("num_heads is 5, expected a divisor of the width 24"));
}

TEST_F(ModelOptions, InspectSaysWhatFamiliesDifferIn) {
  const auto inspect = [](const char* family) {
    return nlohmann::json::parse(run_fovea({"inspect", (kFamilies / family).string(), "-f", "json"}).out);
  };
  const auto eva = inspect("timm_eva02_base");
  EXPECT_EQ(eva.at("rope"), "eva02");
  EXPECT_EQ(eva.at("gated_mlp"), true);
  EXPECT_EQ(eva.at("mlp_norm"), true);
  EXPECT_EQ(inspect("timm_rmsnorm_gap").at("norm"), "rms");
  EXPECT_EQ(inspect("timm_beit").at("relative_position_bias"), true);
  const auto registers = inspect("timm_dinov2_reg");
  EXPECT_GT(registers.at("num_register_tokens"), 0);
  EXPECT_EQ(registers.at("num_prefix_tokens").get<int>(), registers.at("num_register_tokens").get<int>() + 1);
  EXPECT_EQ(inspect("timm_siglip_map_tanh").at("read_out"), "attention pool");
  EXPECT_EQ(inspect("timm_clip_quickgelu").at("activation"), "quick_gelu");
  for (const auto& entry : std::filesystem::directory_iterator(kFamilies)) {
    std::vector<std::string> arguments{"inspect", entry.path().string()};
    const bool naflex = entry.path().filename().string().find("naflex") != std::string::npos;
    if (naflex) arguments.insert(arguments.end(), {"--image-size", "16x16"});
    const auto text = run_fovea(arguments);
    EXPECT_EQ(text.exit_code, 0) << entry.path();
    for (const char* key : {"\ntokens ", "\npositions ", "\nblocks ", "\nread-out ", "\npreprocessing "}) {
      EXPECT_THAT(text.out, HasSubstr(key)) << entry.path();
    }
  }
}

TEST_F(ModelOptions, AModelIsAFolderAFileOrANameWhateverItsFormat) {
  ProcessOptions options;
  options.environment = {"FOVEA_MODEL_PATH=" + kFamilies.string() + ":" + folder_.path().string()};
  std::filesystem::copy(folder_ / "model/model.safetensors", folder_ / "alone.safetensors");
  const std::string sharded = (kFamilies / "hf_vit_sharded").string();
  for (const std::string& name : {std::string("hf_vit_sharded"), std::string("alone.safetensors"), std::string("model"),
                                  sharded, sharded + "/model.safetensors.index.json"}) {
    const auto result = run_fovea({"inspect", name}, options);
    EXPECT_EQ(result.exit_code, 0) << name << ": " << result.err;
  }
  const auto unknown = run_fovea({"inspect", "alone.safetensor"}, options);
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'alone.safetensors'?"));
}

}  // namespace
}  // namespace fovea::test
