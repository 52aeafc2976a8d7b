// SigLIP 2's NaFlex models, each picture in a grid of its own, against what transformers makes of the same files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "fovea/architecture.hpp"
#include "fovea/classifier.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/prepare.hpp"
#include "fovea/session.hpp"
#include "image/preprocess/preprocess.hpp"
#include "model/forward/vision_transformer.hpp"
#include "pipeline/pictures.hpp"
#include "support/sample_images.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path naflex_folder(const std::string& kind) {
  return test::source_dir() / "tests/golden/naflex" / kind;
}
fs::path source(const std::string& picture) {
  return test::preprocess_golden() / "sources" / picture;
}

/// What transformers computed, by picture and backend.
class NaflexGolden {
 public:
  explicit NaflexGolden(const std::string& kind)
      : folder_(naflex_folder(kind)), expected_(open_checkpoint(folder_ / "expected.safetensors")) {}
  [[nodiscard]] const fs::path& folder() const { return folder_; }
  [[nodiscard]] std::set<std::string> pictures() const {
    std::set<std::string> names;
    for (const TensorView& tensor : expected_->tensors()) names.insert(tensor.name.substr(0, tensor.name.find('/')));
    return names;
  }
  [[nodiscard]] std::vector<float> values(const std::string& picture, const std::string& backend,
                                          const std::string& what) const {
    return to_float(*expected_->find(picture + "/" + backend + "/" + what));
  }

 private:
  fs::path folder_;
  std::unique_ptr<Checkpoint> expected_;
};

float largest_of(const std::vector<float>& values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::fabs(value));
  return most;
}

/// Relative to the largest number that is expected.
float distance(const std::vector<float>& actual, const std::vector<float>& expected) {
  if (actual.size() != expected.size()) return INFINITY;
  float most = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) most = std::max(most, std::fabs(actual[i] - expected[i]));
  return std::isnan(most) ? INFINITY : most / largest_of(expected);
}

ClassifierOptions in_float32(const std::string& backend = "torchvision") {
  ClassifierOptions options;
  options.precision = Precision::kF32;
  options.threads = 2;
  if (backend == "pil") options.preprocess = "hf-pil";
  return options;
}

class NaflexBackend : public testing::TestWithParam<std::string> {};

TEST_P(NaflexBackend, EveryPictureGetsTransformersLogits) {
  const NaflexGolden golden("classifier");
  const Classifier classifier(golden.folder(), in_float32(GetParam()));
  ASSERT_EQ(golden.pictures().size(), 9U);
  for (const std::string& picture : golden.pictures()) {
    EXPECT_LE(distance(classifier.classify(source(picture)).logits, golden.values(picture, GetParam(), "logits")),
              1e-5F)
        << picture;
    EXPECT_LE(distance(classifier.embed(source(picture)).values, golden.values(picture, GetParam(), "pooled")), 1e-5F)
        << picture;
  }
}

