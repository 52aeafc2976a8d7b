// fovea learn as a process: from a folder of labelled pictures to a model that all verbs take.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/classifier.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"
#include "support/tower.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Twelve pictures of each of three kinds of texture that a random network tells apart.
void write_kinds(const fs::path& folder, std::size_t of_each = 12) {
  const std::vector<std::string> kinds{"bolt", "nut", "washer"};
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    fs::create_directories(folder / kinds[kind]);
    for (std::size_t i = 0; i < of_each; ++i) {
      write_texture(folder / kinds[kind] / (std::to_string(i) + ".png"), kind, i);
    }
  }
}

class Learn : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    write_kinds(*folder_ / "photos");
    write_tiny_model_folder(*folder_ / "model");
    result_ = run_fovea({"learn", (*folder_ / "photos").string(), "-m", (*folder_ / "model").string(), "-o",
                         mine().string(), "--unknown", "0.1", "-f", "json"});
  }
  static void TearDownTestSuite() { delete folder_; }

  static fs::path mine() { return *folder_ / "mine.safetensors"; }
  static std::string photos() { return (*folder_ / "photos").string(); }
  static std::string model() { return (*folder_ / "model").string(); }
  static std::string output(const std::string& name) { return (*folder_ / name).string(); }
  static ProcessResult learn(const std::string& folder, const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"learn", folder, "-m", model(), "-o", output(name), "-f", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_fovea(arguments);
  }

  static inline TempFolder* folder_ = nullptr;
  static inline ProcessResult result_;
};

