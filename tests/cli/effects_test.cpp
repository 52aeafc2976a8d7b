// An option of the command line that a call would ignore is exit 2 and named. The same option in the environment or a
// configuration file is not: these serve many calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Words = std::vector<std::string>;

const Words kRecipe{"--preprocess=timm",  "--crop-pct=0.9",          "--resize-size=40",  "--crop-size=32",
                    "--crop-mode=center", "--interpolation=bicubic", "--pillow-compat=12"};

struct Ignored {
  Words call;
  std::string option;
};

std::vector<Ignored> ignored_options() {
  std::vector<Ignored> table{
      {{"classify", "x.png", "-0"}, "--null"},
      {{"explain", "x.png", "-o", "out", "--style", "contour", "--alpha", "0.5"}, "--alpha"},
      {{"explain", "x.png", "-o", "out", "--style", "mask", "--alpha", "0.5"}, "--alpha"},
      {{"batch", "x.png", "-o", "out", "--style", "mask", "--colormap", "viridis"}, "--colormap"},
      {{"explain", "x.png", "-o", "out", "--mask-threshold", "0.5"}, "--mask-threshold"},
      {{"explain", "x.png", "-o", "out", "--top-patches", "3"}, "--top-patches"},
      {{"explain", "x.png", "-o", "out", "--map-format", "png16", "--save-map"}, "--save-map"},
      {{"explain", "x.png", "-o", "out", "--renormalize"}, "--renormalize"},
      {{"explain", "x.png", "-o", "out", "--method", "attention", "--head", "1", "--head-fusion", "max"},
       "--head-fusion"},
      {{"explain", "x.png", "-o", "out", "--seed", "3"}, "--seed"},
      {{"classify", "x.png", "--keep", "0.7", "--seed", "3"}, "--seed"},
      {{"explain", "x.png", "-o", "out", "--gamma", "0.05"}, "--gamma"},
      {{"explain", "x.png", "-o", "out", "--method", "generic", "--gamma", "0.05"}, "--gamma"},
      {{"explain", "x.png", "-o", "out", "--why", "--residual", "0.3"}, "--residual"},
      {{"explain", "x.png", "-o", "out", "--method", "generic", "--shifts", "3"}, "--shifts"},
      {{"explain", "x.png", "-o", "out", "--substrate", "drop"}, "--substrate"},
      {{"explain", "x.png", "--test-methods", "--batch", "2"}, "--batch"},
      {{"explain", "x.png", "--test-methods", "--alpha", "0.5"}, "--alpha"},
      {{"bench", "--gamma", "0.05"}, "--gamma"},
      {{"explore", "x.png", "-o", "x.html", "--attention", "none", "--attention-blocks", "0"}, "--attention-blocks"},
      {{"quantize", "m", "m.safetensors", "--pictures", "3"}, "--pictures"},
      {{"quantize", "m", "m.safetensors", "--calibrate", "x", "--test", "y"}, "--test"},
      {{"quantize", "m", "m.safetensors", "--to", "bf16", "--calibrate", "x"}, "--calibrate"},
      {{"quantize", "m", "m.safetensors", "-m", "n"}, "--model"},
      {{"quantize", "m", "m.safetensors", "--batch", "2"}, "--batch"},
      {{"doctor", "m", "x.png", "-m", "n"}, "--model"},
      {{"inspect", "m", "-m", "n"}, "--model"},
      {{"eval", "x", "--from", "r.jsonl", "-m", "n"}, "--model"},
      {{"eval", "x", "--from", "r.jsonl", "--batch", "2"}, "--batch"},
      {{"eval", "x", "--from", "r.jsonl", "--precision", "f32"}, "--precision"},
      {{"eval", "x", "--from", "r.jsonl", "--against", "f32"}, "--against-precision"},
      {{"eval", "x", "--from", "r.jsonl", "--from", "s.jsonl", "--maps", "rollout"}, "--maps"},
      {{"inspect", "m", "-t", "2"}, "--threads"},
      {{"bench", "--arch", "vit_tiny_patch16_224", "-m", "n"}, "--model"},
      {{"bench", "--arch", "vit_tiny_patch16_224", "--weights", "ema"}, "--weights"},
      {{"bench", "--arch", "vit_tiny_patch16_224", "--ignore-config", "x"}, "--ignore-config"},
      {{"completions", "bash", "-t", "2"}, "--threads"},
  };
  for (const std::string style : {"--alpha=0.5", "--colormap=viridis", "--style=mask", "--side-by-side", "--no-caption",
                                  "--overlay-format=webp", "--overlay-size=300"}) {
    table.push_back({{"explain", "x.png", "--compare", "rollout,generic", style}, style.substr(0, style.find('='))});
  }
  // Options of methods that do not run: by default rollout does, and generic where a class is named.
  const std::vector<std::pair<std::string, std::string>> of_methods{
      {"--head-fusion=max", "generic"}, {"--discard=0.5", "attention"},   {"--residual=0.4", "generic"},
      {"--compat=chefer", "attention"}, {"--start-block=1", "attention"}, {"--start-block=1", "grad-cam"},
      {"--block=0", "rollout"},         {"--head=0", "generic"},          {"--query=0,0", "token-rank"},
      {"--mass=0.5", "rollout"},        {"--window=2", "rise"},           {"--masks=9", "occlusion"},
      {"--shifts=3", "rollout"}};
  for (const auto& [option, method] : of_methods) {
    table.push_back(
        {{"explain", "x.png", "-o", "out", "--method", method, option}, option.substr(0, option.find('='))});
  }
  table.push_back({{"explain", "x.png", "-o", "out", "--target", "0", "--residual", "0.4"}, "--residual"});
  table.push_back({{"explore", "x.png", "-o", "x.html", "--masks", "9"}, "--masks"});
  table.push_back({{"explain", "x.png", "--compare", "rollout,generic", "--mass", "0.5"}, "--mass"});
  for (const std::string& option : kRecipe) {
    const std::string name = option.substr(0, option.find('='));
    table.push_back({{"classify", "--tensor", "x.npy", option}, name});
    table.push_back({{"bench", "--arch", "vit_tiny_patch16_224", option}, name});
  }
  for (const std::string option : {"--decode=fast", "--exif=ignore", "--gray16=scale", "--max-pixels=9"}) {
    table.push_back({{"embed", "-o", "f.npy", "--tensor", "x.npy", option}, option.substr(0, option.find('='))});
  }
  for (const std::string option : {"--mean=0,0,0", "--std=1,1,1"}) {
    table.push_back({{"classify", "--tensor", "x.npy", option}, option.substr(0, option.find('='))});
  }
  return table;
}