TEST_P(NaflexBackend, EveryPictureGetsTransformersFeatures) {
  const NaflexGolden golden("tower");
  const Classifier classifier(golden.folder(), in_float32(GetParam()));
  for (const std::string& picture : golden.pictures()) {
    EXPECT_LE(distance(classifier.embed(source(picture)).values, golden.values(picture, GetParam(), "pooled")), 1e-5F)
        << picture;
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, NaflexBackend, testing::Values("torchvision", "pil"),
                         [](const auto& chosen) { return chosen.param; });

TEST(Naflex, SizesAreThoseOfTransformersRule) {
  const auto rows = nlohmann::json::parse(read_text_file(test::source_dir() / "tests/golden/naflex/sizes.json"));
  ASSERT_EQ(rows.size(), 400U);
  for (const auto& row : rows) {
    PreprocessRecipe recipe;
    recipe.resize = ResizeRule::kMostPatches;
    recipe.patch_size = row[2];
    recipe.max_patches = row[3];
    EXPECT_EQ(resized_size({row[0], row[1]}, recipe), (Size{row[4], row[5]})) << row;
  }
}

TEST(Naflex, PositionsAreResampledToEachPicturesGrid) {
  const NaflexGolden golden("classifier");
  const auto model = VisionTransformer::load(golden.folder());
  std::set<std::pair<std::size_t, std::size_t>> grids;
  for (const std::string& picture : golden.pictures()) {
    const PreparedImage prepared = prepare(read_image(source(picture)), model->info());
    const auto sized = model->at(prepared.network_input.size());
    EXPECT_EQ(sized->architecture().grid(), prepared.grid);
    const std::vector<float>& positions = ModelAccess::impl(*sized).pos_embed;
    EXPECT_LE(distance(positions, golden.values(picture, "torchvision", "positions")), 2e-6F) << picture;
    grids.insert({prepared.grid.rows, prepared.grid.cols});
  }
  EXPECT_TRUE(grids.contains({1, 20}));
  EXPECT_TRUE(grids.contains({20, 1}));
  EXPECT_TRUE(grids.contains({4, 4})) << "the grid that the positions were trained for";
  EXPECT_GE(grids.size(), 6U);
}

/// All golden pictures, again and again, so that shapes alternate within a batch.
std::vector<Input> mixed_inputs(const NaflexGolden& golden, std::size_t times) {
  std::vector<Input> inputs;
  for (std::size_t i = 0; i < times; ++i) {
    for (const std::string& picture : golden.pictures()) {
      inputs.push_back({.path = source(picture).native(), .name = picture, .failure = {}});
    }
  }
  return inputs;
}

std::vector<Logits> logits_of(Engine& engine, const std::vector<Input>& inputs, const Schedule& schedule) {
  std::vector<Logits> logits;
  engine.run(inputs, every(inputs.size()), {}, schedule, [&](PictureOutcome outcome) {
    EXPECT_FALSE(outcome.record.failure.has_value()) << outcome.record.failure->message;
    logits.push_back(std::move(outcome.logits));
  });
  return logits;
}

TEST(Naflex, ABatchOfMixedShapesEqualsOnePictureAtATimeToTheBit) {
  const NaflexGolden golden("classifier");
  LoadOptions options;
  options.precision = Precision::kF32;
  Engine engine(VisionTransformer::load(golden.folder(), options));
  const std::vector<Input> inputs = mixed_inputs(golden, 3);
  const std::vector<Logits> alone = logits_of(engine, inputs, {.workers = 1, .batch = 1, .threads = 1});
  ASSERT_EQ(alone.size(), inputs.size());
  for (const Schedule schedule : {Schedule{1, 4, 1}, Schedule{1, 27, 2}, Schedule{2, 5, 2}, Schedule{3, 1, 3}}) {
    EXPECT_EQ(logits_of(engine, inputs, schedule), alone)
        << schedule.workers << " workers, batches of " << schedule.batch << ", " << schedule.threads << " threads";
  }
}

TEST(Naflex, ModelsOfManySizesShareOneSetOfWeights) {
  const auto model = VisionTransformer::load(naflex_folder("classifier"));
  const auto wide = model->at({16, 320});
  const auto square = model->at({64, 64});
  EXPECT_EQ(ModelAccess::impl(*wide).shared, ModelAccess::impl(*model).shared);
  EXPECT_EQ(ModelAccess::impl(*square).shared, ModelAccess::impl(*model).shared);
  EXPECT_EQ(wide->architecture().tokens(), 20U);
  EXPECT_EQ(wide->info().recipe.input_size, (Size{16, 320}));
  EXPECT_EQ(wide->at({16, 320})->architecture().image_size, (Size{16, 320}));
  EXPECT_THROW((void)wide->at({64, 64}), Error) << "it is of one size";
}

TEST(Naflex, SizesThatNoPictureIsFedAtAreRefused) {
  const auto model = VisionTransformer::load(naflex_folder("classifier"));
  for (const Size size : {Size{64, 65}, Size{80, 80}, Size{0, 16}, Size{-16, 16}, Size{16, 336}}) {
    EXPECT_THROW((void)model->at(size), Error) << size.height << "x" << size.width;
  }
  try {
    const Session session(model, 1);
    ADD_FAILURE() << "a session of no size";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("each picture at a size of its own"));
    EXPECT_THAT(error.hint(), HasSubstr("VisionTransformer::at()"));
  }
}

TEST(Naflex, MapsHaveThePicturesGridAndLieOverAllOfIt) {
  const NaflexGolden golden("classifier");
  const Classifier classifier(golden.folder(), in_float32());
  ExplainRequest request;
  for (const ExplainMethod& method : explain_methods()) {
    // Those that run the model again take thousands of passes.
    if (!method.needs.reruns && !method.needs.subsets) request.methods.emplace_back(method.name);
  }
  for (const std::string& picture : golden.pictures()) {
    const PreparedImage prepared = prepare(read_image(source(picture)), classifier.info());
    const Explanation explanation = classifier.explain(source(picture), request);
    EXPECT_EQ(explanation.patches, prepared.grid) << picture;
    EXPECT_EQ(explanation.geometry.resized, explanation.geometry.crop) << picture;
    EXPECT_EQ(explanation.maps.size(), request.methods.size());
    for (std::size_t m = 0; m < explanation.maps.size(); ++m) {
      const Heatmap& map = explanation.maps[m].heatmap;
      EXPECT_EQ(map.grid.rows % prepared.grid.rows, 0U) << explanation.maps[m].method->name << " " << picture;
      EXPECT_EQ(map.grid.cols % prepared.grid.cols, 0U) << explanation.maps[m].method->name << " " << picture;
      EXPECT_EQ(draw_overlay(explanation, m).size().width, draw_overlay(explanation, 0).size().width);
    }
    EXPECT_FALSE(draw_panel(explanation).empty());
  }
}