TEST_F(Learn, MayStartFromTexts) {
  // Texts that say what the pictures show: the means of two pictures of each class, in the space of both towers.
  write_clip_tower(*folder_ / "tower", 3.0F);
  write_kinds(*folder_ / "few", 3);
  const auto arguments = [&](std::vector<std::string> more) {
    std::vector<std::string> all{"learn", output("few"), "-m", output("tower"), "-o", output("t.safetensors"), "-f", "json", "-q"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  std::vector<float> rows;
  for (const char* kind : {"washer", "nut", "bolt"}) {
    const std::string file = output(std::string(kind) + ".npy");
    ASSERT_EQ(run_fovea({"embed", output("photos") + "/" + kind, "-m", output("tower"), "-o", file, "-q"}).exit_code, 0);
    const std::string bytes = read_text(file);
    std::vector<float> values(12 * 16);
    std::memcpy(values.data(), bytes.data() + bytes.size() - values.size() * sizeof(float), values.size() * sizeof(float));
    for (std::size_t i = 0; i < 16; ++i) {
      float sum = 0;
      for (std::size_t picture = 0; picture < 12; ++picture) sum += values[picture * 16 + i];
      rows.push_back(sum);
    }
  }
  write_text_embeddings(*folder_ / "texts.safetensors", rows, 16, R"(["washer","nut","bolt"])");
  const auto with = run_fovea(arguments({"--text-embeddings", output("texts.safetensors")}));
  ASSERT_EQ(with.exit_code, 0) << with.err;
  const Json report = Json::parse(with.out);
  EXPECT_EQ(report["texts"], output("texts.safetensors"));
  EXPECT_GE(report["text_weight"], 0);
  EXPECT_EQ(report["baselines"].back()["name"], "texts alone");
  // The same answers as classify's with the texts.
  std::size_t right = 0;
  const auto rows_of = run_fovea({"classify", "-r", output("few"), "-m", output("tower"), "--text-embeddings",
                                  output("texts.safetensors"), "-f", "jsonl", "-q"});
  for (const Json& row : rows_of.json_lines()) {
    if (row["type"] != "result") continue;
    const fs::path path(row["path"].get<std::string>());
    if (row["predictions"][0]["label"] == path.parent_path().filename().string()) ++right;
  }
  EXPECT_NEAR(report["baselines"].back()["top1"].get<double>(), static_cast<double>(right) / 9, 1e-9);
  const auto inspected = run_fovea({"inspect", output("t.safetensors"), "-f", "json"});
  EXPECT_EQ(Json::parse(inspected.out)["learned"]["text_weight"], report["text_weight"]);

  write_text_embeddings(*folder_ / "other.safetensors", rows, 16, R"(["washer","nut","screw"])");
  const auto unknown = run_fovea(arguments({"--text-embeddings", output("other.safetensors")}));
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("1 of 3 labels name no one class of it: 'bolt'"), std::string::npos) << unknown.err;
  rows.resize(3 * 12);
  write_text_embeddings(*folder_ / "narrow.safetensors", rows, 12, R"(["washer","nut","bolt"])");
  const auto narrow = run_fovea(arguments({"--text-embeddings", output("narrow.safetensors")}));
  EXPECT_EQ(narrow.exit_code, 2);
  EXPECT_NE(narrow.err.find("12 wide, expected 16"), std::string::npos) << narrow.err;
}

TEST_F(Learn, SaysHowGoodTheModelIs) {
  ASSERT_EQ(result_.exit_code, 0) << result_.err;
  const Json report = Json::parse(result_.out);
  EXPECT_EQ(report["type"], "learned");
  EXPECT_EQ(report["pictures"], 36);
  EXPECT_EQ(report["classes"].size(), 3U);
  const Json& best = report["backbones"][0];
  EXPECT_GT(best["top1"]["value"], 0.8);
  EXPECT_LE(best["top1"]["low"], best["top1"]["value"]);
  EXPECT_EQ(report["baselines"].size(), 2U);
  EXPECT_EQ(report["learning_curve"].size(), 4U);
  std::size_t counted = 0;
  for (const Json& row : report["confusion"]) {
    for (const Json& count : row) counted += count.get<std::size_t>();
  }
  EXPECT_EQ(counted, report["measured"]);
}

TEST_F(Learn, WritesAModelThatEveryVerbTakes) {
  const std::string picture = photos() + "/nut/3.png";
  const auto classified = run_fovea({"classify", picture, "-m", mine().string(), "-k", "3", "-f", "jsonl"});
  ASSERT_EQ(classified.exit_code, 0) << classified.err;
  const Json row = classified.json_lines().front();
  EXPECT_EQ(row["predictions"].size(), 3U);
  EXPECT_EQ(row["predictions"][0]["label"], "nut");
  EXPECT_TRUE(row["unknown"].is_boolean());
  EXPECT_TRUE(row["unknown_score"].is_number());

  const auto explained =
      run_fovea({"explain", picture, "-m", mine().string(), "-o", output("maps"), "--target", "nut"});
  EXPECT_EQ(explained.exit_code, 0) << explained.err;
  EXPECT_TRUE(fs::exists(output("maps/3.png.libra.1.png")));

  const auto quantised = run_fovea({"quantize", mine().string(), output("small.safetensors"), "--to", "bf16"});
  ASSERT_EQ(quantised.exit_code, 0) << quantised.err;
  const auto again = run_fovea({"classify", picture, "-m", output("small.safetensors"), "-k", "1", "-f", "jsonl"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.json_lines().front()["predictions"][0]["label"], "nut");
  EXPECT_TRUE(again.json_lines().front().contains("unknown"));

  EXPECT_EQ(run_fovea({"inspect", mine().string()}).exit_code, 0);
  const auto csv = run_fovea({"classify", picture, "-m", mine().string(), "-k", "1", "-f", "csv"});
  EXPECT_EQ(csv.out.substr(0, csv.out.find('\n')), "index,path,width,height,label1,probability1,error,unknown");
}

TEST_F(Learn, GivesTheLogitsOfItsHeadDividedByTheTemperature) {
  const Classifier backbone(model(), {.precision = Precision::kF32});
  const Classifier learned(mine(), {.precision = Precision::kF32});
  const std::string picture = photos() + "/bolt/0.png";
  const std::vector<float> features = backbone.embed(picture).values;
  EXPECT_EQ(features, learned.embed(picture).values);
  const ModelInfo info = inspect_model(mine());
  EXPECT_GT(info.temperature, 0);
  ASSERT_TRUE(info.unknown.has_value());
  EXPECT_EQ(info.labels.size(), 3U);
}

TEST_F(Learn, CallsAPictureUnknownThatIsLikeNoneOfTheClasses) {
  write_picture(output("other.png"), 64, 64, 3);
  const auto text = run_fovea({"classify", output("other.png"), "-m", mine().string()});
  EXPECT_NE(text.out.find("unknown (nearest: "), std::string::npos) << text.out;
}

TEST_F(Learn, UsesTheFeaturesOfAnEarlierRunAndGivesTheSameModel) {
  const auto second = learn(photos(), "second.safetensors", {"--unknown", "0.1", "--cache", output("mine.features")});
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(read_text(mine()), read_text(output("second.safetensors")));
}

TEST_F(Learn, DoesNotDependOnThreadsBatchesOrFileNames) {
  fs::create_directories(output("renamed"));
  for (const std::string kind : {"bolt", "nut", "washer"}) {
    fs::create_directories(fs::path(output("renamed")) / kind);
    for (int i = 0; i < 12; ++i) {
      fs::copy(fs::path(photos()) / kind / (std::to_string(i) + ".png"),
               fs::path(output("renamed")) / kind / (std::to_string((i * 5 + 1) % 12) + "x.png"));
    }
  }
  const auto other = learn(output("renamed"), "renamed.safetensors", {"--unknown", "0.1", "-t", "3", "--batch", "5"});
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(read_text(mine()), read_text(output("renamed.safetensors")));
}

TEST_F(Learn, GivesABadPictureARowAndLearnsFromTheOthers) {
  const fs::path folder = output("broken");
  write_kinds(folder, 4);
  write_text(folder / "nut" / "torn.png", "\x89PNG\r\n\x1a\n");
  write_picture(folder / "lost.png", 20, 20);
  const auto result = learn(folder.string(), "broken.safetensors");
  EXPECT_EQ(result.exit_code, 1);
  const Json report = Json::parse(result.out);
  ASSERT_EQ(report["failures"].size(), 2U);
  EXPECT_EQ(report["pictures"], 12);
  EXPECT_NE(result.err.find("lost.png: the picture has no class: it lies in no folder"), std::string::npos);
  EXPECT_TRUE(fs::exists(output("broken.safetensors")));
}

TEST_F(Learn, SaysThatAClassOfOnePictureCannotBeMeasured) {
  const fs::path folder = output("single");
  write_kinds(folder, 4);
  fs::create_directories(folder / "cog");
  write_texture(folder / "cog" / "1.png", 7, 0);
  const auto result = learn(folder.string(), "single.safetensors");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("class 'cog' has one picture: it is learned, but nothing can be measured on it"),
            std::string::npos)
      << result.err;
  EXPECT_FALSE(Json::parse(result.out)["classes"][1].contains("recall"));
}

TEST_F(Learn, RefusesFoldersOfPartsInPlaceOfClasses) {
  const fs::path folder = output("parts");
  write_kinds(folder / "train", 2);
  write_kinds(folder / "val", 2);
  const auto result = learn(folder.string(), "parts.safetensors");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("hold folders of the same names ('bolt'), expected one folder for each class"),
            std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("parts/train --val"), std::string::npos) << result.err;
}

