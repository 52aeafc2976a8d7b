// fovea embed, and classification by text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <numeric>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "report/files/documents.hpp"
#include "support/naive_vit.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"
#include "support/tower.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

const std::string kGolden = (source_dir() / "tests/golden/families").string();

class EmbedVerb : public ::testing::Test {
 protected:
  EmbedVerb() { write_tiny_model_folder(folder_ / "model"); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult embed(std::vector<std::string> arguments, const ProcessOptions& options = {}) const {
    arguments.insert(arguments.begin(), {"embed", "-m", at("model")});
    return run_fovea(arguments, options);
  }
  [[nodiscard]] NpyArray array(const std::string& name) const { return parse_npy_f32(read_file(folder_ / name), name); }
  [[nodiscard]] std::vector<nlohmann::json> sidecar(const std::string& name) const {
    std::istringstream text(read_text(folder_ / name));
    std::vector<nlohmann::json> rows;
    for (std::string line; std::getline(text, line);) rows.push_back(nlohmann::json::parse(line));
    return rows;
  }
  TempFolder folder_;
};

TEST_F(EmbedVerb, RowsAreInInputOrderWithNanForFailuresAndASidecarThatSaysWhoseTheyAre) {
  for (const char* name : {"in/a.png", "in/c.png"}) write_picture(folder_ / name, 40, 50, name[3]);
  write_text(folder_ / "in/b.png", "no picture");
  const auto result = embed({at("in"), "-o", at("sub/f.npy"), "-f", "jsonl"});
  EXPECT_EQ(result.exit_code, 1);
  const NpyArray features = array("sub/f.npy");
  ASSERT_EQ(features.shape, (std::vector<std::size_t>{3, 24}));
  const auto rows = sidecar("sub/f.npy.jsonl");
  ASSERT_EQ(rows.size(), 3U) << "one line for each row, and no other";
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rows[i].at("index"), i);
    EXPECT_EQ(rows[i].at("path"), at(std::string("in/") + "abc"[i] + ".png"));
    EXPECT_EQ(rows[i].at("type"), i == 1 ? "error" : "result");
    EXPECT_EQ(std::isnan(features.values[24 * i]), i == 1);
    EXPECT_EQ(rows[i], result.json_lines()[i]) << "standard output says the same";
  }
  EXPECT_EQ(rows[2].at("features"), nlohmann::json::parse(R"({"row": 2, "shape": [24]})"));
  EXPECT_EQ(rows[2].count("predictions"), 0U);
}

TEST_F(EmbedVerb, PoolsAgreeWithEachOtherAndWithThePlainClassifier) {
  write_picture(folder_ / "a.png", 40, 50);
  write_picture(folder_ / "b.png", 60, 50, 3);
  for (const char* pool : {"head", "cls", "mean", "tokens"}) {
    ASSERT_EQ(embed({at("a.png"), at("b.png"), "-o", at(std::string(pool) + ".npy"), "--pool", pool}).exit_code, 0);
  }
  EXPECT_EQ(array("head.npy").values, array("cls.npy").values) << "the head of this model reads the class token";
  const NpyArray tokens = array("tokens.npy");
  ASSERT_EQ(tokens.shape, (std::vector<std::size_t>{2, 16, 24}));
  const NpyArray mean = array("mean.npy");
  for (std::size_t image = 0; image < 2; ++image) {
    for (std::size_t i = 0; i < 24; ++i) {
      double sum = 0;
      for (std::size_t t = 0; t < 16; ++t) sum += double(tokens.values[(image * 16 + t) * 24 + i]);
      EXPECT_NEAR(mean.values[image * 24 + i], sum / 16, 1e-5);
    }
  }
}

TEST_F(EmbedVerb, BytesAreTheSameForAnyThreadsAndTheSafetensorsHoldTheNpysValues) {
  for (int i = 0; i < 9; ++i) write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 20 + 3 * i, 50, i);
  ASSERT_EQ(embed({at("in"), "-o", at("1.npy"), "-t", "1"}).exit_code, 0);
  ASSERT_EQ(embed({at("in"), "-o", at("4.npy"), "-t", "4"}).exit_code, 0);
  EXPECT_EQ(read_text(folder_ / "1.npy"), read_text(folder_ / "4.npy"));
  ASSERT_EQ(embed({at("in"), "-o", at("f.safetensors")}).exit_code, 0);
  const auto checkpoint = open_checkpoint(folder_ / "f.safetensors");
  EXPECT_EQ(to_float(*checkpoint->find("features")), array("1.npy").values);
  EXPECT_EQ(checkpoint->metadata().at("pool"), "head");
  EXPECT_EQ(checkpoint->metadata().at("model"), "model");
}

