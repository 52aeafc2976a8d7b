// fovea::Classifier against the program: the same numbers to the bit, the same pixels.
#include "fovea/classifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/files.hpp"
#include "fovea/interrupt.hpp"
#include "fovea/prepare.hpp"
#include "report/files/documents.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"
#include "support/tower.hpp"

namespace fovea::test {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kSamples{"cat_and_espresso.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg"};

std::filesystem::path sample(const std::string& name) {
  return source_dir() / "samples" / name;
}

class ClassifierApi : public testing::Test {
 protected:
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::vector<float> array(const std::string& name) const {
    return parse_npy_f32(read_file(folder_ / name), name).values;
  }
  void run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--precision", "auto", "-q"});
    const ProcessResult result = run_fovea(arguments);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  TempFolder folder_;
  Classifier classifier_{source_dir() / "weights/vit_tiny_tin200"};
};

TEST_F(ClassifierApi, LogitsAndPredictionsAreTheProgramsFromAPathFromBytesAndFromPixels) {
  run({"classify", (source_dir() / "samples").string(), "--save-logits", at("logits.npy"), "-f", "csv", "-o",
       at("out.csv")});
  const std::vector<float> logits = array("logits.npy");
  std::vector<Picture> pictures;
  for (const std::string& name : kSamples) pictures.emplace_back(sample(name));
  const auto results = classifier_.classify(pictures);
  ASSERT_EQ(results.size(), kSamples.size());
  const std::string table = read_text_file(folder_ / "out.csv");
  const std::size_t classes = logits.size() / kSamples.size();
  for (std::size_t i = 0; i < kSamples.size(); ++i) {
    const Classification& one = results[i].value();
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>(i * classes);
    EXPECT_EQ(one.logits, Logits(row, row + static_cast<std::ptrdiff_t>(classes))) << kSamples[i];
    EXPECT_EQ(one.predictions.size(), 5U);
    EXPECT_EQ(one.predictions.front().probability, one.probabilities.at(one.predictions.front().class_index));
    EXPECT_THAT(table, HasSubstr(*one.predictions.front().label));
    const std::vector<std::byte> bytes = read_file(sample(kSamples[i]));
    EXPECT_EQ(classifier_.classify(bytes).logits, one.logits);
    EXPECT_EQ(classifier_.classify(read_image(sample(kSamples[i]))).logits, one.logits);
  }
}

TEST_F(ClassifierApi, MapsAndOverlaysAreTheProgramsForATargetAgainstAnother) {
  const std::string picture = sample("cat_and_espresso.jpg").string();
  run({"explain", picture, "-o", folder_.path().string(), "--method", "generic", "--method", "rollout", "--target",
       "top1", "--against", "top2", "--save-map", "--panel", "--style", "contour"});
  const Explanation explanation =
      classifier_.explain(picture, {.methods = {"generic", "rollout"}, .targets = {"top1"}, .against = "top2"});
  ASSERT_EQ(explanation.maps.size(), 2U);
  const MapTarget& target = *explanation.maps[0].target;
  const std::string contrast =
      "generic." + std::to_string(target.class_index) + "-" + std::to_string(target.against->class_index);
  const std::string name = "cat_and_espresso.jpg.";
  EXPECT_EQ(explanation.maps[0].heatmap.values, array(name + contrast + ".npy"));
  EXPECT_EQ(explanation.maps[1].heatmap.values, array(name + "rollout.npy"));
  const OverlayStyle style{.style = MapStyle::kContour};
  const auto expect_same = [&](const Image& drawn, const std::string& file) {
    const Image written = read_image(folder_ / file);
    EXPECT_EQ(drawn.size(), written.size()) << file;
    EXPECT_TRUE(std::equal(drawn.pixels().begin(), drawn.pixels().end(), written.pixels().begin())) << file;
  };
  expect_same(draw_overlay(explanation, 0, style), name + contrast + ".png");
  expect_same(draw_overlay(explanation, 1, style), name + "rollout.png");
  expect_same(draw_panel(explanation, style), name + "panel.png");
  EXPECT_THROW((void)draw_overlay(explanation, 2), Error);
}

TEST_F(ClassifierApi, FeaturesAreTheProgramsInEveryPool) {
  for (const FeaturePool pool : kFeaturePools) {
    run({"embed", sample("rocket.jpg").string(), "-o", at("x.npy"), "--pool", std::string(name(pool))});
    const Features features = classifier_.embed(sample("rocket.jpg"), pool);
    EXPECT_EQ(features.values, array("x.npy")) << name(pool);
    std::size_t count = 1;
    for (const std::size_t side : features.shape) count *= side;
    EXPECT_EQ(count, features.values.size());
  }
}

TEST_F(ClassifierApi, AQuantisedFileRunsInItsOwnPrecisionAsInTheProgram) {
  if (!has_units(Precision::kInt8)) GTEST_SKIP() << "no units for int8";
  const std::string model = (source_dir() / "weights/vit_tiny_tin200").string();
  ASSERT_EQ(run_fovea({"quantize", model, at("small.safetensors"), "--calibrate", (source_dir() / "samples").string()})
                .exit_code,
            0);
  run({"classify", sample("coffee.jpg").string(), "-m", at("small.safetensors"), "--save-logits", at("logits.npy")});
  const Classifier small(folder_ / "small.safetensors");
  EXPECT_EQ(small.info().precision, Precision::kInt8);
  EXPECT_EQ(small.classify(sample("coffee.jpg")).logits, array("logits.npy"));
}

TEST_F(ClassifierApi, ZeroShotClassesAreTheProgramsWithTheSameTextEmbeddings) {
  std::vector<float> rows;  // [3, 16]
  for (std::size_t i = 0; i < std::size_t{3} * 16; ++i) rows.push_back(static_cast<float>(i * i % 11) - 5.0F);
  write_clip_tower(folder_ / "tower", 3.0F);
  write_text_embeddings(folder_ / "text.safetensors", rows, 16, R"(["a cat", "a cup", "a rocket"])");
  run({"classify", sample("rocket.jpg").string(), "-m", at("tower"), "--text-embeddings", at("text.safetensors"),
       "--save-logits", at("logits.npy")});
  const Classifier tower(folder_ / "tower", {.text_embeddings = folder_ / "text.safetensors"});
  const Classification result = tower.classify(sample("rocket.jpg"));
  EXPECT_EQ(result.logits, array("logits.npy"));
  EXPECT_EQ(result.predictions.size(), 3U);
  EXPECT_THROW((void)Classifier(folder_ / "tower").classify(sample("rocket.jpg")), Error) << "it has no classes";
  EXPECT_EQ(Classifier(folder_ / "tower").embed(sample("rocket.jpg")).shape, std::vector<std::size_t>{16});
}

TEST_F(ClassifierApi, PreparedPicturesGiveASessionTheSameLogits) {
  const auto model = VisionTransformer::load(source_dir() / "weights/vit_tiny_tin200");
  const PreparedImage prepared = prepare(read_image(sample("chelsea.jpg")), model->info());
  EXPECT_EQ(Session(model, 1).run(prepared.patches).front(), classifier_.classify(sample("chelsea.jpg")).logits);
  EXPECT_EQ(prepared.network_input.size(), model->architecture().image_size);
  EXPECT_EQ(prepared.geometry.crop, model->architecture().image_size);
}

TEST_F(ClassifierApi, OfManyPicturesABadOneFailsAloneAndAloneItThrows) {
  write_text(folder_ / "bad.jpg", "no picture");
  const std::vector<std::byte> nothing;
  const std::vector<Picture> pictures{sample("coffee.jpg"), folder_ / "bad.jpg", folder_ / "none.jpg", nothing,
                                      sample("rocket.jpg")};
  const auto results = classifier_.classify(pictures);
  ASSERT_EQ(results.size(), 5U);
  EXPECT_TRUE(results[0].ok());
  EXPECT_TRUE(results[4].ok());
  EXPECT_EQ(results[1].error().code(), ErrorCode::kDecode);
  EXPECT_EQ(results[2].error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(results[3].error().code(), ErrorCode::kDecode);
  EXPECT_THROW((void)results[1].value(), Error);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_THROW((void)classifier_.classify(pictures[i]), Error) << i;
}

TEST_F(ClassifierApi, WhatConcernsTheWholeCallIsThrown) {
  const std::vector<Picture> pictures{sample("coffee.jpg")};
  EXPECT_THROW((void)classifier_.explain(pictures, {.methods = {"rolout"}}), Error);
  EXPECT_THROW((void)classifier_.explain(pictures, {.targets = {"no such class"}}), Error);
  EXPECT_THROW((void)classifier_.explain(pictures, {.methods = {"rollout"}, .targets = {"top1"}}), Error)
      << "a class that no method explains";
  EXPECT_THROW((void)Classifier(source_dir() / "weights/vit_tiny_tin200", {.preprocess = "tim"}), Error);
}

TEST_F(ClassifierApi, ManyThreadsMayUseOneClassifierAtOnce) {
  const Logits alone = classifier_.classify(sample("coffee.jpg")).logits;
  std::vector<Logits> logits(4);
  std::vector<std::thread> threads;
  for (Logits& one : logits) {
    threads.emplace_back([&] { one = classifier_.classify(sample("coffee.jpg")).logits; });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Logits& one : logits) EXPECT_EQ(one, alone);
}

TEST_F(ClassifierApi, FaithfulnessIsMeasuredWhereItIsAskedFor) {
  const Explanation plain = classifier_.explain(sample("coffee.jpg"));
  EXPECT_EQ(plain.maps.front().method->name, "rollout");
  EXPECT_FALSE(plain.maps.front().faithfulness);
  const Explanation judged = classifier_.explain(sample("coffee.jpg"), {.faithfulness = true});
  ASSERT_TRUE(judged.maps.front().faithfulness);
  EXPECT_GT(judged.maps.front().faithfulness->map.insertion, 0.0);
}

TEST_F(ClassifierApi, AnInterruptEndsCallsUntilItIsWithdrawn) {
  const std::vector<Picture> pictures(3, sample("coffee.jpg"));
  request_interrupt();
  EXPECT_THROW((void)classifier_.classify(pictures), Interrupted);
  EXPECT_THROW((void)classifier_.explain(pictures.front()), Interrupted);
  withdraw_interrupt();
  EXPECT_EQ(classifier_.classify(pictures).size(), 3U);
}

TEST_F(ClassifierApi, SaysHowLargeAPictureIsAndMakesAPngOfAnOverlay) {
  const auto explanation = classifier_.explain(sample("coffee.jpg"));
  EXPECT_EQ(explanation.classification.size, explanation.picture.size());
  const Image overlay = draw_overlay(explanation);
  write_png(at("overlay.png"), overlay);
  EXPECT_EQ(png_bytes(overlay), read_file(folder_ / "overlay.png"));
  EXPECT_EQ(classifier_.classify(overlay).size, overlay.size());
}

}  // namespace
}  // namespace fovea::test