TEST_F(Learn, RefusesOneClassAndWhatItCannotWrite) {
  EXPECT_EQ(learn(photos() + "/nut", "one.safetensors").exit_code, 2);
  EXPECT_EQ(learn(photos(), "mine.pth").exit_code, 2);
  EXPECT_EQ(run_fovea({"learn", photos()}).exit_code, 2);
  EXPECT_EQ(learn(photos(), "x.safetensors", {"--unknown", "2"}).exit_code, 2);
  EXPECT_EQ(learn(photos(), "x.safetensors", {"--group-by", "("}).exit_code, 2);
}

TEST_F(Learn, ReadsLabelsFromATable) {
  const fs::path folder = output("table");
  write_kinds(folder, 4);
  std::string table = "file_name,note,label\r\n";
  for (const std::string kind : {"bolt", "nut", "washer"}) {
    for (int i = 0; i < 4; ++i) {
      table +=
          kind + "/" + std::to_string(i) + ".png,\"a, b\"," + (kind == "bolt" ? "\"long, thin\"" : "flat") + "\r\n";
    }
  }
  write_text(folder / "metadata.csv", table);
  const auto result = learn(folder.string(), "table.safetensors");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json report = Json::parse(result.out);
  ASSERT_EQ(report["classes"].size(), 2U);
  EXPECT_EQ(report["classes"][0]["name"], "flat");
  EXPECT_EQ(report["classes"][1]["name"], "long, thin");
}

TEST_F(Learn, LearnsFromTheMeanOfSeveralViewsAndMeasuresOnOne) {
  for (const std::string count : {"2", "10"}) {
    const std::string name = "views" + count + ".safetensors";
    const auto viewed =
        learn(photos(), name, {"--views", count, "--unknown", "0.1", "--cache", output("views.features")});
    ASSERT_EQ(viewed.exit_code, 0) << viewed.err;
    const Json report = Json::parse(viewed.out);
    EXPECT_EQ(report["views"], std::stoi(count));
    EXPECT_EQ(report["pictures"], 36);  // not views
    EXPECT_EQ(report["measured"], 36);
    EXPECT_GT(report["backbones"][0]["top1"]["value"], 0.8);
    EXPECT_NE(read_text(output(name)), read_text(mine()));
    const auto again = learn(photos(), "again.safetensors",
                             {"--views", count, "--unknown", "0.1", "--cache", output("views.features"), "-t", "3"});
    ASSERT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(read_text(output("again.safetensors")), read_text(output(name)));
  }
  // One file for each view, and the middle's serves every number of views.
  EXPECT_EQ(std::distance(fs::directory_iterator(output("views.features")), fs::directory_iterator()), 10);
  const auto plain = learn(photos(), "plain.safetensors", {"--unknown", "0.1", "--cache", output("views.features")});
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_EQ(read_text(output("plain.safetensors")), read_text(mine()));
}

