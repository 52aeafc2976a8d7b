// fovea bench --roofline.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class BenchRoofline : public ::testing::Test {
 protected:
  BenchRoofline() { write_tiny_model_folder(folder_ / "model"); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult bench(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"bench", "-m", at("model"), "--seconds", "0.1", "-t", "1"});
    return run_fovea(arguments);
  }
  TempFolder folder_;
};

TEST_F(BenchRoofline, InJsonHasAMeasuredRateForEachKindOfLayerAndItsNumbersAgree) {
  const auto result = bench({"--roofline", "-f", "json", "--batch", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out).at("roofline");
  for (const char* key : {"fma_peak_gflops", "matmul_peak_gflops", "forward_ms_per_image"}) EXPECT_GT(json.at(key), 0);
  for (const char* where : {"cache", "memory"}) {
    EXPECT_GT(json.at(where).at("gb_per_s"), 0);
    EXPECT_GT(json.at(where).at("bytes"), 0);
  }
  EXPECT_GT(json.at("memory").at("bytes"), json.at("cache").at("bytes"));
  std::vector<std::string> kinds;
  double sum = 0;
  double shares = 0;
  for (const auto& layer : json.at("layers")) {
    kinds.push_back(layer.at("kind"));
    const double ms = layer.at("ms_per_image");
    const double gflop = layer.at("gflop");
    const double gigabytes = layer.at("gigabytes");
    EXPECT_NEAR(layer.at("gflops").get<double>() * ms, gflop * 1e3, 1e-6 * gflop * 1e3);
    EXPECT_NEAR(layer.at("gb_per_s").get<double>() * ms, gigabytes * 1e3, 1e-6 * gigabytes * 1e3);
    EXPECT_NEAR(layer.at("flop_per_byte").get<double>(), gflop / gigabytes, 1e-6 * gflop / gigabytes);
    sum += ms;
    shares += layer.at("share").get<double>();
  }
  EXPECT_THAT(kinds, testing::ElementsAre("patch embedding", "norms", "qkv", "attention", "proj", "fc1, gelu", "fc2",
                                          "last block's class token", "read-out"));
  EXPECT_NEAR(json.at("layers_ms_per_image").get<double>(), sum, 1e-9);
  EXPECT_NEAR(shares, 1, 1e-9);
  EXPECT_NEAR(json.at("layers_over_forward").get<double>(), sum / json.at("forward_ms_per_image").get<double>(), 1e-9);
  // 16 patches and a class token of the tiny model, 2 blocks.
  const auto of_kind = [&](std::size_t kind) { return json.at("layers")[kind].at("gflop").get<double>() * 1e9; };
  const auto width = static_cast<double>(tiny_architecture().embed_dim);
  EXPECT_NEAR(of_kind(2), 2 * 2 * 17 * width * 3 * width, 1e-3) << "qkv";
  EXPECT_NEAR(of_kind(3), 4 * 17 * 17 * width, 1e-3) << "attention of all tokens, in one block";
}

TEST_F(BenchRoofline, AsTextComparesTheSumWithTheWholeForwardPass) {
  const auto result = bench({"--roofline"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* word : {"STREAM triad", "FLOP/byte", "fc1, gelu", "all, one after the other", "of the whole"}) {
    EXPECT_THAT(result.out, HasSubstr(word));
  }
  EXPECT_THAT(bench({}).out, Not(HasSubstr("FLOP/byte")));
}

TEST_F(BenchRoofline, IsDrawnIntoAFile) {
  ASSERT_EQ(bench({"--svg", at("deep/roofline.svg")}).exit_code, 0);
  const std::string svg = read_text(folder_ / "deep/roofline.svg");
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_THAT(svg, HasSubstr(">attention</text>"));
}

TEST_F(BenchRoofline, APlaceThatCannotBeWrittenIsFoundAndNoInputIsOverwritten) {
  write_picture(folder_ / "in.png", 40, 40);
  const std::string before = read_text(folder_ / "in.png");
  EXPECT_EQ(bench({"--svg", at("in.png"), at("in.png")}).exit_code, 2);
  EXPECT_EQ(read_text(folder_ / "in.png"), before);
  EXPECT_EQ(bench({"--svg", at("in.png/under.svg")}).exit_code, 3);
}

}  // namespace
}  // namespace fovea::test