TEST(Effects, AnOptionThatWouldBeIgnoredIsExitTwoAndNamedBeforeAnythingIsRead) {
  const TempFolder folder;  // in which none of these files is: they are not looked for
  ProcessOptions there;
  there.folder = folder.path();
  for (const auto& [call, option] : ignored_options()) {
    const auto result = run_fovea(call, there);
    EXPECT_EQ(result.exit_code, 2) << ::testing::PrintToString(call) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("fovea: error: " + option + " has no effect here"))
        << ::testing::PrintToString(call);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << option;
  }
}

TEST(Effects, WithWhatTheyNeedTheSameOptionsAreTaken) {
  const TempFolder folder;
  write_tiny_model_folder(folder / "m");
  write_picture(folder / "x.png", 40, 40);
  ProcessOptions there;
  there.folder = folder.path();
  for (const Words& call : std::vector<Words>{
           {"explain", "x.png", "-o", "out", "-m", "m", "--style", "mask", "--mask-threshold", "0.5"},
           {"explain", "x.png", "-o", "out", "-m", "m", "--style", "contour", "--colormap", "viridis"},
           {"explain", "x.png", "-o", "out", "-m", "m", "--method", "attention", "--sheet", "--style", "mask",
            "--colormap", "viridis"},
           {"explain", "x.png", "-o", "out", "-m", "m", "--map-format", "json", "--top-patches", "3"},
           {"explain", "x.png", "-o", "out", "-m", "m", "--map-format", "npy", "--save-map"},
           {"explain", "x.png", "-o", "out", "-m", "m", "--head-fusion", "max", "--renormalize"},
           {"explain", "x.png", "-o", "out", "-m", "m", "--method", "rise", "--masks", "9", "--seed", "3"},
           {"explain", "x.png", "-o", "out", "-m", "m", "--method", "rollout", "--method", "attention", "--head", "1",
            "--head-fusion", "max"},
           {"explain", "x.png", "-o", "out", "-m", "m", "--compare", "rollout,attention", "--alpha", "0.4"},
           {"explore", "x.png", "-o", "x.html", "-m", "m", "--block", "0", "--start-block", "1"},
           {"bench", "--arch", "vit_tiny_patch16_224", "--image-size", "32", "--seconds", "0.1"}}) {
    const auto result = run_fovea(call, there);
    EXPECT_EQ(result.exit_code, 0) << ::testing::PrintToString(call) << result.err;
  }
}

TEST(Effects, TheEnvironmentAndConfigurationFilesServeCallsThatIgnoreThem) {
  const TempFolder folder;
  write_tiny_model_folder(folder / "m");
  write_picture(folder / "x.png", 40, 40);
  write_text(folder / "fovea.toml", "top-patches = 3\nmasks = 9\n");
  ProcessOptions there;
  there.folder = folder.path();
  there.environment = {"FOVEA_MASK_THRESHOLD=0.4", "FOVEA_WINDOW=2"};
  const auto result = run_fovea({"explain", "x.png", "-o", "out", "-m", "m", "--config", "fovea.toml"}, there);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

}  // namespace
}  // namespace fovea::test
