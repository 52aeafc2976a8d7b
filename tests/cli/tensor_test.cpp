// --tensor: the network alone, from the command line, against the reference libraries' own numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "fovea/classifier.hpp"
#include "report/files/documents.hpp"
#include "support/npy_writer.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

class GoldenFamily : public ::testing::TestWithParam<std::string> {};

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "tests/golden/families")) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST_P(GoldenFamily, ClassifyAndEmbedEqualTheReferenceFromTheCommandLine) {
  const auto model = source_dir() / "tests/golden/families" / GetParam();
  const auto expected = open_checkpoint(model / "expected.safetensors");
  const TensorView& x = *expected->find("x");
  const TempFolder folder;
  const std::string tensor = (folder / "x.npy").string();
  const std::string saved = (folder / "l.npy").string();
  replace_file(tensor, npy_f32(to_float(x), x.shape));
  std::vector<std::string> arguments{"classify", "--tensor", tensor,          "-m",  model.string(),
                                     "-f",       "jsonl",    "--save-logits", saved, "-q"};
  if (!std::filesystem::exists(model / "config.json")) {
    arguments.insert(arguments.end(), {"--heads", std::to_string(expected->find("attn_0")->shape[1])});
  }
  const auto result = run_fovea(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");

  const std::vector<float> wanted = to_float(*expected->find("logits"));
  const NpyArray logits = parse_npy_f32(read_file(saved), "logits");
  ASSERT_EQ(logits.shape, expected->find("logits")->shape);
  const auto [low, high] = std::minmax_element(wanted.begin(), wanted.end());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(logits.values[i], wanted[i], 1e-5F * (*high - *low)) << i;
  }
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), x.shape[0] + 1);
  const std::size_t classes = logits.shape[1];
  for (std::size_t i = 0; i < x.shape[0]; ++i) {
    EXPECT_EQ(rows[i].at("path"), tensor + "#" + std::to_string(i));
    EXPECT_EQ(rows[i].at("height"), x.shape[2]);
    EXPECT_EQ(rows[i].at("width"), x.shape[3]);
    const auto row = wanted.begin() + static_cast<std::ptrdiff_t>(i * classes);
    EXPECT_EQ(rows[i].at("predictions")[0].at("class_index"),
              std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row);
  }

  if (expected->find("pooled") == nullptr) return;
  const std::string features = (folder / "f.npy").string();
  std::vector<std::string> embed{"embed", "--tensor", tensor, "-m", model.string(), "-o", features, "-q"};
  if (arguments.back() != "-q") embed.insert(embed.end(), {"--heads", arguments.back()});
  ASSERT_EQ(run_fovea(embed).exit_code, 0);
  std::vector<float> pooled = to_float(*expected->find("pooled"));
  if (const auto* const second = expected->find("pooled_dist")) {  // two heads: the mean of what they read
    const std::vector<float> read_by_second = to_float(*second);
    for (std::size_t i = 0; i < pooled.size(); ++i) pooled[i] = (pooled[i] + read_by_second[i]) / 2;
  }
  const NpyArray actual = parse_npy_f32(read_file(features), "features");
  ASSERT_EQ(actual.shape, expected->find("pooled")->shape);
  float largest = 0;
  for (const float value : pooled) largest = std::max(largest, std::fabs(value));
  for (std::size_t i = 0; i < pooled.size(); ++i) EXPECT_NEAR(actual.values[i], pooled[i], 2e-5F * largest) << i;
}

INSTANTIATE_TEST_SUITE_P(Tensor, GoldenFamily, ::testing::ValuesIn(family_names()),
                         [](const auto& chosen) { return chosen.param; });

class TensorOption : public ::testing::Test {
 protected:
  TensorOption() { write_tiny_model_folder(folder_ / "model"); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  void write_tensor(const std::vector<std::size_t>& shape, float value = 0.5F) const {
    std::size_t count = 1;
    for (const std::size_t side : shape) count *= side;
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = value * static_cast<float>(i % 7) / 7.0F;
    replace_file(folder_ / "x.npy", npy_f32(values, shape));
  }
  [[nodiscard]] ProcessResult run(const std::string& verb, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {verb, "-m", at("model"), "--tensor", at("x.npy")});
    return run_fovea(arguments);
  }
  TempFolder folder_;
};

TEST_F(TensorOption, OnePictureNeedsNoFirstAxisAndItsSizeIsTheModels) {
  write_tensor({3, 24, 40});
  const auto result = run("classify", {"-f", "jsonl"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("path"), at("x.npy") + "#0");
  EXPECT_EQ(rows[0].at("height"), 24);
  EXPECT_EQ(run("classify", {"--image-size", "24x40"}).exit_code, 0);
}

TEST_F(TensorOption, WhatAPhotographIsNormalisedToGivesTheSameLogits) {
  write_picture(folder_ / "a.png", 32, 32);
  const Image image = read_image(folder_ / "a.png");
  std::vector<float> chw(image.pixels().size());
  for (std::size_t i = 0; i < chw.size() / 3; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      chw[c * chw.size() / 3 + i] = (static_cast<float>(image.pixels()[3 * i + c]) / 255.0F - 0.5F) / 0.5F;
    }
  }
  const std::size_t shape[] = {1, 3, 32, 32};
  replace_file(folder_ / "x.npy", npy_f32(chw, shape));
  ASSERT_EQ(run("classify", {"--save-logits", at("t.npy")}).exit_code, 0);
  ASSERT_EQ(run_fovea({"classify", "-m", at("model"), at("a.png"), "--crop-pct", "1", "--save-logits", at("p.npy")})
                .exit_code,
            0);
  EXPECT_EQ(read_text(folder_ / "t.npy"), read_text(folder_ / "p.npy"));
}

