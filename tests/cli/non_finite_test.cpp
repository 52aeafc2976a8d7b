// NaN and infinity are errors wherever they come from: weights, options, overflow on the way. A map without any
// differences says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "report/record.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/renamed_tensors.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class NonFinite : public ::testing::Test {
 protected:
  NonFinite() : tensors_(make_tiny_tensors(tiny_architecture(), 1)) { write_picture(folder_ / "a.png", 40, 40); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  /// Runs a verb with the tensors as a model.
  [[nodiscard]] ProcessResult run(std::vector<std::string> arguments) const {
    std::filesystem::create_directories(folder_ / "model");
    write_tiny_model(folder_ / "model", tiny_architecture(), tensors_);
    arguments.insert(arguments.end(), {"-m", at("model"), at("a.png")});
    return run_fovea(arguments);
  }
  /// Multiplies a tensor's values.
  void scale(const std::string& name, float factor) {
    for (float& value : tensors_.at(name).values) value *= factor;
  }

  TempFolder folder_;
  TinyTensors tensors_;
};

TEST_F(NonFinite, AWeightIsNamedBeforeAnyPictureWhateverItsRoleAndItsType) {
  for (const char* name :
       {"cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "blocks.0.norm1.weight",
        "blocks.0.norm2.bias", "blocks.1.attn.qkv.weight", "blocks.1.attn.proj.bias", "blocks.1.mlp.fc1.weight",
        "blocks.0.mlp.fc2.weight", "norm.weight", "head.weight", "head.bias"}) {
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      const TinyTensors before = tensors_;
      tensors_.at(name).values.back() = bad;
      const auto result = run({"classify"});
      EXPECT_EQ(result.exit_code, 3) << name;
      EXPECT_EQ(result.out, "");
      EXPECT_THAT(result.err, AllOf(HasSubstr("model.safetensors: "), HasSubstr(std::string("'") + name + "'"),
                                    HasSubstr("expected finite numbers")));
      tensors_ = before;
    }
  }
  tensors_.at("blocks.1.mlp.fc1.weight").values[5] = kNan;
  (void)run({"classify"});
  write_safetensors(folder_ / "model/model.safetensors", tensors_, "BF16");
  const auto result = run_fovea({"classify", "-m", at("model"), at("a.png")});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("'blocks.1.mlp.fc1.weight'"));
}

TEST_F(NonFinite, ScoresThatOverflowAreARowThatNamesTheFirstBlock) {
  scale("blocks.1.mlp.fc1.weight", 1e30F);
  scale("blocks.1.mlp.fc2.weight", 1e30F);
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"classify", "-f", "jsonl"},
                                                                     {"explain", "-f", "jsonl", "-o", at("out")},
                                                                     {"embed", "-f", "jsonl", "-o", at("f.npy")}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    const auto row = result.json_lines().at(0);
    EXPECT_EQ(row.at("code"), "backend");
    EXPECT_THAT(row.at("message").get<std::string>(), AllOf(HasSubstr("a.png: "), HasSubstr("of block 1")));
  }
  const auto text = run({"classify"});
  EXPECT_THAT(text.out, Not(HasSubstr("nan")));
  EXPECT_EQ(run({"bench", "--seconds", "0.1"}).exit_code, 3);
}

TEST_F(NonFinite, TheFirstPlaceIsNamedAlsoOutsideTheBlocks) {
  for (const auto& [name, place] : std::vector<std::pair<std::string, std::string>>{
           {"patch_embed.proj.weight", "the patch embedding"}, {"head.weight", "the read-out"}}) {
    const TinyTensors before = tensors_;
    for (float& value : tensors_.at(name).values) value = std::copysign(3e38F, value);
    const auto row = run({"classify", "-f", "jsonl"}).json_lines().at(0);
    EXPECT_EQ(row.at("code"), "backend");
    EXPECT_THAT(row.at("message").get<std::string>(), HasSubstr(place));
    tensors_ = before;
  }
}

TEST_F(NonFinite, OnlyThePictureThatOverflowsFailsInItsBatch) {
  scale("patch_embed.proj.weight", 1e10F);
  // Mean and std bring any picture to 1e30, but a black one to 0.
  write_text(folder_ / "black.ppm", "P6\n8 8\n255\n" + std::string(192, '\0'));
  const auto rows =
      run({"classify", "-f", "jsonl", "--batch", "2", "--mean", "0,0,0", "--std", "1e-30,1e-30,1e-30", at("black.ppm")})
          .json_lines();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].at("type"), "result");
  EXPECT_EQ(rows[1].at("code"), "backend");
}

TEST_F(NonFinite, NoNumericOptionTakesThem) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> options{
      {"classify", {"--threshold", "--keep", "--crop-pct", "--mean", "--std"}},
      {"explain", {"--alpha", "--mask-threshold", "--discard", "--residual", "--mass", "--keep"}},
      {"batch", {"--alpha", "--threshold"}},
      {"bench", {"--seconds", "--keep"}}};
  for (const auto& [verb, flags] : options) {
    for (const std::string& flag : flags) {
      for (const std::string bad : {"nan", "NaN", "-nan", "inf", "-inf", "infinity", "1e999"}) {
        const std::string value = flag == "--mean" || flag == "--std" ? bad + ",1,1" : bad;
        const auto result = run({verb, flag, value});
        EXPECT_EQ(result.exit_code, 2) << flag << " " << value << result.err;
        EXPECT_THAT(result.err, HasSubstr(flag)) << value;
        EXPECT_EQ(result.out, "");
      }
    }
  }
}

TEST_F(NonFinite, ConstantMapsSayThatTheyAre) {
  // Without queries all patches are attended to alike.
  auto& qkv = tensors_.at("blocks.1.attn.qkv.weight").values;
  auto& bias = tensors_.at("blocks.1.attn.qkv.bias").values;
  std::fill(qkv.begin(), qkv.begin() + static_cast<std::ptrdiff_t>(qkv.size() / 3), 0.0F);
  std::fill(bias.begin(), bias.begin() + static_cast<std::ptrdiff_t>(bias.size() / 3), 0.0F);
  const auto result = run({"explain", "-o", at("out"), "-f", "jsonl", "--method", "attention", "--method", "rollout"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto maps = result.json_lines().at(0).at("maps");
  EXPECT_EQ(maps.at(0).at("constant"), true);
  EXPECT_FALSE(maps.at(1).contains("constant"));
}

}  // namespace
}  // namespace fovea::test