TEST_F(Learn, SaysOnceThatAPictureIsBadHoweverManyViewsItWouldHave) {
  const fs::path folder = output("torn");
  write_kinds(folder, 4);
  write_text(folder / "nut" / "torn.png", "\x89PNG\r\n\x1a\n");
  const auto result = learn(folder.string(), "torn.safetensors", {"--views", "2"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(Json::parse(result.out)["failures"].size(), 1U);
  const auto first = result.err.find("torn.png");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(result.err.find("torn.png", first + 1), std::string::npos) << result.err;
}

TEST_F(Learn, ObeysDecisionsAboutPictures) {
  // A bolt lies among the nuts, and a picture that is none of the three.
  const fs::path folder = output("decided");
  write_kinds(folder, 6);
  write_texture(folder / "nut" / "x.png", 0, 40);
  write_picture(folder / "washer" / "other.png", 64, 64, 3);
  write_text(output("decisions.csv"),
             "file_name,decision,label\nnut/x.png,relabel,bolt\nwasher/other.png,drop,washer\nnut/0.png,keep,\n");
  const auto decided = learn(folder.string(), "decided.safetensors", {"--decisions", output("decisions.csv")});
  ASSERT_EQ(decided.exit_code, 0) << decided.err;
  const Json report = Json::parse(decided.out);
  EXPECT_EQ(report["pictures"], 19);
  EXPECT_EQ(report["decisions"]["dropped"], 1);
  EXPECT_EQ(report["decisions"]["relabelled"], 1);
  EXPECT_EQ(report["decisions"]["kept"], 1);
  const Json made = Json::parse(run_fovea({"inspect", output("decided.safetensors"), "-f", "json"}).out);
  EXPECT_EQ(made["learned"]["decisions"]["sha256"], report["decisions"]["sha256"]);

  fs::rename(folder / "nut" / "x.png", folder / "bolt" / "x.png");
  fs::remove(folder / "washer" / "other.png");
  ASSERT_EQ(learn(folder.string(), "mended.safetensors").exit_code, 0);
  const Classifier obeyed(output("decided.safetensors"), {.precision = Precision::kF32});
  const Classifier mended(output("mended.safetensors"), {.precision = Precision::kF32});
  const std::string picture = photos() + "/bolt/0.png";
  EXPECT_EQ(obeyed.classify(picture).probabilities, mended.classify(picture).probabilities);
}

TEST_F(Learn, RefusesADecisionAboutWhatItDoesNotKnow) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"nut/99.png,drop,", "there is no picture 'nut/99.png' below the folder"},
      {"nut/1.png,delete,", "the decision about 'nut/1.png' is 'delete', expected keep, drop or relabel"},
      {"nut/1.png,relabel,rivet", "the label of 'nut/1.png' is 'rivet', which no picture of the folder has"},
      {"nut/1.png,relabel,", "'nut/1.png' is to be relabelled, but its label is empty"},
      {"nut/1.png,drop,\nnut/1.png,keep,", "'nut/1.png' is decided about twice"}};
  for (const auto& [rows, message] : cases) {
    write_text(output("wrong.csv"), "file_name,decision,label\n" + rows + "\n");
    const auto result = learn(photos(), "wrong.safetensors", {"--decisions", output("wrong.csv")});
    EXPECT_EQ(result.exit_code, 2) << rows;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(output("wrong.safetensors")));
  }
  write_text(output("wrong.csv"), "file,decision,label\n");
  EXPECT_EQ(learn(photos(), "wrong.safetensors", {"--decisions", output("wrong.csv")}).exit_code, 2);
}

TEST_F(Learn, KeepsGroupsTogetherThatARegularExpressionNames) {
  const auto result =
      learn(photos(), "grouped.safetensors", {"--group-by", "^[^/]*/([0-9])", "--cache", output("mine.features")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_LT(Json::parse(result.out)["groups"], 36);
}

}  // namespace
}  // namespace fovea::test