TEST_F(EmbedVerb, ATowerWithoutAClassTokenHasNoneToGive) {
  write_picture(folder_ / "a.png", 32, 32);
  const auto result =
      run_fovea({"embed", "-m", kGolden + "/timm_siglip_map_tanh", at("a.png"), "-o", at("f.npy"), "--pool", "cls"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("no class token"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "f.npy"));
}

TEST_F(EmbedVerb, MistakesAreExitTwoBeforeAnyWork) {
  write_picture(folder_ / "a.npy", 32, 32);
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{at("a.npy")}, "-o is missing"},
      {{at("a.npy"), "-o", at("f.txt")}, "expected .npy or .safetensors"},
      {{at("a.npy"), "-o", at("f.npy"), "--pool", "head,cls"}, "expected one of head"},
      {{at("a.npy"), "-o", at("a.npy")}, "is the input"},
      {{"-o", at("f.npy")}, "no PATH is given"}};
  for (const auto& [arguments, expected] : mistakes) {
    const auto result = embed(arguments);
    EXPECT_EQ(result.exit_code, 2) << expected;
    EXPECT_THAT(result.err, HasSubstr(expected));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "f.npy"));
}

TEST_F(EmbedVerb, AnInterruptKeepsTheRowsThatAreDone) {
  for (int i = 0; i < 400; ++i) write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 60, 60, i);
  ProcessOptions options;
  options.standard_output = at("rows.jsonl");
  Process running({"embed", "-m", at("model"), at("in"), "-o", at("f.npy"), "-t", "1", "-f", "jsonl"}, options);
  const auto has_begun = [&] {
    return std::filesystem::exists(at("rows.jsonl")) && std::filesystem::file_size(at("rows.jsonl")) > 0;
  };
  while (running.is_running() && !has_begun()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  running.send(SIGINT);
  const auto result = running.wait();
  if (result.exit_code == 0) GTEST_SKIP() << "it was faster than the signal";
  EXPECT_EQ(result.exit_code, 130) << result.err;
  const NpyArray features = array("f.npy");
  EXPECT_LT(features.shape[0], 400U);
  EXPECT_EQ(features.shape[0], sidecar("f.npy.jsonl").size());
  for (const float value : features.values) ASSERT_FALSE(std::isnan(value));
}

class ZeroShotOption : public EmbedVerb {
 protected:
  ZeroShotOption() {
    for (std::size_t i = 0; i < std::size_t{3} * 16; ++i) rows_.push_back(std::sin(static_cast<float>(i * i)));
    write_text_embeddings(folder_ / "text.safetensors", rows_, 16,
                          R"(["a cat", "a dog", "n04037443 racer, race car"])");
    write_picture(folder_ / "a.png", 40, 50);
  }
  [[nodiscard]] ProcessResult classify(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"classify", "-m", at("tower"), at("a.png"), "-f", "jsonl", "--text-embeddings",
                                         at("text.safetensors")});
    return run_fovea(arguments);
  }
  /// The picture's cosine with each text, from the features that `embed` writes.
  [[nodiscard]] std::vector<double> cosines() const {
    EXPECT_EQ(run_fovea({"embed", "-m", at("tower"), at("a.png"), "-o", at("image.npy")}).exit_code, 0);
    const std::vector<float> image = array("image.npy").values;
    EXPECT_EQ(image.size(), 16U) << "features are projected";
    std::vector<double> cosines;
    for (std::size_t c = 0; c < 3; ++c) {
      double dot = 0;
      double image_square = 0;
      double text_square = 0;
      for (std::size_t i = 0; i < 16; ++i) {
        const double text = double(rows_[16 * c + i]);
        dot += double(image[i]) * text;
        image_square += double(image[i]) * double(image[i]);
        text_square += text * text;
      }
      cosines.push_back(dot / std::sqrt(image_square * text_square));
    }
    return cosines;
  }
  std::vector<float> rows_;
};

TEST_F(ZeroShotOption, ClipSharesASoftmaxOverScaledCosines) {
  write_clip_tower(folder_ / "tower", 2.5F);
  const auto result = classify({"--save-logits", at("l.npy")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const auto cosine = cosines();
  const NpyArray logits = array("l.npy");
  ASSERT_EQ(logits.shape, (std::vector<std::size_t>{1, 3}));
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(logits.values[c], std::exp(2.5) * cosine[c], 1e-5);
    sum += std::exp(std::exp(2.5) * cosine[c]);
  }
  const auto line = result.json_lines().at(0);
  for (const auto& prediction : line.at("predictions")) {
    const auto c = prediction.at("class_index").get<std::size_t>();
    EXPECT_NEAR(prediction.at("probability").get<double>(), std::exp(std::exp(2.5) * cosine[c]) / sum, 1e-5);
    EXPECT_EQ(prediction.at("label"), (std::vector<std::string>{"a cat", "a dog", "racer"}[c]));
  }
}

TEST_F(ZeroShotOption, SiglipsBiasMeansASigmoidForEachText) {
  write_clip_tower(folder_ / "tower", 1.0F, -1.5F);
  const auto result = classify({});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto cosine = cosines();
  const auto line = result.json_lines().at(0);
  for (const auto& prediction : line.at("predictions")) {
    const auto c = prediction.at("class_index").get<std::size_t>();
    EXPECT_NEAR(prediction.at("probability").get<double>(), 1 / (1 + std::exp(-(std::exp(1.0) * cosine[c] - 1.5))),
                1e-5);
  }
}

TEST_F(ZeroShotOption, AnAssumedScaleIsWarnedAboutUnlessQuiet) {
  write_clip_tower(folder_ / "tower", std::nullopt);
  const auto result = classify({"--save-logits", at("l.npy")});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("warning: "));
  EXPECT_THAT(result.err, HasSubstr("logit_scale is missing: assumed 100"));
  EXPECT_NEAR(array("l.npy").values[0], 100 * cosines()[0], 1e-3);
  EXPECT_EQ(classify({"-q"}).err, "");
}

