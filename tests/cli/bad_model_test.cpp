// Broken checkpoints: exit 3 and a sentence that names the file, the tensor, both shapes and the next step.
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

class BadModel : public ::testing::Test {
 protected:
  BadModel() {
    write_tiny_model_folder(folder_ / "model");
    write_picture(folder_ / "a.png", 40, 40);
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "model/model.safetensors"; }
  /// Every verb that loads it says the same.
  std::string failure() const {
    const std::string model = (folder_ / "model").string();
    const auto result = run_fovea({"classify", "-m", model, (folder_ / "a.png").string()});
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("model.safetensors"));
    EXPECT_THAT(result.err, HasSubstr("hint: "));
    EXPECT_EQ(
        run_fovea({"batch", "-m", model, (folder_ / "a.png").string(), "-o", (folder_ / "out").string()}).exit_code, 3);
    return result.err;
  }
  TempFolder folder_;
};

TEST_F(BadModel, AWrongShapeNamesTheTensorAndBothShapes) {
  const Architecture architecture = tiny_architecture();
  TinyTensors tensors = make_tiny_tensors(architecture, 1);
  TinyTensor& tensor = tensors.at("blocks.1.attn.qkv.weight");
  tensor.shape = {70, 24};
  tensor.values.resize(70 * 24);
  write_tiny_model(folder_ / "model", architecture, tensors);
  const std::string message = failure();
  EXPECT_THAT(message, HasSubstr("blocks.1.attn.qkv.weight"));
  EXPECT_THAT(message, HasSubstr("[70, 24]"));
  EXPECT_THAT(message, HasSubstr("[72, 24]"));
}

TEST_F(BadModel, AMissingTensorIsNamed) {
  TinyTensors tensors = make_tiny_tensors(tiny_architecture(), 1);
  tensors.erase("blocks.0.norm2.bias");
  write_tiny_model(folder_ / "model", tiny_architecture(), tensors);
  EXPECT_THAT(failure(), HasSubstr("blocks.0.norm2.bias"));
}

TEST_F(BadModel, ATensorThatBelongsNowhereIsNamed) {
  TinyTensors tensors = make_tiny_tensors(tiny_architecture(), 1);
  tensors["blocks.0.surprise"] = {{1}, {0.0F}};
  write_tiny_model(folder_ / "model", tiny_architecture(), tensors);
  EXPECT_THAT(failure(), HasSubstr("blocks.0.surprise"));
}

TEST_F(BadModel, OverlappingOffsetsAreRefused) {
  write_raw_safetensors(file(),
                        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                        R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                        12);
  EXPECT_THAT(failure(), HasSubstr("'b'"));
}

TEST_F(BadModel, AHeaderOfTwoToTheSixtyThreeBytesIsRefused) {
  write_text(file(), std::string("\0\0\0\0\0\0\0\x80{}", 10));
  EXPECT_THAT(failure(), HasSubstr("9223372036854775808"));
}

TEST_F(BadModel, AFileCutShortIsRefused) {
  const std::string whole = read_text(file());
  write_text(file(), std::string_view(whole).substr(0, whole.size() - 100));
  failure();
  write_text(file(), std::string_view(whole).substr(0, 50));
  failure();
  write_text(file(), "");
  failure();
}

TEST_F(BadModel, AConfigThatIsNoJsonIsRefusedByName) {
  write_text(folder_ / "model/config.json", "{\"num_classes\": ");
  const auto result = run_fovea({"classify", "-m", (folder_ / "model").string(), (folder_ / "a.png").string()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("config.json"));
}

TEST_F(BadModel, AModelThatIsNotThereIsLookedForAndTheNearestNameIsOffered) {
  ProcessOptions options;
  options.environment = {"FOVEA_MODEL_PATH=" + folder_.path().string()};
  const auto result = run_fovea({"classify", "-m", "modell", (folder_ / "a.png").string()}, options);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("did you mean 'model'?"));
  EXPECT_EQ(run_fovea({"classify", "-m", "model", (folder_ / "a.png").string()}, options).exit_code, 0);
}

}  // namespace
}  // namespace fovea::test