TEST_F(TensorOption, OverlaysAreDrawnOverTheDenormalisedTensor) {
  write_tensor({2, 3, 32, 48}, -1.0F);
  const auto result = run("explain", {"-o", at("out"), "-f", "jsonl", "--no-caption", "--alpha", "0"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto rows = result.json_lines();
  EXPECT_EQ(rows[1].at("maps")[0].at("overlay"), "x.npy#1.rollout.png");
  const Image overlay = read_image(folder_ / "out/x.npy#1.rollout.png");
  EXPECT_EQ(overlay.size(), (Size{32, 48}));
  // Values from 0 to -6/7 with mean and std 0.5 are pixels from 128 down to 18.
  const auto [darkest, brightest] = std::minmax_element(overlay.pixels().begin(), overlay.pixels().end());
  EXPECT_NEAR(*darkest, 18, 3);
  EXPECT_NEAR(*brightest, 128, 3);
}

TEST_F(TensorOption, ValuesThatAreNoNumbersFailTheirRowAlone) {
  std::vector<float> values(std::size_t{2 * 3 * 32 * 32}, 0.25F);
  values.back() = std::numeric_limits<float>::quiet_NaN();
  const std::size_t shape[] = {2, 3, 32, 32};
  replace_file(folder_ / "x.npy", npy_f32(values, shape));
  const auto result = run("classify", {"-f", "jsonl"});
  EXPECT_EQ(result.exit_code, 1);
  const auto rows = result.json_lines();
  EXPECT_EQ(rows[0].at("type"), "result");
  EXPECT_EQ(rows[1].at("code"), "decode");
  EXPECT_THAT(rows[1].at("message").get<std::string>(), HasSubstr("[2, 31, 31] is nan"));
}

TEST_F(TensorOption, AnythingElseThanSuchAnArrayIsExitTwo) {
  const std::string zeros(std::size_t{3 * 32 * 32 * 8}, '\0');
  const std::string floats = zeros.substr(0, zeros.size() / 2);
  const std::vector<std::pair<std::string, std::string>> files = {
      {make_npy("<f8", {3, 32, 32}, zeros), "'<f8', expected '<f4'"},
      {make_npy(">f4", {3, 32, 32}, floats), "'>f4', expected '<f4'"},
      {make_npy("<f4", {3, 32, 32}, floats, true), "fortran_order is not False"},
      {make_npy("<f4", {3, 32, 32}, floats.substr(4)), "values are 12284 bytes, expected 12288"},
      {make_npy("<f4", {32, 32, 3}, floats), "shape is (32, 32, 3), expected (3, H, W)"},
      {make_npy("<f4", {0, 3, 32, 32}, ""), "shape is (0, 3, 32, 32)"},
      {make_npy("<f4", {3072}, floats), "shape is (3072)"},
      {"hello", "expected numpy's magic bytes"},
      {"", "expected numpy's magic bytes"},
  };
  for (const auto& [bytes, expected] : files) {
    write_text(folder_ / "x.npy", bytes);
    const auto result = run("classify", {});
    EXPECT_EQ(result.exit_code, 2) << expected;
    EXPECT_THAT(result.err, HasSubstr(expected));
    EXPECT_EQ(result.out, "");
  }
  std::filesystem::remove(folder_ / "x.npy");
  EXPECT_EQ(run("classify", {}).exit_code, 2);
}

TEST_F(TensorOption, ItExcludesPicturesOtherSizesAndItsOwnFileAsOutput) {
  write_tensor({3, 32, 32});
  write_picture(folder_ / "a.png", 32, 32);
  EXPECT_THAT(run("classify", {at("a.png")}).err, HasSubstr("expected one of them"));
  EXPECT_EQ(run("classify", {at("a.png")}).exit_code, 2);
  const auto size = run("classify", {"--image-size", "64"});
  EXPECT_EQ(size.exit_code, 2);
  EXPECT_THAT(size.err, HasSubstr("64x64, expected 32x32"));
  EXPECT_EQ(run("classify", {"--save-logits", at("x.npy")}).exit_code, 2);
  EXPECT_EQ(run("embed", {"-o", at("x.npy")}).exit_code, 2);
  write_tensor({3, 30, 32});
  EXPECT_THAT(run("classify", {}).err, HasSubstr("30x32 px, expected a multiple of the patch size"));
}

}  // namespace
}  // namespace fovea::test