TEST_F(ZeroShotOption, LabelsMayComeFromAFileAndHaveToBeAsManyAsTheRows) {
  write_clip_tower(folder_ / "tower", 2.5F);
  write_text(folder_ / "three.txt", "x\ny\nz\n");
  const auto named = classify({"--labels", at("three.txt"), "-k", "1"}).json_lines().at(0);
  const auto index = named.at("predictions")[0].at("class_index").get<std::size_t>();
  EXPECT_EQ(named.at("predictions")[0].at("label"), std::string(1, "xyz"[index]));
  write_text(folder_ / "two.txt", "x\ny\n");
  const auto two = classify({"--labels", at("two.txt")});
  EXPECT_EQ(two.exit_code, 2);
  EXPECT_THAT(two.err, HasSubstr("is 2, expected 3"));
  write_text_embeddings(folder_ / "text.safetensors", rows_, 16, "");
  EXPECT_EQ(classify({}).exit_code, 2);
  EXPECT_THAT(classify({}).err, HasSubstr("no labels in its metadata"));
  EXPECT_EQ(classify({"--labels", at("three.txt")}).exit_code, 0);
}

TEST_F(ZeroShotOption, AnotherWidthOrNoEmbeddingsIsExitTwo) {
  write_clip_tower(folder_ / "tower", 2.5F);
  write_text_embeddings(folder_ / "text.safetensors", rows_, 12, R"(["a", "b", "c", "d"])");
  const auto wide = classify({});
  EXPECT_EQ(wide.exit_code, 2);
  EXPECT_THAT(wide.err, HasSubstr("are 12 wide, expected 16"));
  write_text(folder_ / "text.safetensors", "hello");
  EXPECT_EQ(classify({}).exit_code, 2);
  std::filesystem::copy(folder_ / "tower/model.safetensors", folder_ / "text.safetensors",
                        std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(classify({}).err, HasSubstr("tensor 'embeddings' is not there"));
}

TEST_F(ZeroShotOption, ExplainAndBatchClassifyByTextTooAndATowerAloneIsRefused) {
  write_clip_tower(folder_ / "tower", 2.5F);
  const std::vector<std::string> by_text{"-m",    at("tower"),         at("a.png"),           "-f",
                                         "jsonl", "--text-embeddings", at("text.safetensors")};
  for (const char* verb : {"explain", "batch"}) {
    std::vector<std::string> arguments{verb, "-o", at(verb)};
    const auto alone = run_fovea({verb, "-m", at("tower"), at("a.png"), "-o", at("alone")});
    EXPECT_EQ(alone.exit_code, 2) << verb;
    EXPECT_THAT(alone.err, HasSubstr("no classification head"));
    EXPECT_THAT(alone.err, HasSubstr("fovea embed"));
    EXPECT_THAT(alone.err, HasSubstr("--text-embeddings"));
    arguments.insert(arguments.end(), by_text.begin(), by_text.end());
    const auto result = run_fovea(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.json_lines().at(0).at("predictions").size(), 3U);
  }
  EXPECT_EQ(run_fovea({"classify", "-m", at("tower"), at("a.png")}).exit_code, 2);
  const auto summary = nlohmann::json::parse(read_text(folder_ / "batch/summary.json"));
  EXPECT_EQ(summary.at("model").at("labels"), at("text.safetensors"));
}

TEST_F(ZeroShotOption, ClassesOfTextsAreExplainedHeldAgainstEachOtherAndJudged) {
  write_clip_tower(folder_ / "tower", 2.5F);
  const auto explain = [&](const std::string& method) {
    return run_fovea({"explain", "-m", at("tower"), at("a.png"), "--text-embeddings", at("text.safetensors"), "-f",
                      "jsonl", "--method", method, "--target", "0", "--against", "1", "--faithfulness", "-o",
                      at("out-" + method)});
  };
  for (const char* method : {"generic", "grad-cam", "legrad", "occlusion"}) {
    const auto result = explain(method);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto map = result.json_lines().at(0).at("maps").at(0);
    EXPECT_EQ(map.at("target").at("class_index"), 0) << method;
    EXPECT_EQ(map.at("target").at("against").at("class_index"), 1) << method;
    EXPECT_GT(map.at("faithfulness").at("deletion_auc").get<double>(), 0.0) << method;
  }
  const auto refused = explain("attribution");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("attribution: classes come from --text-embeddings"));
}

}  // namespace
}  // namespace fovea::test
