// Small models made after public reports, with the values that their libraries give: what a model's files say, from the
// picture to the row. They lie beside the project.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/codec/codec.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"
#include "pipeline/predictions.hpp"
#include "pipeline/tensor_images.hpp"
#include "report/files/documents.hpp"
#include "support/golden_family.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

/// A network and what it is fed, one picture at a time.
class CaseRunner {
 public:
  explicit CaseRunner(const fs::path& model) : model_(load_f32(model)), session_(model_, 1) {}

  [[nodiscard]] const ModelInfo& info() const { return model_->info(); }
  [[nodiscard]] ForwardResult operator()(const std::vector<float>& patches) {
    return session_.forward(patches, {}).at(0);
  }
  /// As the model's own files say.
  [[nodiscard]] std::vector<float> patches_of_picture(const fs::path& picture) const {
    const Image image = decode_image(read_file(picture), picture.string(), {});
    std::vector<float> patches(size_of_patches());
    extract_patches(preprocess(image, info().recipe).pixels, info().recipe, info().architecture.patch_size, patches);
    return patches;
  }
  [[nodiscard]] std::vector<std::vector<float>> patches_of_tensor(const fs::path& file) const {
    const TensorImages tensors(file);
    EXPECT_EQ(tensors.size(), info().architecture.image_size) << file;
    std::vector<std::vector<float>> all;
    for (std::size_t i = 0; i < tensors.inputs().size(); ++i) {
      const Size size = tensors.size();
      std::vector<float> chw(3 * static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width));
      tensors.read(i, chw);
      all.emplace_back(size_of_patches());
      cut_patches(chw, size, info().architecture.patch_size, all.back());
    }
    return all;
  }

 private:
  static std::shared_ptr<const VisionTransformer> load_f32(const fs::path& model) {
    LoadOptions options;
    options.precision = Precision::kF32;
    return VisionTransformer::load(model, options);
  }
  [[nodiscard]] std::size_t size_of_patches() const {
    return info().architecture.grid().size() * info().architecture.patch_dim();
  }

  std::shared_ptr<const VisionTransformer> model_;
  Session session_;
};

/// A row of an array of float32 [n, C].
std::vector<float> expected_row(const fs::path& file, std::size_t row) {
  const NpyArray array = parse_npy_f32(read_file(file), file.string());
  const auto width = static_cast<std::ptrdiff_t>(array.shape.at(1));
  const auto first = array.values.begin() + static_cast<std::ptrdiff_t>(row) * width;
  return {first, first + width};
}

/// expected_x.npy through the network gives expected_y.npy.
void expect_outputs(const fs::path& model) {
  const fs::path folder = fs::is_directory(model) ? model : model.parent_path();
  CaseRunner run(model);
  const auto inputs = run.patches_of_tensor(folder / "expected_x.npy");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ForwardResult result = run(inputs[i]);
    const auto expected = expected_row(folder / "expected_y.npy", i);
    result.logits.empty() ? test::expect_same_features(result.features, expected)
                          : test::expect_same_logits(result.logits, expected);
  }
}

/// The picture as it is fed equals expected_x.npy.
void expect_input(const fs::path& model) {
  const fs::path folder = fs::is_directory(model) ? model : model.parent_path();
  const CaseRunner run(model);
  const auto expected = run.patches_of_tensor(folder / "expected_x.npy").at(0);
  const auto actual = run.patches_of_picture(folder / "p.png");
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(actual[i], expected[i], 1e-5F) << "value " << i;
}

std::vector<std::string> class_names(const ModelInfo& info) {
  std::vector<std::string> names;
  for (const ClassLabel& label : info.labels) names.push_back(label.label().value_or("none"));
  return names;
}

TEST(ReportedCases, TransformersFeedsTheCropAndInterpolatesDinov2sPositions) {
  FOVEA_NEEDS_SHARED(model, "cases/recipe-hf-dinov2-published");
  expect_input(model);
}

TEST(ReportedCases, TimmFeedsTheInputSizeOfADynamicModelAndResamplesItsPositions) {
  FOVEA_NEEDS_SHARED(model, "cases/picture-timm-dynamic");
  CaseRunner run(model);
  EXPECT_EQ(run.info().architecture.image_size, (Size{32, 32}));
  test::expect_same_logits(run(run.patches_of_picture(model / "p.png")).logits,
                           expected_row(model / "expected_y.npy", 0));
}

TEST(ReportedCases, Eva02RotatesByTheTemperatureOfItsConfig) {
  FOVEA_NEEDS_SHARED(model, "cases/timm-eva02-temp");
  expect_outputs(model);
}

TEST(ReportedCases, AMeanOverPrefixTokensTooIsTakenWhereTheConfigSaysSo) {
  FOVEA_NEEDS_SHARED(model, "cases/timm-pool-prefix");
  expect_outputs(model);
}

TEST(ReportedCases, OpenClipHasGeluUnlessItsConfigSaysQuickGelu) {
  FOVEA_NEEDS_SHARED(model, "cases/open-clip-gelu");
  expect_outputs(model);
}

TEST(ReportedCases, AveragedWeightsAreTakenAsTimmTakesThem) {
  FOVEA_NEEDS_SHARED(model, "cases/ema-state_dict_ema");
  expect_outputs(model);
}

TEST(ReportedCases, OneUnnamedOutputHasTheProbabilityOfItsSigmoid) {
  FOVEA_NEEDS_SHARED(model, "cases/hf-prob-one-class");
  CaseRunner run(model);
  const ForwardResult result = run(run.patches_of_tensor(model / "expected_x.npy").at(0));
  const ClassSpace classes = class_space(run.info());
  const auto predictions = predictions_of(result.logits, probabilities_of(result.logits, classes), classes, {});
  ASSERT_EQ(predictions.size(), 1U);
  EXPECT_NEAR(predictions[0].probability, 0.7996, 5e-5);
}

TEST(ReportedCases, NamesAreFoundWhereTimmSavesThemASecondTime) {
  FOVEA_NEEDS_SHARED(folder, "cases/labels-round-trip");
  const std::vector<std::string> names{"a", "b", "c", "d", "e"};
  EXPECT_EQ(class_names(inspect_model(folder / "a")), names);
  EXPECT_EQ(class_names(inspect_model(folder / "b")), names);
}

TEST(ReportedCases, DeitsOwnFileIsFedAsItsOwnEvaluationDoes) {
  FOVEA_NEEDS_SHARED(folder, "cases/recipe-deit-original");
  expect_input(folder / "deit_tiny_distilled_patch16_224-b40b3cf7.pth");
}

TEST(ReportedCases, ACompiledModelsPrefixIsTakenOff) {
  FOVEA_NEEDS_SHARED(model, "cases/prefix-compile");
  expect_outputs(model);
}

TEST(ReportedCases, WeightsAreFoundInATrainingLoopsDict) {
  FOVEA_NEEDS_SHARED(model, "cases/wrap-model_state_dict");
  expect_outputs(model);
}

}  // namespace
}  // namespace fovea
