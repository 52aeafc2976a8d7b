// fovea doctor, against the bytes that the reference libraries made of the same files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <span>

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "report/files/documents.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/sample_images.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string sha256_of(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

/// The values of an .npy file of version 1.0.
std::vector<std::byte> npy_values(const std::filesystem::path& path) {
  std::vector<std::byte> file = read_file(path);
  const std::size_t header = std::to_integer<std::size_t>(file[8]) + 256 * std::to_integer<std::size_t>(file[9]);
  file.erase(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(10 + header));
  return file;
}

class DoctorVerb : public ::testing::Test {
 protected:
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] static std::string source(const std::string& name) {
    return (preprocess_golden() / "sources" / name).string();
  }
  [[nodiscard]] static Json doctor(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"doctor", "-f", "json"});
    const ProcessResult result = run_fovea(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? Json::parse(result.out) : Json();
  }
  TempFolder folder_;
};

TEST_F(DoctorVerb, ConfigFilesAloneAreEnoughToDumpWhatBothBackendsOfTransformersMake) {
  const Json recipes = Json::parse(read_text(preprocess_golden() / "expected.json")).at("recipes");
  const Json inputs = Json::parse(read_text(preprocess_golden() / "expected.json")).at("normalised");
  const std::string name = "baseline.jpg";
  for (const std::string backend : {"pil", "torchvision"}) {
    const std::string recipe = backend == "pil" ? "hf_clip_pil" : "hf_clip_tv";
    write_text(folder_ / "model/preprocessor_config.json", recipes.at(recipe).at("preprocessor_config").dump());
    const Json found = doctor({at("model"), source(name), "--preprocess", "hf-" + backend, "--dump-pixels",
                               at("out/pixels.npy"), "--dump-input", at("out/input.npy")});
    const std::vector<std::byte> pixels = npy_values(folder_ / "out/pixels.npy");
    const std::vector<std::byte> input = npy_values(folder_ / "out/input.npy");
    EXPECT_EQ(crc32(pixels), recipes.at(recipe).at("images").at(name)) << backend;
    EXPECT_EQ(crc32(input), inputs.at(recipe + "/" + name)) << backend;
    EXPECT_EQ(found.at("pixels_sha256"), sha256_of(pixels));
    EXPECT_EQ(found.at("input_sha256"), sha256_of(input));
    EXPECT_TRUE(found.at("logits").is_null());
    EXPECT_EQ(found.at("recipe").at("name"), "hf-" + backend);
    EXPECT_THAT(read_text(folder_ / "out/pixels.npy"),
                HasSubstr("'|u1', 'fortran_order': False, 'shape': (48, 48, 3)"));
    const NpyArray values = parse_npy_f32(read_file(folder_ / "out/input.npy"), "input.npy");
    EXPECT_EQ(values.shape, (std::vector<std::size_t>{3, 48, 48}));
  }
}

TEST_F(DoctorVerb, EveryStepsSizeIsSaid) {
  write_text(folder_ / "model/config.json", R"({"pretrained_cfg":{"input_size":[3,48,48],"crop_pct":0.9}})");
  const Json applied = doctor({at("model"), source("exif6.jpg")}).at("steps");
  EXPECT_EQ(applied.at("stored"), Json({64, 96}));
  EXPECT_EQ(applied.at("upright"), Json({96, 64}));
  EXPECT_EQ(applied.at("resized"), Json({79, 53}));
  EXPECT_EQ(applied.at("cropped"), Json({48, 48}));
  EXPECT_EQ(applied.at("top"), 16);  // 15.5, half to even
  EXPECT_EQ(applied.at("left"), 2);
  EXPECT_EQ(applied.at("exif"), "apply");
  // timm ignores the tag, and --exif auto does as it does.
  const Json automatic = doctor({at("model"), source("exif6.jpg"), "--exif", "auto"}).at("steps");
  EXPECT_EQ(automatic.at("upright"), Json({64, 96}));
  EXPECT_EQ(automatic.at("exif"), "ignore");
}