/// A copy of the classifier's folder with other keys for its processor.
struct WithProcessor : test::TempFolder {
  explicit WithProcessor(const std::string& json) {
    for (const char* file : {"config.json", "model.safetensors"}) {
      fs::copy_file(naflex_folder("classifier") / file, *this / file);
    }
    if (!json.empty()) replace_file(*this / "preprocessor_config.json", json);
  }
};

std::string refusal(const fs::path& folder, const LoadOptions& options = {}) {
  try {
    (void)inspect_model(folder, options);
  } catch (const Error& error) {
    return std::string(error.what()) + " | " + error.hint();
  }
  return "accepted";
}

TEST(Naflex, WhatTheProcessorSaysIsObeyed) {
  const WithProcessor smaller(
      R"({"image_processor_type": "Siglip2ImageProcessorFast", "patch_size": 16, "max_num_patches": 7, "size": {"height": 3, "width": 3}})");
  const ModelInfo info = inspect_model(smaller.path());
  EXPECT_EQ(info.architecture.max_patches, 7U);
  EXPECT_EQ(info.architecture.image_size, (Size{32, 32})) << "a square picture's";
  EXPECT_EQ(fed_size({100, 1000}, info.recipe), (Size{16, 112}));
  const WithProcessor absent("");
  EXPECT_EQ(inspect_model(absent.path()).architecture.max_patches, 256U) << "the class's own number";
  const WithProcessor as_they_are(
      R"({"image_processor_type": "Siglip2ImageProcessor", "max_num_patches": 7, "do_resize": false})");
  const PreprocessRecipe recipe = inspect_model(as_they_are.path()).recipe;
  EXPECT_EQ(fed_size({48, 32}, recipe), (Size{48, 32}));
  EXPECT_THROW((void)fed_size({48, 33}, recipe), Error) << "no whole patches";
  EXPECT_THROW((void)fed_size({48, 48}, recipe), Error) << "too many of them";
}

TEST(Naflex, ProcessorsThatDoNotFitAreRefusedByName) {
  EXPECT_THAT(refusal(WithProcessor(R"({"image_processor_type": "Siglip2ImageProcessor", "patch_size": 14})").path()),
              HasSubstr("patches of 14 px, expected 16 px"));
  EXPECT_THAT(refusal(WithProcessor(R"({"image_processor_type": "SiglipImageProcessor", "size": 64})").path()),
              HasSubstr("expected Siglip2ImageProcessor"));
  for (const char* value : {"0", "null", "-1", "\"x\""}) {
    const std::string json =
        std::string(R"({"image_processor_type": "Siglip2ImageProcessor", "max_num_patches": )") + value + "}";
    EXPECT_THAT(refusal(WithProcessor(json).path()), HasSubstr("max_num_patches is")) << value;
  }
  LoadOptions options;
  options.recipe.preprocess = "timm";
  EXPECT_THAT(refusal(naflex_folder("classifier"), options), HasSubstr("--image-size HxW"));
  options = {};
  options.recipe.crop_size = Size{64, 64};
  EXPECT_THAT(refusal(naflex_folder("classifier"), options), HasSubstr("--crop-size"));
  options.image_size = Size{64, 64};
  EXPECT_EQ(refusal(naflex_folder("classifier"), options), "accepted");
}

TEST(Naflex, OneSizeForAllPicturesIsStillToBeHad) {
  LoadOptions options;
  options.image_size = Size{64, 64};  // that of a square picture, too
  const auto model = VisionTransformer::load(naflex_folder("classifier"), options);
  EXPECT_EQ(model->architecture().max_patches, 0U);
  EXPECT_EQ(model->info().recipe.resize, ResizeRule::kExact);
  EXPECT_EQ(fed_size({3, 500}, model->info().recipe), (Size{64, 64}));
  Session session(model, 1);
  const auto own = VisionTransformer::load(naflex_folder("classifier"));
  Session of_square(own->at({64, 64}), 1);
  const PreparedImage square = prepare(read_image(source("size_64x64.png")), model->info());
  EXPECT_EQ(session.run(square.patches), of_square.run(square.patches));
}

TEST(Naflex, FeaturesOfAllPatchesNeedOneSize) {
  const Classifier classifier(naflex_folder("classifier"), in_float32());
  EXPECT_THROW((void)classifier.embed(source("baseline.jpg"), FeaturePool::kPatchTokens), Error);
  const Features mean = classifier.embed(source("size_3x500.png"), FeaturePool::kPatchMean);
  const Features head = classifier.embed(source("size_3x500.png"));
  EXPECT_LE(distance(mean.values, head.values), 1e-5F) << "its head reads the average patch";
}

}  // namespace
}  // namespace fovea