TEST_F(DoctorVerb, WithACheckpointTheLogitsAreThoseOfClassify) {
  write_tiny_model_folder(folder_ / "model");
  write_picture(folder_ / "a.png", 50, 70);
  const Json found = doctor({at("model"), at("a.png")});
  const auto classified = run_fovea({"classify", "-m", at("model"), at("a.png"), "--save-logits", at("l.npy")});
  ASSERT_EQ(classified.exit_code, 0) << classified.err;
  EXPECT_EQ(found.at("logits").get<std::vector<float>>(), parse_npy_f32(read_file(folder_ / "l.npy"), "l.npy").values);
  const auto text = run_fovea({"doctor", at("model"), at("a.png")});
  for (const char* word : {"recipe", "from config.json", "resized", "cropped", "5 classes", "python3 - <<'END'"}) {
    EXPECT_THAT(text.out, HasSubstr(word));
  }
}

TEST_F(DoctorVerb, TheScriptReadsTheFilesWithTheirOwnLibraryUnlessFlagsChangeTheRecipe) {
  write_text(folder_ / "timm/config.json", R"({"pretrained_cfg":{"input_size":[3,48,48],"crop_pct":0.9}})");
  write_text(folder_ / "hf/preprocessor_config.json", R"({"image_processor_type":"DeiTImageProcessor"})");
  const std::string image = source("rgb.png");
  const auto script = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin() + 1, image);
    return doctor(arguments).at("python").get<std::string>();
  };
  EXPECT_THAT(script({at("timm")}), HasSubstr("timm.data.resolve_data_config({}, pretrained_cfg="));
  EXPECT_THAT(script({at("timm"), "--crop-pct", "0.8"}),
              HasSubstr("input_size=(3, 48, 48), interpolation=\"bicubic\", crop_pct=0.8, crop_mode=\"center\""));
  EXPECT_THAT(script({at("timm"), "--resize-size", "60"}), HasSubstr("T.Resize(60, T.InterpolationMode.BICUBIC)"));
  EXPECT_THAT(script({at("hf")}),
              HasSubstr("AutoImageProcessor.from_pretrained(\"" + at("hf") + "\", backend=\"torchvision\")"));
  EXPECT_THAT(script({at("hf"), "--preprocess", "hf-pil"}), HasSubstr("backend=\"pil\")"));
  EXPECT_THAT(script({at("hf"), "--mean", "0.1,0.2,0.3"}), HasSubstr("TorchvisionBackend("));
  EXPECT_THAT(script({at("hf"), "--preprocess", "clip"}), HasSubstr("T.CenterCrop((224, 224))"));
  EXPECT_THAT(script({at("hf")}), HasSubstr("exif_transpose"));
  EXPECT_THAT(script({at("hf"), "--exif", "ignore"}), Not(HasSubstr("exif_transpose(image)")));
  // A border around transformers' resampler: nobody but fovea has that.
  EXPECT_TRUE(doctor({at("hf"), image, "--crop-mode", "border"}).at("python").is_null());
}

TEST_F(DoctorVerb, MistakesAreSaidAsEverywhere) {
  write_text(folder_ / "model/config.json", R"({"pretrained_cfg":{"input_size":[3,48,48]}})");
  const auto exit_of = [](const std::vector<std::string>& arguments) {
    const ProcessResult result = run_fovea(arguments);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, StartsWith("fovea: error: "));
    return result.exit_code;
  };
  EXPECT_EQ(exit_of({"doctor", at("model")}), 2);
  EXPECT_EQ(exit_of({"doctor", at("model"), source("rgb.png"), source("rgb.png")}), 2);
  EXPECT_EQ(exit_of({"doctor", at("model"), source("rgb.png"), "--preprocess", "tim"}), 2);
  EXPECT_EQ(exit_of({"doctor", at("model"), source("rgb.png"), "--mean", "1,2"}), 2);
  EXPECT_EQ(exit_of({"doctor", at("model"), source("rgb.png"), "--resize-size", "10x"}), 2);
  EXPECT_EQ(exit_of({"doctor", at("model"), source("rgb.png"), "--crop-pct", "0.9", "--resize-size", "50"}), 2);
  EXPECT_EQ(exit_of({"doctor", at("nowhere"), source("rgb.png")}), 3);
  EXPECT_EQ(exit_of({"doctor", at("model"), source("bad_truncated.jpg")}), 3);
  EXPECT_EQ(exit_of({"doctor", at("model"), source("rgb.png"), "--dump-input", "/proc/nothing/x.npy"}), 3);
}

}  // namespace
}  // namespace fovea::test
